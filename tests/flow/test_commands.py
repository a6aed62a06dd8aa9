"""The commands as a person types them: data on standard output, talk on standard error, exit codes as stated."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.flow.desk import Desk, read
from tests.flow.terminal import Newsletter, typed
from tests.smtpd import relay


@pytest.fixture
def newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Newsletter:
    """Runs the command in the project's folder."""
    monkeypatch.chdir(tmp_path)
    return typed(monkeypatch, capfd)


@pytest.fixture
def fresh(newsletter: Newsletter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newsletter:
    """The same in a folder that `newsletter init` has just made."""
    assert newsletter("init", "project").code == 0
    monkeypatch.chdir(tmp_path / "project")
    return newsletter


def test_a_new_folder_works_at_once(fresh: Newsletter) -> None:
    prepared = fresh("issue", "prepare", "weekly")
    assert prepared.code == 0
    issue = prepared.out.strip()
    assert issue.startswith("weekly-")
    assert fresh("send", issue).code == 0
    status = fresh("status", "--json").data
    assert (status["adds_up"], status["state"]) == (True, "finished")
    assert status["deliveries"]["sent"] == len(list(Path("outbox").rglob("*.eml"))) > 0


def test_the_newest_story_of_a_new_folder_is_yesterdays(fresh: Newsletter) -> None:
    fresh("stories", "fetch")
    newest = fresh("stories", "list", "--json").data[0]["date"]
    assert newest >= f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"


def test_init_touches_no_folder_with_something_in_it(newsletter: Newsletter, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said = newsletter("init")
    assert said.code == 2
    assert "is not empty" in said.err


def test_the_demo_writes_a_mail_for_everybody_with_something_to_read(newsletter: Newsletter) -> None:
    said = newsletter("demo", "--json")
    assert said.code == 0
    mails = said.data["mails"]
    assert len(mails) == 12
    for mail in mails:
        assert bool(mail["file"]) == bool(mail["stories"])
        assert mail["file"] or mail["note"]
        if mail["file"]:
            assert (Path("demo") / mail["file"]).exists()
    assert json.loads(said.out)["next"][0] == "cd demo"
    assert newsletter("demo", "--json").data == said.data, "a second demo changes nothing"


def test_every_report_speaks_json(fresh: Newsletter) -> None:
    fresh("issue", "prepare", "weekly")
    for words in (
        ["stories", "fetch"], ["stories", "list"], ["stories", "release", "stories/"], ["topics", "list"],
        ["topics", "report"], ["subscribers", "list"], ["subscribers", "show", "ada@example.org"],
        ["subscribers", "sync"], ["issue", "list"],
        ["issue", "show", "latest"], ["why", "ada@example.org"], ["send", "latest", "--dry-run"], ["status"],
        ["schedule", "next", "3"], ["render", "latest", "--for", "ada@example.org", "--out", "ada"],
    ):
        assert fresh(*words, "--json").data is not None, words


def test_reports_without_a_terminal_are_tables_for_cut_and_awk(fresh: Newsletter) -> None:
    fresh("subscribers", "sync")
    heading, *rows = fresh("subscribers", "list").out.splitlines()
    assert heading.split("\t") == ["EMAIL", "NAME", "STATUS", "TOPICS"]
    assert len(rows) == 12


def test_render_writes_the_very_bytes_that_are_sent(fresh: Newsletter) -> None:
    issue = fresh("issue", "prepare", "weekly").out.strip()
    fresh("send", issue)
    fresh("render", issue, "--for", "ada@example.org", "--out", "ada")
    assert (Path("ada") / f"{issue}.eml").read_bytes() == (Path("outbox") / issue / "ada@example.org.eml").read_bytes()
    assert (Path("ada") / f"{issue}.mjml").read_text("utf-8").startswith("<mjml")


def test_deliveries_are_one_a_line(fresh: Newsletter) -> None:
    fresh("issue", "prepare", "weekly")
    lines = fresh("deliveries", "latest", "--json").out.splitlines()
    assert {json.loads(line)["state"] for line in lines} == {"queued"}


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(fresh: Newsletter) -> None:
    fresh("issue", "prepare", "weekly")
    plan = fresh("send", "latest", "--dry-run", "--json").data
    assert plan["to send"] > 0
    assert not Path("outbox").exists()


def test_a_test_mail_leaves_no_trace(fresh: Newsletter) -> None:
    fresh("issue", "prepare", "weekly")
    before = fresh("status", "--json").data
    assert fresh("send", "latest", "--to", "desk@example.org").code == 0
    assert fresh("status", "--json").data == before


def test_an_exported_list_can_be_read_again(fresh: Newsletter, tmp_path: Path) -> None:
    fresh("subscribers", "sync")
    assert fresh("subscribers", "export", "--format", "jsonl", "--out", "people.jsonl").code == 0
    assert len(Path("people.jsonl").read_text("utf-8").splitlines()) == 12


@pytest.mark.parametrize(("words", "code", "cure"), [
    (["issue", "prepare", "wekly"], 2, "Did you mean “weekly”?"),
    (["send", "weekly-1999-01-01"], 2, "newsletter issue prepare"),
    (["why", "nobody@example.org"], 2, ""),
    (["issue", "prepare", "weekly", "--at", "0001-01-01T00:00"], 2, "Write it as 2026-11-30T08:00"),
    (["issue", "prepare", "weekly", "--at", "soon"], 2, "Write it as 2026-11-30T08:00"),
    (["deliveries", "latest", "--state", "lost"], 2, "queued"),
    (["no-such-command"], 2, ""),
])
def test_wrong_usage_ends_with_2_and_names_the_cure(fresh: Newsletter, words: list[str], code: int, cure: str) -> None:
    said = fresh(*words)
    assert said.code == code
    assert cure in said.err
    assert said.out == ""


def test_bad_configuration_ends_with_3_and_names_file_and_line(fresh: Newsletter) -> None:
    path = Path("newsletter.toml")
    path.write_text(path.read_text("utf-8").replace("transport =", "transprot ="), "utf-8")
    said = fresh("status")
    assert said.code == 3
    assert "newsletter.toml:11" in said.err
    assert "transport" in said.err


@pytest.mark.parametrize("name", ["topics.toml", "subscribers/subscribers.csv"])
def test_a_file_that_is_gone_is_named_and_nothing_is_prepared(fresh: Newsletter, name: str) -> None:
    Path(name).unlink()
    said = fresh("issue", "prepare", "weekly")
    assert said.code == 3
    assert f"{name}: there is no such file" in said.err
    assert "name it under [files]" in said.err


def test_outside_a_project_the_cure_is_init(newsletter: Newsletter) -> None:
    said = newsletter("status")
    assert (said.code, "newsletter init" in said.err) == (3, True)


@pytest.fixture
def today(desk: Desk) -> Desk:
    """The desk with news of yesterday by this machine's own clock, which the commands go by."""
    for story in ("chatbots", "steel", "census"):
        desk.story(story, story.title(), ["ai"], date=f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}")
    return desk


@pytest.mark.parametrize(("reader", "code", "words"), [("permerror", 5, "1 refused"), ("temperror", 75, "1 queued")])
def test_a_send_with_refusals_ends_with_5_and_one_with_deferrals_with_75(
    today: Desk, newsletter: Newsletter, reader: str, code: int, words: str,
) -> None:
    today.reader(f"{reader}@example.org", "ai")
    with relay() as server:
        today.relay(server.port)
        newsletter("issue", "prepare", "weekly")
        said = newsletter("send", "latest")
    assert said.code == code
    assert words in said.out


def test_who_was_refused_is_sent_to_when_somebody_asks_for_those_missed(today: Desk, newsletter: Newsletter) -> None:
    today.reader("permerror@example.org", "ai")
    with relay() as server:
        today.relay(server.port)
        newsletter("issue", "prepare", "weekly")
        first = newsletter("send", "latest")
        assert "--state refused" in first.err
        taken = len(server.taken)
        assert newsletter("send", "latest", "--json").code == 5, "nothing is left to do"
        assert newsletter("send", "latest", "--missed", "--dry-run", "--json").data["to send"] == 1
        said = newsletter("send", "latest", "--missed")
    assert "1 refused before, tried again now" in said.err
    assert said.code == 5
    assert sum(each.startswith("RCPT TO:<permerror@") for each in server.commands) == 2
    assert len(server.taken) == taken, "and nobody else"


def test_who_is_in_doubt_is_sent_to_when_somebody_asks_for_it(today: Desk, newsletter: Newsletter) -> None:
    today.reader("droptaken@example.org", "ai")
    with relay() as server:
        today.relay(server.port)
        path = today.root / "newsletter.toml"
        path.write_text(path.read_text("utf-8").replace("[delivery]", '[delivery]\nin_doubt = "hold"'), "utf-8")
        newsletter("issue", "prepare", "weekly")
        first = newsletter("send", "latest")
        assert (first.code, "--state in_doubt" in first.err) == (5, True)
        newsletter("send", "latest", "--resend-in-doubt")
    assert server.recipients().count("droptaken@example.org") == 2
    [line] = newsletter("deliveries", "latest", "--ever-in-doubt").out.splitlines()
    email, state, attempts, *_ , message_id = line.split("\t")
    assert (email, state, attempts) == ("droptaken@example.org", "in_doubt", "2")
    assert {read(each.data)["Message-ID"] for each in server.taken if each.recipient == email} == {message_id}


def test_an_issue_is_paused_and_resumed_and_cancelled_by_hand(today: Desk, newsletter: Newsletter) -> None:
    newsletter("issue", "prepare", "weekly")
    assert newsletter("issue", "pause", "latest").code == 0
    refused = newsletter("send", "latest")
    assert (refused.code, "issue resume" in refused.err) == (2, True)
    assert newsletter("issue", "resume", "latest").code == 0
    cancelled = newsletter("issue", "cancel", "latest")
    assert "does not prepare another one for its slot" in cancelled.out


def test_status_shows_an_issue_that_is_late_and_the_commands_that_decide(
    desk: Desk, newsletter: Newsletter,
) -> None:
    """B4."""
    desk.clock.set(datetime(2020, 1, 1, tzinfo=UTC))
    issue = desk.prepare().issue.id
    said = newsletter("status")
    assert "frozen, late" in said.out
    assert f"{issue} is late: its slot was 2020-01-06T08:00[Europe/London]" in said.out
    assert f"next: newsletter send {issue}" in said.err
    assert f"next: newsletter issue cancel {issue}" in said.err
    assert newsletter("status", "--json").data["late"] is True
    newsletter("issue", "cancel", issue)
    assert newsletter("status", issue, "--json").data["late"] is False


def test_a_second_send_beside_the_first_is_refused_with_75(today: Desk, newsletter: Newsletter) -> None:
    newsletter("issue", "prepare", "weekly")
    (today.root / ".newsletter").mkdir(exist_ok=True)
    with (today.root / ".newsletter" / "lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = newsletter("send", "latest")
    assert (said.code, "4711" in said.err) == (75, True)


def test_help_comes_with_examples(newsletter: Newsletter) -> None:
    for words in (["send"], ["issue", "prepare"], ["stories", "add"], ["run"]):
        said = newsletter(*words, "--help")
        assert said.code == 0
        assert "Examples:" in said.out


def test_run_sends_by_itself_and_drains_on_sigterm(desk: Desk) -> None:
    """The real process, on the machine's own clock: an issue that is due goes out, then SIGTERM ends it with 0."""
    slot = datetime.now(UTC) - timedelta(minutes=5)
    desk.clock.set(slot - timedelta(hours=1))
    for story in ("chatbots", "steel", "census"):
        desk.story(story, story.title(), ["ai"], date=f"{slot - timedelta(days=2):%Y-%m-%d}")
    desk.prepare(f"{slot:%Y-%m-%dT%H:%M}+00:00")
    command = [sys.executable, "-m", "newsletter", "run", "--poll", "0.2"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, cwd=desk.root, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            deadline = time.monotonic() + 30
            while len(list((desk.root / "outbox").rglob("*.eml"))) < 2 and time.monotonic() < deadline:
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=20)[1]
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert "sent" in said or "stopping" in said
    assert len(list((desk.root / "outbox").rglob("*.eml"))) == 2


def test_a_text_that_gives_nothing_ends_with_3(fresh: Newsletter) -> None:
    feed = "<rss><channel><item><title>&b;</title></item></channel></rss>"
    Path("bomb.xml").write_text(f'<!DOCTYPE a [<!ENTITY b "b">]>{feed}', "utf-8")
    said = fresh("stories", "add", "bomb.xml")
    assert (said.code, "bomb.xml" in said.err) == (3, True)


def test_a_text_without_end_is_refused(fresh: Newsletter) -> None:
    with Path("endless.txt").open("wb") as file:
        file.truncate(20_000_000)
    said = fresh("stories", "add", "endless.txt")
    assert (said.code, "10,000,000 bytes" in said.err) == (3, True)
