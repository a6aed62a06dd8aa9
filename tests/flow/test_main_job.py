"""The main job, from files to mails: who gets what, once, and why."""

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.app import issues, stories
from newsletter.delivering import Pace
from newsletter.errors import DataError, TemplateError, TryLater, UsageError
from newsletter.store import AlreadyPrepared
from tests.flow.desk import Desk, text_of
from tests.smtpd import relay

FIRST, SECOND = "2026-11-30T08:00", "2026-12-07T08:00"


def titles(desk: Desk, issue: str) -> dict[str, list[str]]:
    """The stories in each mail, in no order."""
    known = ["Chatbots must say that they are machines", "Steel tariffs are halved", "The census will ask less",
             "A new story", "An old story found late"]
    return {to: sorted(title for title in known if title in text_of(mail)) for to, mail in desk.mails(issue).items()}


def test_every_subscriber_gets_one_mail_with_only_the_topics_chosen(desk: Desk) -> None:
    prepared = desk.prepare()
    assert prepared.issue.id == "weekly-2026-11-30"
    assert prepared.audience.skipped == {"chose no topic": 1}
    sent = desk.send()
    assert (sent.finished, sent.sums["sent"]) == (True, 3)
    assert titles(desk, "weekly-2026-11-30") == {
        "ann@example.org": ["Chatbots must say that they are machines", "Steel tariffs are halved"],
        "bob@example.org": ["The census will ask less"],
        "all@example.org": ["Chatbots must say that they are machines", "Steel tariffs are halved",
                            "The census will ask less"],
    }


def test_html_and_text_hold_the_same_stories(desk: Desk) -> None:
    desk.prepare()
    desk.send()
    mail = desk.mails("weekly-2026-11-30")["all@example.org"]
    for title in ("Chatbots must say that they are machines", "The census will ask less"):
        assert title in text_of(mail, "html")
        assert title in text_of(mail, "plain")


def test_a_second_send_repeats_nothing(desk: Desk) -> None:
    desk.prepare()
    desk.send()
    before = {file: file.stat().st_mtime_ns for file in (desk.root / "outbox").rglob("*.eml")}
    assert desk.send().outcomes == {}
    assert {file: file.stat().st_mtime_ns for file in (desk.root / "outbox").rglob("*.eml")} == before


def test_a_story_comes_only_once_and_the_next_issue_holds_what_is_new(desk: Desk) -> None:
    desk.prepare(FIRST)
    desk.send()
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    desk.story("new", "A new story", ["ai"], date="2026-12-03")
    prepared = desk.prepare(SECOND)
    desk.send()
    assert titles(desk, prepared.issue.id) == {"ann@example.org": ["A new story"], "all@example.org": ["A new story"]}
    steel = desk.why("ann@example.org")["Steel tariffs are halved"]
    assert steel == ("had before", "issue weekly-2026-11-30 brought it")


def test_a_topic_chosen_later_brings_what_this_subscriber_has_not_had(desk: Desk) -> None:
    desk.prepare(FIRST)
    desk.send()
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    desk.reader("bob@example.org", "privacy; trade")
    prepared = desk.prepare(SECOND)
    desk.send()
    assert titles(desk, prepared.issue.id) == {"bob@example.org": ["Steel tariffs are halved"]}


def test_a_back_dated_story_that_was_found_late_still_comes(desk: Desk) -> None:
    desk.prepare(FIRST)
    desk.send()
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    desk.story("late", "An old story found late", ["privacy"], date="2026-10-01")
    prepared = desk.prepare(SECOND)
    desk.send()
    assert titles(desk, prepared.issue.id)["bob@example.org"] == ["An old story found late"]


def test_a_retagged_story_reaches_the_readers_of_its_new_topic_and_nobody_twice(desk: Desk) -> None:
    desk.prepare(FIRST)
    desk.send()
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    desk.story("steel", "Steel tariffs are halved", ["trade", "privacy"], date="2026-11-24")
    prepared = desk.prepare(SECOND)
    desk.send()
    assert titles(desk, prepared.issue.id) == {"bob@example.org": ["Steel tariffs are halved"]}


def test_an_edited_story_is_a_new_version_and_not_a_new_story(desk: Desk) -> None:
    desk.prepare(FIRST)
    desk.send()
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    desk.story("steel", "Steel tariffs are halved, and more", ["trade"], date="2026-11-24")
    assert desk.prepare(SECOND).audience.deliveries == 0


def test_what_was_frozen_stays_whatever_is_edited_afterwards(desk: Desk) -> None:
    """P11: between freezing and the last mail, nothing an editor does reaches the issue."""
    desk.prepare()
    desk.story("chatbots", "A changed title", ["privacy"])
    topics = desk.root / "topics.toml"
    topics.write_text(topics.read_text("utf-8").replace("Artificial intelligence", "Robots"), "utf-8")
    desk.send()
    mail = desk.mails("weekly-2026-11-30")["ann@example.org"]
    assert "Chatbots must say that they are machines" in mail["Subject"]
    assert "Robots" not in text_of(mail)


def test_why_answers_for_every_story(desk: Desk) -> None:
    desk.story("old", "Long ago", ["ai"], date="2026-11-01")
    desk.prepare()
    assert {title: reason for title, (reason, _) in desk.why("ann@example.org").items()} == {
        "Chatbots must say that they are machines": "in", "Steel tariffs are halved": "in",
        "The census will ask less": "topic not chosen", "Long ago": "too old",
    }
    _, words = desk.why("ann@example.org")["Steel tariffs are halved"]
    assert words == "Trade by tag trade; rank: 6 days old"


def test_the_same_news_told_twice_comes_once_with_the_other_telling_as_a_link(desk: Desk) -> None:
    told = "The port authority of Norland has halved its steel tariffs of 25 per cent from the first of March, it said."
    desk.story("one", "Norland halves steel tariffs from March", ["trade"], body=told + " Ships may enter. " * 9,
               link="https://news.example.org/one")
    desk.story("two", "Norland halves its tariffs on steel from March", ["ai"], body=told,
               link="https://news.example.org/two")
    desk.prepare()
    desk.send()
    for reader in ("ann@example.org", "all@example.org"):
        mail = desk.mails("weekly-2026-11-30")[reader]
        for kind in ("plain", "html"):
            content = text_of(mail, kind)
            assert content.count("https://news.example.org/two") == 1
            assert "https://news.example.org/one" in content
            assert "The same news:" in content
    assert desk.why("ann@example.org")["Norland halves its tariffs on steel from March"][0] == "merged"


def test_the_same_slot_is_prepared_once(desk: Desk) -> None:
    desk.prepare()
    with pytest.raises(AlreadyPrepared, match="weekly-2026-11-30"):
        desk.prepare()


def test_a_cancelled_issue_frees_its_slot_and_its_stories(desk: Desk) -> None:
    desk.prepare()
    with desk.app() as app:
        app.store.issues.cancel("weekly-2026-11-30", now=app.now())
    again = desk.prepare()
    assert again.issue.id == "weekly-2026-11-30-0800"
    assert again.audience.deliveries == 3


def test_who_leaves_between_preparing_and_sending_gets_nothing(desk: Desk) -> None:
    desk.prepare()
    with desk.app() as app:
        app.store.subscribers.silence("bob@example.org", "unsubscribed", now=app.now())
    sent = desk.send()
    assert (sent.sums["sent"], sent.sums["withdrawn"], sent.finished) == (2, 1, True)


def test_a_bad_story_or_row_is_reported_and_stops_nothing(desk: Desk) -> None:
    (desk.root / "stories" / "broken.md").write_text("---\ntitle: [unclosed\n---\nText.\n", "utf-8")
    desk.reader("no address", "ai")
    prepared = desk.prepare()
    places = [problem.place for problem in prepared.problems]
    assert any(place.startswith("stories/broken.md:") for place in places)
    assert any(place.startswith("subscribers/subscribers.csv:6") for place in places)
    assert prepared.audience.deliveries == 3


def test_a_cycle_in_the_topics_stops_the_issue_with_its_place(desk: Desk) -> None:
    cycle = '[topic.a]\nlabel = "A"\nparent = "b"\n[topic.b]\nlabel = "B"\nparent = "a"\n'
    (desk.root / "topics.toml").write_text(cycle, "utf-8")
    with pytest.raises(DataError, match=r"topics\.toml:"):
        desk.prepare()


def test_a_broken_template_stops_the_issue_with_file_and_line_and_leaves_nothing(desk: Desk) -> None:
    folder = desk.root / "templates" / "weekly"
    with desk.app() as app:
        for name, source in app.template(app.newsletter("weekly")).files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(source, "utf-8")
    story = folder / "story.mjml"
    story.write_text(story.read_text("utf-8").replace("<mj-text", "<mj-txet", 1), "utf-8")
    with pytest.raises(TemplateError, match=r"templates/weekly/story\.mjml:\d+"):
        desk.prepare()
    with desk.app() as app, pytest.raises(UsageError):
        issues.find(app, "latest")


@pytest.mark.parametrize(("policy", "sent", "skipped"), [
    ("skip", 1, "quiet week: the edition has 1 of the 2 stories that it needs, and they are skipped"),
    ("roll-over", 1,
     "quiet week: the edition has 1 of the 2 stories that it needs, and they are kept for the next issue"),
    ("note", 2, ""),
])
def test_a_quiet_week_is_skipped_rolled_over_or_noted(desk: Desk, policy: str, sent: int, skipped: str) -> None:
    desk.configure(newsletter=f'min_stories = 2\nquiet = "{policy}"')
    desk.reader("all@example.org", "")
    desk.story("census", "The census will ask less", ["privacy"], date="2026-11-25")
    prepared = desk.prepare(FIRST)
    assert prepared.audience.deliveries == sent
    assert prepared.audience.skipped.get(skipped, 0) == (1 if skipped else 0)
    desk.send()
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    desk.story("new", "A new story", ["privacy"], date="2026-12-03")
    desk.configure(newsletter="min_stories = 1")
    issue = desk.prepare(SECOND).issue.id
    desk.send()
    census = ["The census will ask less"] if policy == "roll-over" else []
    assert titles(desk, issue)["bob@example.org"] == sorted(["A new story", *census])


def test_a_subscribers_own_choice_for_quiet_weeks_goes_before_the_newsletters(desk: Desk) -> None:
    desk.configure(newsletter='min_stories = 2\nquiet = "skip"')
    desk.reader("bob@example.org", "privacy", quiet="note")
    desk.prepare()
    desk.send()
    assert "bob@example.org" in desk.mails("weekly-2026-11-30")


def test_a_monthly_reader_gets_the_first_issue_of_the_month_with_all_that_came_since(desk: Desk) -> None:
    desk.reader("bob@example.org", "privacy", frequency="monthly")
    desk.clock.set(datetime(2026, 11, 6, 12, tzinfo=UTC))
    desk.story("early", "A new story", ["privacy"], date="2026-11-05")
    desk.prepare("2026-11-09T08:00")
    desk.send()
    desk.clock.set(datetime(2026, 11, 27, 12, tzinfo=UTC))
    quiet = desk.prepare("2026-11-30T08:00")
    assert quiet.audience.skipped["chose the frequency “monthly”, and the last issue was on 2026-11-09"] == 1
    desk.send()
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    issue = desk.prepare(SECOND).issue.id
    desk.send()
    assert titles(desk, issue)["bob@example.org"] == ["The census will ask less"]


def test_over_smtp_each_gets_one_mail_and_a_refusal_is_that_ones_alone(desk: Desk) -> None:
    desk.reader("permerror@example.org", "ai")
    desk.reader("temperror@example.org", "ai")
    with relay() as server:
        desk.relay(server.port)
        desk.prepare()
        sent = desk.send()
        assert {state: count for state, count in sent.sums.items() if count} == {"sent": 3, "refused": 1, "queued": 1}
        assert not sent.finished
        assert sorted(server.recipients()) == ["all@example.org", "ann@example.org", "bob@example.org"]
        desk.clock.set(desk.clock.now() + timedelta(hours=1))
        again = desk.send()
        assert again.outcomes == {"deferred": 1}
        assert len(server.recipients()) == 3


def test_a_relay_out_of_reach_leaves_every_row_as_it_was(desk: Desk) -> None:
    desk.pace = Pace(relay_pauses=(0.01,))
    with relay() as server:
        port = server.port
    desk.relay(port)
    desk.prepare()
    with pytest.raises(TryLater):
        desk.send()
    with desk.app() as app:
        assert app.store.outbox.sums("weekly-2026-11-30")["queued"] == 3
    with relay(port=port) as server:
        assert desk.send().sums["sent"] == 3
        assert len(server.recipients()) == 3


@pytest.mark.parametrize(("policy", "taken", "finished"), [("hold", 1, True), ("resend", 2, False)])
def test_a_mail_that_may_have_been_taken_is_held_or_sent_again_as_the_desk_says(
    desk: Desk, policy: str, taken: int, finished: bool,
) -> None:
    desk.reader("droptaken@example.org", "ai")
    with relay() as server:
        desk.relay(server.port)
        config = desk.root / "newsletter.toml"
        held = config.read_text("utf-8").replace("[delivery]", f'[delivery]\nin_doubt = "{policy}"')
        config.write_text(held, "utf-8")
        desk.prepare()
        assert desk.send().finished is finished
        desk.clock.set(desk.clock.now() + timedelta(hours=1))
        sent = desk.send()
        assert server.recipients().count("droptaken@example.org") == taken
        assert sent.sums["in_doubt"] == 1, "sent again once and in doubt again: now a person decides"
    with desk.app() as app:
        doubtful = app.store.outbox.deliveries("weekly-2026-11-30", ever_in_doubt=True)
        assert [each.subscriber.email for each in doubtful] == ["droptaken@example.org"]


def test_a_manifest_does_not_change_by_itself(desk: Desk) -> None:
    prepared = desk.prepare()
    with desk.app() as app:
        kept = app.store.issues.manifest(prepared.issue.id)
    assert kept == prepared.manifest


def test_who_left_in_the_preference_file_since_the_issue_was_frozen_gets_nothing(desk: Desk) -> None:
    for number in range(30):
        desk.reader(f"more{number}@example.org", "")
    desk.prepare()
    desk.people = [each for each in desk.people if each["email"] != "bob@example.org"]
    desk.reader("ann@example.org", "ai; trade", status="unsubscribed")
    sent = desk.send()
    assert (sent.sums["sent"], sent.sums["withdrawn"]) == (1, 2)
    assert list(desk.mails("weekly-2026-11-30")) == ["all@example.org"]


def test_a_story_whose_file_is_gone_or_a_draft_again_is_in_no_issue_until_it_is_back(desk: Desk) -> None:
    with desk.app() as app:
        stories.fetch(app, progress=lambda name: None)
    steel = desk.root / "stories" / "steel.md"
    text = steel.read_text("utf-8")
    steel.unlink()
    desk.story("census", "The census will ask less", ["privacy"], draft="true")
    assert [each.story.title for each in desk.prepare(FIRST).manifest.candidates] == [
        "Chatbots must say that they are machines",
    ]
    desk.send()
    steel.write_text(text, "utf-8")
    issue = desk.prepare(SECOND).issue.id
    desk.send()
    assert titles(desk, issue) == {
        "ann@example.org": ["Steel tariffs are halved"], "all@example.org": ["Steel tariffs are halved"],
    }


def test_a_folder_written_another_way_is_still_the_source_of_its_stories(desk: Desk) -> None:
    with desk.app() as app:
        stories.fetch(app, progress=lambda name: None)
    config = desk.root / "newsletter.toml"
    config.write_text(config.read_text("utf-8").replace('["stories/"]', '["stories"]'), "utf-8")
    assert desk.prepare().audience.deliveries == 3


def test_an_old_story_with_a_new_tag_does_not_come_again_to_who_had_it_long_ago(desk: Desk) -> None:
    desk.prepare(FIRST)
    desk.send()
    desk.clock.set(datetime(2027, 2, 12, 12, tzinfo=UTC))
    desk.story("steel", "Steel tariffs are halved", ["trade", "privacy"], date="2026-11-24")
    issue = desk.prepare("2027-02-15T08:00").issue.id
    desk.send()
    assert titles(desk, issue) == {"bob@example.org": ["Steel tariffs are halved"]}


def test_an_issue_prepared_for_a_time_long_past_still_counts_as_had(desk: Desk) -> None:
    desk.prepare("2026-06-01T08:00")
    desk.send()
    assert desk.prepare(FIRST).audience.deliveries == 0


def test_a_skipped_quiet_issue_is_no_mail_to_a_monthly_reader(desk: Desk) -> None:
    desk.configure(newsletter="min_stories = 2")
    desk.reader("bob@example.org", "privacy", frequency="monthly")
    desk.clock.set(datetime(2026, 12, 4, 12, tzinfo=UTC))
    assert any("quiet week" in reason for reason in desk.prepare(SECOND).audience.skipped)
    desk.clock.set(datetime(2026, 12, 11, 12, tzinfo=UTC))
    for name in ("one", "two"):
        desk.story(name, f"A new story {name}", ["privacy"], date="2026-12-10")
    issue = desk.prepare("2026-12-14T08:00").issue.id
    desk.send()
    assert titles(desk, issue)["bob@example.org"] == ["A new story"]


def test_an_issue_without_any_story_says_so(desk: Desk) -> None:
    for story in (desk.root / "stories").iterdir():
        story.unlink()
    assert any("no stor" in problem.found for problem in desk.prepare().problems)


def test_a_misspelt_exclusion_still_excludes(desk: Desk) -> None:
    desk.reader("all@example.org", "*; -privcy")
    prepared = desk.prepare()
    assert any("unknown topic “-privcy”" in problem.found for problem in prepared.problems)
    desk.send()
    assert "The census will ask less" not in titles(desk, prepared.issue.id)["all@example.org"]
