"""A transport is added by one module and one line: here, by one from outside the package."""

import mailbox
import sys
from collections.abc import Callable, Iterator
from typing import get_args, get_type_hints

import pytest

from newsletter import config
from newsletter.app import App, issues
from newsletter.cli import main
from newsletter.cli.opened import opening
from newsletter.config.keys import DeliverySettings
from newsletter.errors import UsageError
from newsletter.model import Message, Receipt
from newsletter.transports import TRANSPORTS
from newsletter.transports.settings import TransportSettings
from tests.flow.desk import Desk


class MaildirTransport:
    """Delivers into a mailbox of this machine."""

    lanes = 2

    def __init__(self, box: mailbox.Maildir) -> None:
        self._box = box

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        on_wire()
        return Receipt("sent", reply=self._box.add(message.wire))

    async def close(self) -> None:
        self._box.close()


def opened(settings: TransportSettings) -> MaildirTransport:
    return MaildirTransport(mailbox.Maildir(settings.root / "maildir"))


Newsletter = Callable[..., int]


@pytest.fixture
def newsletter(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsletter]:
    """Runs the command in the desk's project, by the desk's clock; its exit code."""
    before = opening.set(lambda: App(config.read(desk.root / config.FILE), clock=desk.clock))

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["newsletter", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    yield run
    opening.reset(before)


def test_a_transport_from_outside_sends_an_issue_by_the_usual_commands(
    desk: Desk, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TRANSPORTS, "maildir", opened)
    assert newsletter("issue", "prepare", "weekly") == 0
    assert newsletter("send", "latest", "--transport", "maildir") == 0
    with desk.app() as app:
        issue = issues.find(app, "latest")
        rows = list(app.store.outbox.deliveries(issue.id))
        composed = {issues.message_for(app, issue, row.subscriber).wire for row in rows}
    arrived = mailbox.Maildir(desk.root / "maildir")
    assert {row.receipt.reply for row in rows if row.receipt} == {*arrived.keys()}
    assert {arrived.get_bytes(key) for key in arrived.iterkeys()} == composed
    assert {row.state for row in rows} == {"sent"}
    assert len(arrived) == len(rows) == 3


def test_a_transport_that_nobody_has_added_is_wrong_usage_and_nothing_is_sent(
    desk: Desk, newsletter: Newsletter, capsys: pytest.CaptureFixture[str],
) -> None:
    desk.prepare()
    assert newsletter("send", "latest", "--transport", "smpt") == UsageError.exit_code
    assert "unknown transport “smpt”" in (said := capsys.readouterr().err)
    assert "Did you mean “smtp”?" in said
    with desk.app() as app:
        assert app.store.outbox.sums(issues.find(app, "latest").id)["queued"] == 3


def test_newsletter_toml_knows_the_word_of_every_transport() -> None:
    assert set(get_args(get_type_hints(DeliverySettings)["transport"])) == set(TRANSPORTS)
