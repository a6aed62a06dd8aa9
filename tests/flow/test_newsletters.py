"""Two newsletters and more, by the commands a person types: who is subscribed to which, with what, and since when."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter import config
from newsletter.app import App
from tests.flow.desk import Desk, text_of
from tests.flow.terminal import Newsletter, typed

TITLES = ("Chatbots", "Steel", "census")
SECOND = """
[newsletter.briefing]
title = "The Briefing"
from = "Digital Desk <desk@news.example.org>"
sources = ["stories/"]
schedule = "every monday at 09:00"
timezone = "Europe/London"
"""
THIRD = SECOND.replace("briefing", "digest").replace("Briefing", "Digest")


@pytest.fixture
def command(desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Newsletter:
    """Runs the command at the desk, by the desk's clock. The desk has two newsletters and no subscribers yet."""
    two_newsletters(desk)
    desk.people = []
    monkeypatch.setattr(App, "open", lambda: App(config.read(desk.root / "newsletter.toml"), clock=desk.clock))
    return typed(monkeypatch, capfd)


def two_newsletters(desk: Desk, *, briefing: str = "", more: str = "") -> None:
    desk.configure(newsletter=f"{SECOND}{briefing}\n{more}")


@pytest.fixture
def sent(desk: Desk, command: Newsletter) -> Callable[[str], dict[str, list[str]]]:
    """Prepares and sends the next issue of a newsletter: by recipient, the stories of each mail."""

    def send(newsletter: str) -> dict[str, list[str]]:
        issue = command("issue", "prepare", newsletter).out.strip()
        assert command("send", issue).code == 0
        return {recipient: [title for title in TITLES if title in text_of(mail)]
                for recipient, mail in desk.mails(issue).items()}

    return send


Sent = Callable[[str], dict[str, list[str]]]


def test_a_row_that_names_a_newsletter_gets_that_one_alone(desk: Desk, command: Newsletter, sent: Sent) -> None:
    desk.reader("ann@example.org", "*", newsletters="weekly")
    desk.reader("bob@example.org", "*", newsletters="*; -weekly")
    assert list(sent("weekly")) == ["ann@example.org"]
    assert list(sent("briefing")) == ["bob@example.org"]
    assert command("why", "ann@example.org", "briefing", "--json").data["outcome"] == (
        "not in the audience: not subscribed to briefing")


def test_an_empty_cell_means_the_newsletters_that_existed_when_the_row_was_first_read(
    desk: Desk, command: Newsletter, sent: Sent,
) -> None:
    desk.reader("ann@example.org", "*")
    desk.reader("bob@example.org", "*", newsletters="*")
    command("subscribers", "sync")
    desk.clock.set(datetime(2026, 11, 28, 12, tzinfo=UTC))
    two_newsletters(desk, more=f"{THIRD}repeats = true")
    desk.reader("new@example.org", "*")
    assert sorted(sent("weekly")) == ["ann@example.org", "bob@example.org", "new@example.org"]
    assert sorted(sent("digest")) == ["bob@example.org", "new@example.org"]


def test_a_later_newsletter_for_everybody_goes_to_rows_that_name_none(
    desk: Desk, command: Newsletter, sent: Sent,
) -> None:
    desk.reader("ann@example.org", "*")
    desk.reader("bob@example.org", "*", newsletters="weekly")
    command("subscribers", "sync")
    desk.clock.set(datetime(2026, 11, 28, 12, tzinfo=UTC))
    two_newsletters(desk, more=f"{THIRD}everybody = true")
    assert list(sent("digest")) == ["ann@example.org"]


def test_a_misspelt_newsletter_is_reported_and_brings_nothing(desk: Desk, command: Newsletter, sent: Sent) -> None:
    two_newsletters(desk, briefing="repeats = true")
    desk.reader("ann@example.org", "*", newsletters="wekly")
    desk.reader("bob@example.org", "*")
    assert "unknown newsletter “wekly” → Did you mean “weekly”?" in command("subscribers", "sync").err
    assert list(sent("weekly")) == ["bob@example.org"]
    assert list(sent("briefing")) == ["bob@example.org"]


def test_topics_and_frequency_can_differ_for_one_newsletter(desk: Desk, sent: Sent, command: Newsletter) -> None:
    desk.reader("ann@example.org", "ai", **{"topics:briefing": "trade", "frequency:briefing": "never"})
    desk.reader("bob@example.org", "ai", **{"topics:briefing": "trade; privacy"})
    assert sent("weekly") == {"ann@example.org": ["Chatbots"], "bob@example.org": ["Chatbots"]}
    assert sent("briefing") == {"bob@example.org": ["Steel", "census"]}
    outcome = command("why", "ann@example.org", "briefing", "--json").data["outcome"]
    assert outcome == "nothing sent: chose the frequency “never”"


def test_who_left_one_newsletter_still_gets_the_other(desk: Desk, command: Newsletter, sent: Sent) -> None:
    desk.reader("ann@example.org", "*", **{"status:weekly": "unsubscribed"})
    desk.reader("bob@example.org", "*")
    assert list(sent("weekly")) == ["bob@example.org"]
    assert sent("briefing") == {"ann@example.org": list(TITLES)}
    assert command("why", "ann@example.org", "weekly", "--json").data["outcome"] == (
        "not in the audience: unsubscribed for weekly")


def test_a_pause_over_the_slot_brings_nothing_and_ends_by_itself(desk: Desk, command: Newsletter, sent: Sent) -> None:
    desk.reader("ann@example.org", "*", paused_until="2026-12-01")
    desk.reader("bob@example.org", "*", status="paused", paused_until="2026-11-30T08:00", timezone="Europe/London")
    desk.reader("cem@example.org", "*", status="paused")
    desk.clock.set(datetime(2026, 11, 30, 7, 59, tzinfo=UTC))
    issue = command("issue", "prepare", "weekly").out.strip()
    desk.clock.set(datetime(2026, 11, 30, 8, 0, tzinfo=UTC))
    assert command("send", issue).code == 0
    assert list(desk.mails(issue)) == ["bob@example.org"], "the pause ends with the slot"
    assert command("why", "ann@example.org", "weekly", "--json").data["outcome"] == (
        "not in the audience: paused until 2026-12-01 00:00 UTC")
    assert command("why", "cem@example.org", "weekly", "--json").data["outcome"] == (
        "not in the audience: paused for every newsletter")
    desk.story("later", "Steel again", ["trade"], date="2026-12-03")
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    assert sorted(sent("weekly")) == ["ann@example.org", "bob@example.org"]


def test_a_pause_that_began_after_the_issue_was_frozen_withdraws_the_mail(desk: Desk, command: Newsletter) -> None:
    desk.reader("ann@example.org", "*")
    issue = command("issue", "prepare", "weekly").out.strip()
    desk.reader("ann@example.org", "*", paused_until="2027-01-01")
    command("send", issue)
    assert desk.mails(issue) == {}
    assert command("why", "ann@example.org", issue, "--json").data["outcome"] == "withdrawn"


@pytest.mark.parametrize(("briefing", "stories"), [("", []), ("repeats = true", list(TITLES))])
def test_a12_a_story_that_one_newsletter_brought_comes_once_unless_the_other_repeats(
    desk: Desk, sent: Sent, command: Newsletter, briefing: str, stories: list[str],
) -> None:
    two_newsletters(desk, briefing=briefing)
    desk.reader("ann@example.org", "*", newsletters="weekly; briefing")
    desk.reader("bob@example.org", "*", newsletters="briefing")
    assert sent("weekly") == {"ann@example.org": list(TITLES)}
    assert sent("briefing").get("ann@example.org", []) == stories
    reasons = {each["reason"] for each in command("why", "ann@example.org", "briefing", "--json").data["stories"]}
    assert reasons == ({"in"} if stories else {"had before"})


def test_show_names_each_subscription_with_what_differs_there(desk: Desk, command: Newsletter) -> None:
    desk.reader("ann@example.org", "ai; -trade", paused_until="2027-03-01", timezone="Asia/Tokyo", **{
        "topics:briefing": "trade", "frequency:briefing": "monthly", "status:briefing": "unsubscribed"})
    command("subscribers", "sync")
    desk.clock.set(datetime(2027, 3, 1, tzinfo=UTC))
    found = command("subscribers", "show", "Ann@Example.org", "--json").data
    assert found["paused_until"] == "2027-02-28T15:00:00+00:00"
    assert found["subscriptions"] == [
        {"newsletter": "briefing", "status": "unsubscribed", "topics": "trade", "frequency": "monthly",
         "since": "2026-11-27"},
        {"newsletter": "weekly", "status": "active", "topics": "ai; -trade", "frequency": "every",
         "since": "2026-11-27"},
    ]
    shown = command("subscribers", "show", "ann@example.org").out
    assert "briefing\tunsubscribed\ttrade\tmonthly\t2026-11-27" in shown


def test_show_says_so_of_somebody_who_is_subscribed_to_nothing(desk: Desk, command: Newsletter) -> None:
    desk.reader("ann@example.org", "ai", newsletters="-*")
    command("subscribers", "sync")
    assert "subscribed to no newsletter" in command("subscribers", "show", "ann@example.org").out


def test_a_list_can_be_of_one_newsletter_with_the_status_and_topics_there(desk: Desk, command: Newsletter) -> None:
    desk.reader("ann@example.org", "ai", **{"topics:briefing": "trade", "status:briefing": "unsubscribed"})
    desk.reader("bob@example.org", "ai", newsletters="weekly")
    desk.reader("cem@example.org", "ai", paused_until="2027-01-01")
    command("subscribers", "sync")

    def listed(*words: str) -> list[tuple[str, str, str]]:
        found = command("subscribers", "list", *words, "--json").data
        return [(each["email"], each["status"], each["topics"]) for each in found]

    assert listed("--newsletter", "briefing") == [
        ("ann@example.org", "unsubscribed", "trade"), ("cem@example.org", "paused", "ai")]
    assert listed("--newsletter", "weekly", "--status", "active") == [
        ("ann@example.org", "active", "ai"), ("bob@example.org", "active", "ai")]
    assert [email for email, _, _ in listed("--status", "paused")] == ["cem@example.org"]


def test_a_list_of_an_unknown_newsletter_is_refused_with_the_one_that_may_be_meant(command: Newsletter) -> None:
    refused = command("subscribers", "list", "--newsletter", "briefign")
    assert refused.code == 2
    assert "briefing" in refused.err


def test_what_is_exported_subscribes_to_the_same(desk: Desk, command: Newsletter, tmp_path: Path) -> None:
    desk.reader("ann@example.org", "ai", newsletters="weekly; -briefing", **{"topics:weekly": "trade; -ai"})
    desk.reader("bob@example.org", "ai", newsletters="gardening")
    desk.reader("cem@example.org", "ai", paused_until="2027-01-01", timezone="Asia/Tokyo")
    command("subscribers", "sync")
    before = [command("subscribers", "show", each["email"], "--json").data for each in desk.people]
    assert command("subscribers", "export", "--out", str(desk.root / "subscribers" / "subscribers.csv")).code == 0
    assert "0 new, 0 changed, 3 unchanged, 0 removed" in command("subscribers", "sync").out
    assert [command("subscribers", "show", each["email"], "--json").data for each in desk.people] == before


def test_the_example_of_two_newsletters_in_the_readme_means_what_it_says(
    desk: Desk, command: Newsletter,
) -> None:
    readme = (Path(__file__).parents[2] / "subscribers" / "README.md").read_text("utf-8")
    block = readme[readme.index("    email,topics,newsletters,"):].partition("\n\n")[0]
    (desk.root / "subscribers").mkdir(exist_ok=True)
    (desk.root / "subscribers" / "subscribers.csv").write_text(
        "\n".join(line.strip() for line in block.splitlines()), "utf-8")

    def mailed() -> dict[str, list[str]]:
        command("subscribers", "sync")
        found = {name: command("subscribers", "show", f"{name}@example.org", "--json").data["subscriptions"]
                 for name in ("ann", "bob", "cem", "dee")}
        return {name: [each["newsletter"] for each in own if each["status"] == "active"] for name, own in found.items()}

    assert mailed() == {"ann": ["weekly"], "bob": ["briefing", "weekly"], "cem": ["weekly"], "dee": ["weekly"]}
    desk.clock.set(datetime(2026, 11, 28, 12, tzinfo=UTC))
    two_newsletters(desk, more=THIRD)
    assert mailed() == {"ann": ["weekly"], "bob": ["briefing", "weekly"], "cem": ["digest", "weekly"],
                        "dee": ["digest", "weekly"]}
    two_newsletters(desk, more=f"{THIRD}everybody = true")
    assert mailed()["bob"] == ["briefing", "digest", "weekly"]
    assert mailed()["ann"] == ["weekly"]
