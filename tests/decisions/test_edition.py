"""Choosing editions: only what a subscriber chose, never twice, each story once, and a reason for every story."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.choosing.edition import Chooser, due
from newsletter.choosing.ranking import ranked
from newsletter.choosing.related import Cluster
from newsletter.model import Interests, Manifest, Match, Newsletter, Slot, Story, Topic, Weights

SLOT = Slot("2026-11-30T08:00", "Europe/London", datetime(2026, 11, 30, 8, tzinfo=UTC))
NEWSLETTER = Newsletter("weekly", "The Week", "desk@news.example.org", timezone="Europe/London")
TOPICS = (
    Topic("technology", "Technology"), Topic("ai", "AI", parent="technology"),
    Topic("chips", "Chips", parent="technology"), Topic("trade", "Trade"), Topic("privacy", "Privacy"),
    Topic("crypto", "Crypto"),
)


def story(name: str, *tags: str, days: float = 2, **given: object) -> Story:
    date = SLOT.instant - timedelta(days=days)
    return replace(Story(name, name.title(), date, "stories/", tags=tags), **given)  # type: ignore[arg-type]


def manifest(
    *stories: Story, newsletter: Newsletter = NEWSLETTER, clusters: tuple[Cluster, ...] = (),
    available: datetime | None = None, now: datetime = SLOT.instant,
) -> Manifest:
    """Each story is available since its date, or all of them since the instant given."""
    candidates = ranked([(each, available or each.date) for each in stories], clusters, newsletter, SLOT, now=now,
                        match=lambda each: tuple(Match(tag, "tag", tag) for tag in each.tags))
    return Manifest("weekly-2026-11-30", newsletter, SLOT, TOPICS, candidates, "t")


def chosen(
    frozen: Manifest, *topics: str, had: frozenset[str] = frozenset(), **interests: object,
) -> list[tuple[str, ...]]:
    """The edition as rows of topic and story ids."""
    wanted = Interests(topics=topics, **interests)  # type: ignore[arg-type]
    sections = Chooser(frozen).choose(wanted, had).edition.sections
    return [(section.topic, *(entry.story for entry in section.entries)) for section in sections]


def reasons(frozen: Manifest, interests: Interests, had: frozenset[str] = frozenset()) -> Mapping[str, str]:
    return {verdict.story: verdict.reason for verdict in Chooser(frozen).choose(interests, had).verdicts}


def test_a_subscriber_gets_only_the_topics_chosen() -> None:
    frozen = manifest(story("a", "ai"), story("b", "trade"), story("c", "privacy"))
    assert chosen(frozen, "trade", "privacy") == [("trade", "b"), ("privacy", "c")]


def test_who_chose_nothing_gets_nothing() -> None:
    assert chosen(manifest(story("a", "ai"))) == []


def test_a_parent_topic_takes_the_stories_of_its_children_under_the_readers_own_topic() -> None:
    assert chosen(manifest(story("a", "ai"), story("b", "chips")), "technology") == [("technology", "a", "b")]


def test_the_child_chosen_before_its_parent_has_a_section_of_its_own() -> None:
    frozen = manifest(story("a", "ai"), story("b", "chips", days=3))
    assert chosen(frozen, "ai", "technology") == [("ai", "a"), ("technology", "b")]


def test_all_topics_gives_each_story_under_its_own_topic() -> None:
    frozen = manifest(story("a", "ai"), story("b", "chips", days=3), story("c", "technology", days=4))
    assert chosen(frozen, "*") == [("ai", "a"), ("technology", "c"), ("chips", "b")]


def test_a_story_of_an_excluded_topic_is_out_even_if_another_of_its_topics_was_chosen() -> None:
    frozen = manifest(story("a", "trade", "crypto"), story("b", "trade"))
    assert chosen(frozen, "*", excluded=("crypto",)) == [("trade", "b")]
    assert reasons(frozen, Interests(("*",), ("crypto",)))["a"] == "excluded"


def test_excluding_a_parent_excludes_its_children() -> None:
    assert chosen(manifest(story("a", "ai"), story("b", "trade")), "*", excluded=("technology",)) == [("trade", "b")]


def test_a_story_in_two_chosen_topics_comes_once_under_the_first_and_says_also_in() -> None:
    frozen = manifest(story("a", "trade", "ai"))
    (section,) = Chooser(frozen).choose(Interests(("ai", "trade")), frozenset()).edition.sections
    assert (section.topic, section.entries[0].also_in) == ("ai", ("trade",))


def test_the_best_ranked_story_leads_and_the_other_sections_follow_the_readers_order() -> None:
    frozen = manifest(story("a", "ai", days=5), story("b", "trade", days=4), story("c", "privacy", days=1))
    assert [row[0] for row in chosen(frozen, "ai", "trade", "privacy")] == ["privacy", "ai", "trade"]


def test_pinned_comes_before_weight_and_weight_before_freshness() -> None:
    frozen = manifest(
        story("fresh", "ai", days=0.1), story("heavy", "ai", days=9, weight=1),
        story("pin", "ai", days=10, pinned=True),
    )
    assert chosen(frozen, "ai") == [("ai", "pin", "heavy", "fresh")]
    assert [each.rank for each in frozen.candidates] == [
        "pinned, 10 days old", "weight 1, 9 days old", "less than a day old",
    ]


def test_nothing_comes_twice_to_who_had_it() -> None:
    frozen = manifest(story("a", "ai"), story("b", "ai"))
    assert chosen(frozen, "ai", had=frozenset({"a"})) == [("ai", "b")]


def test_a_back_dated_story_comes_to_who_has_not_had_it() -> None:
    frozen = manifest(story("late", "ai", days=30), available=SLOT.instant - timedelta(days=1))
    assert chosen(frozen, "ai") == [("ai", "late")]


def test_the_same_news_told_twice_comes_once_to_the_readers_of_either_telling() -> None:
    frozen = manifest(story("a", "ai"), story("b", "trade"), clusters=(Cluster("a", ("b",)),))
    assert chosen(frozen, "trade") == [("trade", "a")]
    assert chosen(frozen, "ai") == [("ai", "a")]
    assert reasons(frozen, Interests(("trade",)))["b"] == "merged"


def test_news_had_in_one_telling_does_not_come_again_in_another() -> None:
    frozen = manifest(story("a", "ai"), story("b", "ai", days=9), clusters=(Cluster("a", ("b",)),))
    assert chosen(frozen, "ai", had=frozenset({"b"})) == []


def test_caps_cut_the_lowest_ranked_and_count_them() -> None:
    newsletter = replace(NEWSLETTER, per_topic=2, max_stories=3)
    names = [story(f"ai{number}", "ai", days=number / 10) for number in range(4)]
    frozen = manifest(*names, story("t", "trade", days=1), story("p", "privacy", days=2), newsletter=newsletter)
    edition = Chooser(frozen).choose(Interests(("ai", "trade", "privacy")), frozenset()).edition
    assert [(each.topic, len(each.entries), each.more) for each in edition.sections] == [("ai", 2, 2), ("trade", 1, 0)]
    assert reasons(frozen, Interests(("ai", "trade", "privacy")))["p"] == "capped"


def test_a_monthly_reader_gets_what_a_weekly_one_finds_too_old() -> None:
    frozen = manifest(story("a", "ai", days=20))
    assert chosen(frozen, "ai") == []
    assert reasons(frozen, Interests(("ai",)))["a"] == "too old"
    assert chosen(frozen, "ai", frequency="monthly") == [("ai", "a")]


def test_a_story_dated_after_the_slot_waits_for_the_next_issue() -> None:
    assert manifest(story("a", "ai", days=-1)).candidates == ()


def test_what_is_found_when_the_slot_has_come_is_still_in() -> None:
    seconds_later = SLOT.instant + timedelta(seconds=5)
    frozen = manifest(story("a", "ai"), available=seconds_later, now=seconds_later)
    assert chosen(frozen, "ai") == [("ai", "a")]


def test_an_edition_stays_below_what_gmail_shows() -> None:
    stories = [story(f"s{number}", "ai", days=number / 10) for number in range(20)]
    frozen = manifest(*stories, newsletter=replace(NEWSLETTER, per_topic=20))
    sizes = {each.id: 9_000 for each in stories}
    weights = Weights(20_000, {"ai": 500}, sizes, dict.fromkeys(sizes, 12000), 300)
    choice = Chooser(frozen, lambda language: weights).choose(Interests(("ai",)), frozenset())
    assert choice.size <= 102_400 - 6_144
    assert (len(choice.edition.stories), choice.edition.sections[0].more) == (8, 12)
    assert choice.verdicts[-1].reason == "too large"


def test_fewer_stories_than_the_least_make_a_quiet_edition() -> None:
    frozen = manifest(story("a", "ai"), newsletter=replace(NEWSLETTER, min_stories=2))
    assert Chooser(frozen).choose(Interests(("ai",)), frozenset()).edition.quiet


TAGS = st.lists(st.sampled_from([topic.slug for topic in TOPICS]), unique=True, max_size=3)
STORIES = st.lists(st.tuples(TAGS, st.floats(0, 40), st.integers(0, 2), st.booleans()), max_size=12)
CHOSEN = st.lists(st.sampled_from(["*", *(topic.slug for topic in TOPICS)]), unique=True, max_size=4)


def family(topic: str) -> set[str]:
    return {topic} | {each.slug for each in TOPICS if each.parent == topic}


@given(STORIES, CHOSEN, TAGS, st.sets(st.integers(0, 11)), st.integers(1, 4), st.integers(1, 8))
def test_editions_agree_with_a_plain_reading_of_the_rules(
    drawn: list[tuple[list[str], float, int, bool]], topics: list[str], excluded: list[str], had: set[int], cap: int,
    most: int,
) -> None:
    """Against an independent oracle: no wrong topic, no story twice, none left out without a reason that holds."""
    stories = [story(f"s{number:02}", *tags, days=days, weight=weight, pinned=pinned)
               for number, (tags, days, weight, pinned) in enumerate(drawn)]
    frozen = manifest(*stories, newsletter=replace(NEWSLETTER, per_topic=cap, max_stories=most))
    past = frozenset(f"s{number:02}" for number in had)
    choice = Chooser(frozen).choose(Interests(tuple(topics), tuple(excluded)), past)
    wanted = {each.slug for each in TOPICS} if "*" in topics else set().union(*map(family, topics))
    banned = set().union(*map(family, excluded))
    fits = {each.id for each in stories if set(each.tags) & wanted and not set(each.tags) & banned
            and each.id not in past and each.date >= SLOT.instant - NEWSLETTER.max_age}
    got = choice.edition.stories
    assert len(got) == len(set(got)) <= most
    assert set(got) <= fits
    capped = {verdict.story for verdict in choice.verdicts if verdict.reason == "capped"}
    assert set(got) | capped == fits
    assert len(choice.verdicts) == len(stories)
    assert sum(section.more for section in choice.edition.sections) <= len(capped)
    assert all(len(section.entries) <= cap for section in choice.edition.sections)


@pytest.mark.parametrize(("frequency", "days", "expected"), [
    ("every", 1, True), ("weekly", 5, False), ("weekly", 6.9, True), ("fortnightly", 7, False),
    ("fortnightly", 14, True), ("monthly", 14, False), ("monthly", 31, True), ("never", 100, False),
])
def test_a_frequency_says_when_the_next_mail_is_due(frequency: str, days: float, expected: bool) -> None:
    interests = Interests(frequency=frequency)  # type: ignore[arg-type]
    assert due(interests, SLOT.instant - timedelta(days=days), SLOT.instant, "Europe/London") is expected


def test_the_first_mail_is_due_at_once_whatever_the_frequency() -> None:
    assert due(Interests(frequency="monthly"), None, SLOT.instant, "Europe/London")
