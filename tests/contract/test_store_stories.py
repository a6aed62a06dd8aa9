"""What the store makes of the stories of a harvest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.errors import UsageError
from newsletter.model import FeedState, Story
from newsletter.store import Kept, Store
from tests.storing import NOW, story

SOURCE = "stories/"
OTHER = "https://example.org/feed"
DAY = timedelta(days=1)
LONG_AGO = NOW - 1000 * DAY


def keep(store: Store, *stories: Story, day: int = 0, source: str = SOURCE) -> Kept:
    return store.stories.keep(source, [replace(each, source=source) for each in stories], [], now=NOW + day * DAY,
                              state=None)


def available(store: Store, id: str) -> float:
    """In days from NOW."""
    [found] = [time for each, time in store.stories.current(LONG_AGO) if each.id == id]
    return (found - NOW) / DAY


def test_at_the_first_fetch_old_items_are_old_and_later_ones_are_new_from_when_they_came(store: Store) -> None:
    keep(store, story("old", date=NOW - 30 * DAY))
    keep(store, story("late", date=NOW - 30 * DAY), day=1)
    assert (available(store, "old"), available(store, "late")) == (-30, 1)


def test_a_story_of_the_future_is_available_from_its_date(store: Store) -> None:
    keep(store, story("first", date=NOW + 2 * DAY))
    keep(store, story("second", date=NOW + 3 * DAY), day=1)
    assert (available(store, "first"), available(store, "second")) == (2, 3)


def test_a_harvest_is_counted(store: Store) -> None:
    assert keep(store, story("a"), story("b")) == Kept(new=2)
    assert keep(store, story("a"), story("b", title="Better"), story("c")) == Kept(new=1, changed=1, unchanged=1)


def test_an_edit_is_a_new_version_and_no_new_story(store: Store) -> None:
    first, second = story("a"), story("a", title="Better")
    keep(store, first)
    keep(store, second, day=5)
    assert [each.title for each, _ in store.stories.current(LONG_AGO)] == ["Better"]
    assert available(store, "a") == 0
    assert store.stories.version("a", first.version) == first


def test_an_edit_that_is_taken_back_brings_the_first_version_back(store: Store) -> None:
    first = story("a")
    keep(store, first)
    keep(store, story("a", title="Worse"), day=1)
    assert keep(store, first, day=2) == Kept(changed=1)
    assert [each for each, _ in store.stories.current(LONG_AGO)] == [first]


def test_a_story_with_new_tags_is_available_from_now_to_readers_of_other_topics(store: Store) -> None:
    keep(store, story("a", tags=("ai", "law")))
    keep(store, story("a", tags=("law", "ai")), day=1)
    assert available(store, "a") == 0
    keep(store, story("a", tags=("law", "health")), day=2)
    assert available(store, "a") == 2


def test_new_tags_do_not_bring_a_story_of_the_future_forward(store: Store) -> None:
    keep(store, story("a", date=NOW + 5 * DAY))
    keep(store, story("a", date=NOW + 5 * DAY, tags=("law",)), day=1)
    assert available(store, "a") == 5


def test_an_undated_story_keeps_the_date_of_its_first_fetch(store: Store) -> None:
    undated = story("a", dated=False)
    keep(store, undated)
    assert keep(store, replace(undated, date=NOW + 9 * DAY), day=9) == Kept(unchanged=1)
    keep(store, replace(undated, date=NOW + 9 * DAY, title="Better"), day=9)
    [(found, time)] = store.stories.current(LONG_AGO)
    assert (found.title, found.date, time) == ("Better", NOW, NOW)


def test_of_two_sources_with_the_same_story_the_first_keeps_it(store: Store) -> None:
    keep(store, story("a"))
    assert keep(store, story("a", title="Copied"), source=OTHER) == Kept(unchanged=1)
    assert [(each.title, each.source) for each, _ in store.stories.current(LONG_AGO)] == [("About a", SOURCE)]
    assert (store.stories.known(SOURCE), store.stories.known(OTHER)) == (frozenset("a"), frozenset())


def test_of_two_stories_with_one_id_in_a_harvest_the_first_counts_each_time(store: Store) -> None:
    twins = story("a", title="One"), story("a", title="Other")
    assert keep(store, *twins) == Kept(new=1, unchanged=1)
    assert keep(store, *twins) == Kept(unchanged=2)


def test_a_held_story_is_not_used_until_it_is_released(store: Store) -> None:
    kept = store.stories.keep(SOURCE, [story("a")], [story("b"), story("c")], now=NOW, state=None)
    assert kept == Kept(new=1, held=2)
    for title in ("Better", "", "Better"):
        keep(store, story("b", title=title))
    assert {each.id for each, _ in store.stories.current(LONG_AGO)} == {"a"}
    assert {each.id for each in store.stories.held()} == {"b", "c"}
    assert store.stories.held(OTHER) == []
    assert store.stories.release(SOURCE) == 2
    assert {each.title for each, _ in store.stories.current(LONG_AGO)} == {"About a", "Better", "About c"}
    assert store.stories.release(SOURCE) == 0


def test_stories_are_listed_the_newest_first(store: Store) -> None:
    keep(store, *(story(f"{age}", date=NOW - age * DAY) for age in range(5)))
    store.stories.keep(OTHER, [], [story("held", source=OTHER)], now=NOW, state=None)
    assert [each.story.id for each in store.stories.find(3, source=SOURCE)] == ["0", "1", "2"]
    assert {each.story.id for each in store.stories.find(2)} == {"0", "held"}
    assert [each.held for each in store.stories.find(9, source=OTHER)] == [True]


def test_current_stories_are_those_available_since_then_and_not_before(store: Store) -> None:
    keep(store, *(story(f"{age}", date=NOW - age * DAY) for age in range(5)))
    assert [each.id for each, _ in store.stories.current(NOW - 2 * DAY)] == ["2", "1", "0"]


def test_a_source_is_known_with_its_last_fetch_and_what_it_told_us(store: Store) -> None:
    state = FeedState(OTHER, '"abc"', "Mon, 30 Nov 2026 08:00:00 GMT", NOW + DAY)
    assert (store.stories.last_fetch(OTHER), store.stories.feed_state(OTHER)) == (None, None)
    store.stories.keep(OTHER, [story("a")], [story("b")], now=NOW, state=state)
    keep(store, story("c"), day=1)
    assert store.stories.last_fetch(SOURCE) == NOW + DAY
    feed, folder = store.stories.sources()
    assert (feed.name, feed.last_fetch, feed.state, feed.stories, feed.held) == (OTHER, NOW, state, 2, 1)
    assert (folder.name, folder.state, folder.stories, folder.held) == (SOURCE, None, 1, 0)


def test_a_fetch_without_a_new_state_keeps_the_old_one(store: Store) -> None:
    state = FeedState(OTHER, '"abc"')
    store.stories.keep(OTHER, [], [], now=NOW, state=state)
    keep(store, day=1, source=OTHER)
    assert (store.stories.feed_state(OTHER), store.stories.last_fetch(OTHER)) == (state, NOW + DAY)


def test_a_version_that_was_never_kept_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="no version 1234 of the story a"):
        store.stories.version("a", "1234")


def test_a_folder_of_thousands_is_kept_at_once(store: Store) -> None:
    many = [story(f"{number}") for number in range(1500)]
    assert keep(store, *many) == Kept(new=1500)
    assert keep(store, *many) == Kept(unchanged=1500)
