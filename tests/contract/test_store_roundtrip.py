"""Whatever is kept comes back equal."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import dialect

from newsletter.model import (
    Block,
    BlockSet,
    Candidate,
    Decision,
    Edition,
    Entry,
    FeedState,
    Frequency,
    Interests,
    Manifest,
    Match,
    Newsletter,
    Picture,
    Place,
    Placeholder,
    Quiet,
    Receipt,
    Section,
    Slot,
    Status,
    Story,
    Subscriber,
    Topic,
)
from newsletter.store import Settled, Store
from newsletter.store.tables import Instant
from tests.storing import NOW, READING, crowd, fill, freeze, manifest, person, stored

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
names = texts.filter(bool)
tuples = st.lists(texts, max_size=4).map(tuple)
times = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
numbers = st.integers(-2**31, 2**31 - 1)
pictures = st.none() | st.builds(Picture, texts, texts)
stories = st.builds(
    Story, names, names, times, st.just("stories/"), st.booleans(), texts, texts, texts, texts, tuples, texts, pictures,
    numbers, st.booleans())
interests = st.builds(
    Interests, tuples, tuples, st.sampled_from(get_args(Frequency)), texts, st.sampled_from(["html", "text"]),
    st.sampled_from(["", *get_args(Quiet)]))
subscribers = st.builds(
    Subscriber, texts, names, texts, interests, texts, st.sampled_from(get_args(Status)), texts,
    st.dictionaries(texts, texts, max_size=3), st.integers(0, 10**6))
entries = st.builds(Entry, texts, tuples)
sections = st.builds(Section, texts, st.lists(entries, max_size=3).map(tuple), st.integers(0, 99))
editions = st.builds(
    Edition, interests, st.frozensets(texts, max_size=3), st.lists(sections, max_size=3).map(tuple), st.booleans())
newsletters = st.builds(
    Newsletter, names, texts, texts, texts, texts, texts, tuples, texts, texts, texts, tuples, numbers, numbers,
    st.timedeltas(timedelta(0), timedelta(days=4000)), numbers, st.sampled_from(get_args(Quiet)))
topics = st.builds(Topic, texts, texts, texts, texts, tuples, tuples, tuples)
matches = st.builds(Match, texts, st.sampled_from(["tag", "keyword"]), texts, numbers)
candidates = st.builds(
    Candidate, stories, times, st.lists(matches, max_size=2).map(tuple),
    st.floats(allow_nan=False, allow_infinity=False), texts, tuples, texts)
manifests = st.builds(
    Manifest, names, newsletters, st.builds(Slot, texts, texts, times), st.lists(topics, max_size=2).map(tuple),
    st.lists(candidates, max_size=2).map(tuple), texts)
segments = st.binary(max_size=20) | st.builds(Placeholder, texts, st.sampled_from(get_args(Place)), st.integers(0, 72))
blocks = st.dictionaries(texts, st.builds(Block, texts, st.lists(segments, max_size=4).map(tuple), numbers), max_size=3)
block_sets = st.builds(BlockSet, texts, blocks, blocks)
receipts = st.builds(Receipt, st.sampled_from(["sent", "refused", "deferred", "in_doubt"]), numbers, texts, texts)

some = settings(
    max_examples=settings().max_examples // 3, suppress_health_check=[HealthCheck.function_scoped_fixture],
)
fresh = count()


@some
@given(story=stories)
def test_every_version_of_a_story_comes_back(store: Store, story: Story) -> None:
    story = replace(story, id=f"{story.id} {next(fresh)}")
    edited = replace(story, title=f"{story.title}!")
    store.stories.keep("stories/", [story], [], now=NOW, state=None)
    store.stories.keep("stories/", [edited], [], now=NOW, state=None)
    assert store.stories.version(story.id, story.version) == story
    assert edited in [found for found, _ in store.stories.current(min(story.date, NOW))]


@some
@given(state=st.builds(FeedState, texts, texts, texts, st.none() | times, texts))
def test_what_a_url_told_us_comes_back(store: Store, state: FeedState) -> None:
    store.stories.keep("https://example.org/feed", [], [], now=NOW, state=state)
    assert store.stories.feed_state("https://example.org/feed") == state


@some
@given(people=st.lists(subscribers, max_size=6, unique_by=lambda each: each.key))
def test_every_subscriber_comes_back_with_a_number(
        new_store: Callable[[], AbstractContextManager[Store]], people: list[Subscriber]) -> None:
    with new_store() as store:
        fill(store, people)
        assert list(store.subscribers.all()) == [stored(each, store) for each in people]
        assert all(store.subscribers.by_id(each.id) == each for each in store.subscribers.all())
        again = store.subscribers.sync(people, READING)
        assert (again.new, again.changed, again.unchanged, again.removed) == (0, 0, len(people), 0)


@given(one=interests, other=interests)
def test_interests_are_equal_exactly_if_their_texts_are(one: Interests, other: Interests) -> None:
    assert (one == other) == (one.to_json() == other.to_json())
    assert Interests.from_json(one.to_json()) == one


@some
@given(value=manifests)
def test_a_manifest_comes_back_with_its_hash(store: Store, value: Manifest) -> None:
    number = next(fresh)
    newsletter = replace(value.newsletter, name=f"{number}")
    value = replace(value, issue_id=f"{value.issue_id} {number}", newsletter=newsletter)
    with store.issues.freezing(value, now=NOW):
        pass
    found = store.issues.manifest(value.issue_id)
    assert found == value


@some
@given(values=st.lists(editions, max_size=3, unique_by=repr),
       sets=st.lists(block_sets, max_size=2, unique_by=lambda each: each.language))
def test_editions_and_blocks_come_back(store: Store, values: list[Edition], sets: list[BlockSet]) -> None:
    week = next(fresh)
    fill(store, crowd(3))
    with store.issues.freezing(manifest(week), now=NOW) as freezing:
        freezing.keep_blocks(sets)
        for subscriber_id, value in enumerate(values, 1):
            freezing.keep(subscriber_id, freezing.record(Decision(value)))
    found = list(store.issues.editions(f"weekly-{week}"))
    assert [value for _, value, _ in found] == values
    assert [store.issues.edition(number) for number, _, _ in found] == values
    assert store.issues.blocks(f"weekly-{week}") == {each.language: each for each in sets}


@some
@given(receipt=receipts)
def test_a_receipt_comes_back(store: Store, receipt: Receipt) -> None:
    fill(store, [person("ann")])
    issue = freeze(store, week=next(fresh))
    [taken] = store.outbox.take(issue, limit=1, settled=[], now=NOW, token="t")
    store.outbox.take(issue, limit=0, settled=[Settled(taken.id, receipt)], now=NOW, token="t")
    found = store.outbox.delivery(issue, "ann@example.org")
    assert found is not None
    assert found.receipt == receipt


@given(one=times, other=times, zone=st.timezones())
def test_times_keep_every_microsecond_and_their_order(one: datetime, other: datetime, zone: Any) -> None:
    kind, sqlite = Instant(), dialect()

    def kept(time: datetime) -> int:
        number = kind.process_bind_param(time, sqlite)
        assert number is not None
        return number

    assert kind.process_result_value(kept(one.astimezone(zone)), sqlite) == one
    assert (kept(one) < kept(other)) == (one < other)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Instant().process_bind_param(datetime(2026, 11, 30), dialect())  # noqa: DTZ001
