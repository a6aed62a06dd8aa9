"""The chaos run catches bugs: with one planted into the sender it finds the promise broken, without it kept."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaos import project
from chaos.faults import Faults
from chaos.judge import Finding, Policy, judge
from chaos.run import Plan, run

RECIPIENTS = 150
CUTS = Faults(addressed={"torn": ("cut after taking", 2)})
"""Some recipients' messages are taken, and the connection is cut in the place of an answer."""
CARE = 0.05
"""The relay answers late, so that the kill finds on each connection a message that was taken and not answered."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted") / "project"
    project.make(folder, RECIPIENTS, now=datetime.now(UTC))
    return folder


def found(prepared: Path, folder: Path, policy: Policy, *sender: str) -> Finding:
    return judge(run(Plan(1, policy, CUTS, RECIPIENTS, kills=1, care=CARE, sender=sender), prepared, folder))


def by_policy(first: Policy, second: Policy) -> pytest.MarkDecorator:
    """The second one in the thorough ring alone."""
    return pytest.mark.parametrize("policy", [first, pytest.param(second, marks=pytest.mark.thorough)])


@by_policy("resend", "hold")
def test_without_a_bug_the_promise_is_kept(prepared: Path, tmp_path: Path, policy: Policy) -> None:
    assert found(prepared, tmp_path / "run", policy, "chaos.sender").breaches == ()


@by_policy("hold", "resend")
def test_a_checkpoint_at_fetch_is_caught(prepared: Path, tmp_path: Path, policy: Policy) -> None:
    """Who was claimed and not yet mailed is missing, and the ledger says that they were sent."""
    finding = found(prepared, tmp_path / "run", policy, "tests.planted", "checkpoint_at_fetch")
    assert finding.missing
    assert finding.unfounded == finding.missing
    assert any("missing" in breach for breach in finding.breaches)


@by_policy("resend", "hold")
@pytest.mark.parametrize("bug", ["claims_that_expire", "lost_is_not_sent"])
def test_a_second_mail_that_nobody_hears_of_is_caught(
    prepared: Path, tmp_path: Path, policy: Policy, bug: str,
) -> None:
    """Sending again is what `resend` does, but then the recipient is named; with `hold` nobody may get it twice."""
    finding = found(prepared, tmp_path / "run", policy, "tests.planted", bug)
    assert finding.twice
    assert any("taken more than once" in breach for breach in finding.breaches)
    assert finding.missing == ()
