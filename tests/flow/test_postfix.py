"""A real Postfix as the relay, with TLS and a login: what it takes, defers and refuses comes back as that."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.app import issues
from newsletter.delivering import Pace
from newsletter.errors import ConfigError, TryLater
from newsletter.model import Receipt
from tests.flow.desk import Desk
from tests.postfix import PASSWORD, USER, Postfix, missing, postfix

RELAY = """
[[relay]]
name = "main"
host = "127.0.0.1"
port = {port}
security = "starttls"
connections = 2
username = "{user}"
password_file = "password"
ca_file = "certificate.pem"
"""

TAKEN = {"ann@example.org", "bob@example.org", "all@example.org"}
"""Readers whose mails Postfix takes."""


@pytest.fixture(scope="module")
def running() -> Iterator[Postfix]:
    """Without Postfix, or without the right to start it, these tests are skipped at home, and fail in CI."""
    if reason := missing():
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with postfix() as instance:
        yield instance


@pytest.fixture
def server(running: Postfix) -> Iterator[Postfix]:
    yield running
    running.forget()


@pytest.fixture
def desk(desk: Desk, server: Postfix, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An issue is prepared, for readers whom Postfix takes, defers and refuses."""
    monkeypatch.setenv("NEWSLETTER_DELIVERY__TRANSPORT", "smtp")
    desk.pace = Pace(relay_pauses=(0.0,))
    shutil.copy(server.ca_file, desk.root)
    mail_through(desk, server.port)
    for name in ("deferred", "refused", "unwanted"):
        desk.reader(f"{name}@example.org", "ai")
    desk.prepare()
    return desk


def test_what_postfix_takes_defers_and_refuses_comes_back_as_that(desk: Desk, server: Postfix) -> None:
    sent = newsletter(desk, "send", "latest", "--json")
    assert sent.returncode == 75, f"who was deferred still waits: {sent.stderr}"
    assert json.loads(sent.stdout)["data"]["this_run"] == {"sent": 3, "deferred": 1, "refused": 2}
    assert told(desk) == {
        **dict.fromkeys(TAKEN, ("sent", 250, "2.0.0")),
        "deferred@example.org": ("queued", 450, "4.2.1"),
        "refused@example.org": ("refused", 550, "5.1.1"),
        "unwanted@example.org": ("refused", 550, "5.7.1"),
    }
    assert "nobody of that name" in newsletter(desk, "deliveries", "latest", "--state", "refused").stdout


def test_every_mail_taken_arrives_once_as_it_was_composed_however_often_we_send(desk: Desk, server: Postfix) -> None:
    for _ in range(2):
        desk.send()
    arrived = server.mails()
    assert {reader: len(mails) for reader, mails in arrived.items()} == dict.fromkeys(TAKEN, 1)
    for reader, (mail,) in arrived.items():
        with desk.app() as app:
            message = issues.message_for(app, issues.find(app, "latest"), issues.subscriber(app, reader))
        assert mail["Message-ID"] == message.message_id
        assert mail.as_bytes().endswith(message.wire.partition(b"\r\n\r\n")[2])
        assert "with ESMTPSA" in mail["Received"], "it came over TLS and after a login"


def test_a_wrong_password_is_said_and_nothing_is_sent(desk: Desk, server: Postfix) -> None:
    mail_through(desk, server.port, password="a loud word")
    sent = newsletter(desk, "send", "latest")
    assert sent.returncode == ConfigError.exit_code
    assert "the relay refuses the login: 535" in sent.stderr
    assert "→ Correct username and password" in sent.stderr
    assert "loud word" not in sent.stderr
    assert_nothing_left(desk, server)


def test_without_starttls_nothing_is_sent_and_no_password_is_told(desk: Desk, server: Postfix) -> None:
    mail_through(desk, server.clear_port)
    seen = len(server.log())
    with pytest.raises(TryLater, match="STARTTLS"):
        desk.send()
    assert_nothing_left(desk, server)
    assert "auth=" not in server.wait_for_log("disconnect from", seen)


def test_a_certificate_of_somebody_else_stops_the_send(desk: Desk, server: Postfix, tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(
        (tmp_path / "newsletter.toml").read_text("utf-8").replace('ca_file = "certificate.pem"\n', ""), "utf-8",
    )
    with pytest.raises(TryLater, match="certificate is not valid"):
        desk.send()
    assert_nothing_left(desk, server)


# --- What the tests ask ---


def mail_through(desk: Desk, port: int, *, password: str = PASSWORD) -> None:
    desk.configure(relay=RELAY.format(port=port, user=USER))
    file = desk.root / "password"
    file.write_text(f"{password}\n")
    file.chmod(0o600)


def newsletter(desk: Desk, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "newsletter", *words], cwd=desk.root, capture_output=True, text=True)


def told(desk: Desk) -> dict[str, tuple[str, int, str]]:
    """State, code and enhanced code of every delivery, by reader."""
    with desk.app() as app:
        rows = app.store.outbox.deliveries(issues.find(app, "latest").id)
        told = {row.subscriber.email: (row.state, row.receipt or Receipt("deferred")) for row in rows}
    return {reader: (state, receipt.code, receipt.enhanced) for reader, (state, receipt) in told.items()}


def assert_nothing_left(desk: Desk, server: Postfix) -> None:
    assert server.mails() == {}
    assert set(told(desk).values()) == {("queued", 0, "")}
