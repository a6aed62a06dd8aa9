"""SpamAssassin's own rules, without a network, hold nothing against any mail."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from gallery.specimen import Specimen
from tests.mail.conftest import missing

Scores = Mapping[str, Mapping[str, float]]
"""The rules that a mail meets, by the mail's name, and what each adds."""
SPOILT = "spoilt"
"""A mail without the fields that every mail has."""
SETTINGS = ["use_bayes 0", "add_header all Scores _TESTSSCORES(,)_"]


@pytest.fixture(scope="module")
def scores(every_specimen: dict[str, Specimen], tmp_path_factory: pytest.TempPathFactory) -> Scores:
    """Those of all specimens, and of one that is spoilt; one run for all, as starting takes the program longest."""
    mails = {name: each.wire for name, each in every_specimen.items()}
    mails[SPOILT] = re.sub(rb"(?m)^(Date|Message-ID): .*\r\n", b"", next(iter(mails.values())))
    return judged(mails, tmp_path_factory.mktemp("home"))


def judged(mails: dict[str, bytes], home: Path) -> Scores:
    """What the program says of each mail."""
    program = shutil.which("spamassassin")
    if program is None:
        missing("there is no SpamAssassin: apt-get install spamassassin")
    (home / "settings").touch()
    box = b"".join(
        b"From - Mon Nov 23 06:00:00 2026\nX-Specimen: %b\n%b\n" % (name.encode(), mail.replace(b"\r\n", b"\n"))
        for name, mail in mails.items()
    )
    options = [option for line in SETTINGS for option in ("--cf", line)]
    done = subprocess.run(
        [program, "--local", "--mbox", "--prefspath", str(home / "settings"), *options], input=box, timeout=100,
        capture_output=True, env={**os.environ, "HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr.decode()
    marked = [message_from_bytes(mail, policy=SMTP) for mail in re.split(rb"(?m)^From - .*\n", done.stdout)[1:]]
    told = {mail["X-Specimen"]: read(mail["X-Spam-Scores"]) for mail in marked}  # they come in any order
    assert set(told) == set(mails)
    return told


def read(told: str) -> dict[str, float]:
    """ "NO_RELAYS=-0.001,HTML_MESSAGE=0.001" as a table."""
    rules = (rule.split("=") for rule in re.sub(r"\s", "", told).split(","))
    return {name: float(score) for name, score in rules}


def test_no_mail_scores_more_than_nothing(scores: Scores) -> None:
    sums = {name: round(sum(rules.values()), 1) for name, rules in scores.items() if name != SPOILT}
    assert {name: points for name, points in sums.items() if points > 0} == {}


def test_no_rule_speaks_against_a_mail(scores: Scores) -> None:
    ours = (rules.items() for name, rules in scores.items() if name != SPOILT)
    assert {(rule, score) for rules in ours for rule, score in rules if score >= 0.05} == set()


def test_a_spoilt_mail_is_seen(scores: Scores) -> None:
    assert [rule for rule, score in scores[SPOILT].items() if score >= 0.5]
