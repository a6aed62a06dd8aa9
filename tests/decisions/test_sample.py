"""The sample project shows every kind of story and reader, and has no mistake in it."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from newsletter import preferences
from newsletter.choosing import topicsfile, topicsreport
from newsletter.choosing.related import Overrides, cluster
from newsletter.choosing.topics import Topics
from newsletter.model import Problem, Story, Subscriber
from newsletter.sources import Sources, Web

SAMPLE = Path(__file__).parents[2] / "sample"
WEEK = Path(__file__).parents[1] / "data" / "sources" / "week.txt"
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def stories() -> Mapping[str, Story]:
    harvest = Sources(SAMPLE, Web("")).harvest("stories/", now=MONDAY, state=None)
    assert harvest.problems == ()
    return {story.link.rpartition("/")[2]: story for story in harvest.stories}


@pytest.fixture(scope="module")
def topics() -> Topics:
    return topicsfile.parse((SAMPLE / "topics.toml").read_text("utf-8"), place="topics.toml")


@pytest.fixture(scope="module")
def people(topics: Topics) -> Mapping[str, Subscriber]:
    read = list(preferences.read(SAMPLE / "subscribers" / "subscribers.csv", topic=topics.slug))
    assert [each for each in read if isinstance(each, Problem)] == []
    return {each.name: each for each in read if isinstance(each, Subscriber)}


def test_the_stories_fill_three_weeks_of_november(stories: Mapping[str, Story]) -> None:
    days = [story.date.date() for story in stories.values()]
    assert len(stories) >= 16
    assert all(story.dated and story.link.startswith("https://news.example.org/") for story in stories.values())
    assert date(2026, 11, 2) <= min(days) <= max(days) <= date(2026, 11, 22)
    assert {day.isocalendar().week for day in days} == {45, 46, 47}


def test_a_story_has_between_60_and_180_words(stories: Mapping[str, Story]) -> None:
    assert {name: len(story.text.split()) for name, story in stories.items()
            if not 60 <= len(story.text.split()) <= 180} == {}


def test_the_stories_show_what_an_editor_can_say(stories: Mapping[str, Story]) -> None:
    told = stories.values()
    assert [story.pinned for story in told].count(True) == 1
    assert [story.weight for story in told if story.weight] == [2]
    assert [story.language for story in told if story.language] == ["fr"]
    assert all(mark in stories["hospitals-rehearse-the-worst-day"].body for mark in ("<strong>", "<em>", "<li>", "<a "))


def test_there_are_eight_topics_with_one_parent_and_each_has_a_story(
    topics: Topics, stories: Mapping[str, Story]
) -> None:
    assert len(topics.topics) == 8
    assert [topic.parent for topic in topics.topics if topic.parent] == ["platforms"]
    assert {match.topic for story in stories.values() for match in topics.match(story)} == {
        topic.slug for topic in topics.topics
    }


def test_no_tag_is_unknown_and_untagged_stories_are_found_by_keywords(
    topics: Topics, stories: Mapping[str, Story]
) -> None:
    report = topicsreport.report(topics, stories.values(), {"*": 1})
    assert (report.unmatched, report.unmapped) == ((), ())
    [first, *_] = topics.match(stories["open-language-model"])
    assert (first.topic, first.how) == ("artificial-intelligence", "keyword")


def test_one_piece_of_news_is_told_twice_and_nothing_else(stories: Mapping[str, Story]) -> None:
    overrides = Overrides.parse((SAMPLE / "related.toml").read_text("utf-8"), place="related.toml")
    found = cluster(list(stories.values()), overrides)
    fuller, shorter = stories["helmsford-quantum-centre"], stories["quantum-centre-goes-to-helmsford"]
    assert [(one.pick, one.others) for one in found.clusters if one.others] == [(fuller.id, (shorter.id,))]
    assert found.problems == ()


def test_the_example_of_related_toml_works_once_its_comment_signs_are_gone(stories: Mapping[str, Story]) -> None:
    lines = (SAMPLE / "related.toml").read_text("utf-8").split("#\n", 1)[1].splitlines()
    overrides = Overrides.parse("\n".join(line.removeprefix("#") for line in lines), place="related.toml")
    found = cluster(list(stories.values()), overrides)
    assert found.problems == ()
    [one] = [one for one in found.clusters if one.others]
    assert one.pick == stories["hospitals-rehearse-the-worst-day"].id


def test_twelve_readers_show_every_kind_of_choice(people: Mapping[str, Subscriber], topics: Topics) -> None:
    choices = {name: (person.interests.topics, person.interests.excluded) for name, person in people.items()}
    assert len(people) == 12
    assert choices["Noor Aziz"] == ((), ())
    assert choices["Ada Winter"] == (("artificial-intelligence",), ())
    assert choices["ليلى حداد"] == (("*",), ())
    assert choices["Jörg Brandt"] == (("*",), ("digital-finance",))
    assert people["Jörg Brandt"].email == "kontakt@xn--bcher-kva.example.org"
    assert {"Zoë Marchetti", "Łukasz Wiśniewski", "山田 花子"} <= people.keys()
    assert [name for name, person in people.items() if person.interests.format == "text"] == ["Sam O'Neill"]
    assert [name for name, person in people.items() if person.status == "paused"] == ["Ben Larsson"]
    assert [name for name, person in people.items() if person.interests.frequency == "monthly"] == ["Grace Okafor"]
    assert {person.interests.language for person in people.values()} == {"en", "fr", "de"}
    assert all(person.email.endswith((".example.org", "@example.org", "@example.com", "@example.net"))
               for person in people.values())


def test_nothing_is_mailed_before_somebody_asks_for_it() -> None:
    settings = tomllib.loads((SAMPLE / "newsletter.toml").read_text("utf-8"))
    assert settings["delivery"]["transport"] == "file"
    assert settings["newsletter"]["weekly"]["sources"] == ["stories/"]


def test_the_keywords_put_each_story_of_a_pasted_week_into_a_fitting_topic(topics: Topics) -> None:
    harvest = Sources(SAMPLE, Web("")).harvest_bytes(WEEK.read_bytes(), name="added", now=MONDAY)
    fitting = (
        "online-safety", "artificial-intelligence", "trade", "computing", "platforms", "diplomacy", "digital-finance",
        "artificial-intelligence", "online-safety", "computing",
    )
    first = {story.title: topics.match(story)[0] for story in harvest.stories}
    assert [(match.topic, match.how) for match in first.values()] == [(topic, "keyword") for topic in fitting]
