"""The preference file and the store: who is there, who changed, who is left alone."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.address import Address
from newsletter.errors import DataError, TryLater, UsageError
from newsletter.model import (
    Interests,
    Newsletter,
    Problem,
    Receipt,
    Settled,
    Status,
    Subscriber,
    Subscription,
    Variation,
)
from newsletter.store import Store, Synced
from tests.storing import NOW, PLACE, READING, SENT, crowd, fill, freeze, handle, person, send, stored

DAY = timedelta(days=1)


def sync(store: Store, *rows: Subscriber | Problem, allow_removals: int | None = None) -> Synced:
    return store.subscribers.sync(rows, READING, allow_removals=allow_removals)


def status(store: Store, name: str) -> Status:
    found = store.subscribers.get(f"{name}@example.org")
    assert found is not None
    return found.status


def counts(synced: Synced) -> tuple[int, int, int, int]:
    return synced.new, synced.changed, synced.unchanged, synced.removed


def test_a_sync_says_who_is_new_changed_unchanged_and_removed(store: Store) -> None:
    ann, bob, eve = person("ann"), person("bob"), person("eve")
    assert counts(sync(store, ann, bob)) == (2, 0, 0, 0)
    assert counts(sync(store, ann, replace(bob, name="Robert"), eve)) == (1, 1, 1, 0)
    assert counts(sync(store, ann, eve)) == (0, 0, 2, 1)
    assert status(store, "bob") == "removed"


def test_a_number_never_changes_and_is_never_used_again(store: Store) -> None:
    sync(store, person("ann"), person("bob"))
    first = stored(person("ann"), store).id
    sync(store, person("eve"), person("bob"))
    sync(store, person("ann", "health"), person("eve"), person("bob"))
    assert stored(person("ann"), store).id == first
    assert len({each.id for each in store.subscribers.all()}) == 3


def test_who_comes_back_into_the_file_is_active_again(store: Store) -> None:
    sync(store, person("ann"), person("bob"))
    sync(store, person("bob"))
    assert counts(sync(store, person("ann"), person("bob"))) == (0, 1, 1, 0)
    assert status(store, "ann") == "active"


def test_a_row_that_only_moved_to_another_line_is_unchanged_and_found_there(store: Store) -> None:
    sync(store, person("ann", line=2))
    assert counts(sync(store, person("ann", line=7))) == (0, 0, 1, 0)
    found = store.subscribers.get("ann@example.org")
    assert found is not None
    assert found.line == 7


@pytest.mark.parametrize("between", [0, 5000], ids=["in one batch", "in another batch"])
def test_the_second_row_of_a_person_is_a_problem_that_names_both_lines(store: Store, between: int) -> None:
    rows = [replace(person("ann"), line=2), *crowd(between), replace(person("ann", "other"), line=9000)]
    for _ in range(2):
        synced = sync(store, *rows)
        assert [str(each) for each in synced.problems] == [
            f"{PLACE}:9000: ann@example.org is already in line 2 → Delete one of the two rows; the first one counts."]
    assert counts(synced) == (0, 0, between + 1, 0)
    assert stored(person("ann"), store).interests.topics == ()


def test_problems_of_the_file_pass_through_and_only_so_many_are_kept(store: Store) -> None:
    problems = [Problem(f"{PLACE}:{line}", "no address") for line in range(1500)]
    synced = sync(store, *problems, person("ann"))
    assert (synced.problems, synced.problem_count, synced.new) == (tuple(problems[:1000]), 1500, 1)


def test_a_file_that_lost_more_than_a_tenth_changes_nothing_until_that_is_allowed(store: Store) -> None:
    people = crowd(300)
    sync(store, *people)
    assert counts(sync(store, *people[30:])) == (0, 0, 270, 30)
    with pytest.raises(DataError, match=r"28 of 270 active .* \(reader30@example.org, .*\), next to 1 new") as refusal:
        sync(store, *people[58:], person("ann"))
    assert refusal.value.cure.endswith("--allow-removals 28")
    assert store.subscribers.get("ann@example.org") is None
    assert store.subscribers.count()["active"] == 270
    with pytest.raises(DataError):
        sync(store, *people[58:], allow_removals=27)
    assert counts(sync(store, *people[58:], allow_removals=28)) == (0, 0, 242, 28)


def test_a_few_may_go_from_a_small_file_but_not_all(store: Store) -> None:
    people = crowd(21)
    sync(store, *people)
    with pytest.raises(DataError, match="21 of 21"):
        sync(store, Problem(PLACE, "cannot be read"))
    assert sync(store, people[0]).removed == 20
    with pytest.raises(DataError, match="1 of 1"):
        sync(store)
    assert sync(store, allow_removals=1).removed == 1
    assert sync(store) == Synced(0, 0, 0, 0, (), 0)


def test_who_asked_for_silence_stays_silent_whatever_the_file_says(store: Store) -> None:
    sync(store, person("ann"), person("bob"))
    store.subscribers.silence("ann@example.org", "unsubscribed", now=NOW)
    synced = sync(store, person("ann", "health", line=2), person("bob"))
    assert status(store, "ann") == "unsubscribed"
    assert [(each.place, each.found) for each in synced.problems] == [
        (f"{PLACE}:2", "ann@example.org is active here, but unsubscribed since 2026-11-30; gets no mail")]
    assert sync(store, person("ann", status="unsubscribed"), person("bob")).problems == ()
    sync(store, person("bob"))
    assert status(store, "ann") == "unsubscribed"
    sync(store, person("ann"), person("bob"))
    assert status(store, "ann") == "unsubscribed"


@pytest.mark.parametrize(("first", "second", "stays"), [
    ("bounced", "unsubscribed", "unsubscribed"), ("unsubscribed", "bounced", "unsubscribed"),
    ("unsubscribed", "complained", "complained"), ("complained", "unsubscribed", "complained"),
])
def test_of_two_reasons_for_silence_the_graver_stays(
        store: Store, first: Status, second: Status, stays: Status) -> None:
    sync(store, person("ann"))
    store.subscribers.silence("ann@example.org", first, now=NOW)
    store.subscribers.silence("ann@example.org", second, now=NOW + DAY)
    assert status(store, "ann") == stays


def test_silence_needs_a_known_person_and_a_reason(store: Store) -> None:
    with pytest.raises(UsageError, match="no such subscriber"):
        store.subscribers.silence("ann@example.org", "unsubscribed", now=NOW)
    with pytest.raises(ValueError, match="active is no reason"):
        store.subscribers.silence("ann@example.org", "active", now=NOW)


def test_what_is_erased_cannot_be_found_and_the_sums_still_hold(store: Store) -> None:
    fill(store, [person("ann"), person("bob")])
    issue = freeze(store)
    send(store, issue, replace(SENT, reply="2.1.5 ann@example.org"))
    number = stored(person("ann"), store).id
    assert store.subscribers.erase("ann@example.org", now=NOW)
    assert not store.subscribers.erase("ann@example.org", now=NOW)
    left = store.subscribers.by_id(number)
    assert left is not None
    assert (left.email, left.name, left.status) == ("", "", "removed")
    [delivery] = [each for each in store.outbox.deliveries(issue) if each.subscriber.id == number]
    assert "ann" not in repr((delivery, left)).lower()
    assert store.outbox.sums(issue)["sent"] == 2


def test_who_is_erased_in_mid_send_gets_nothing_and_what_is_answered_late_is_not_kept(store: Store) -> None:
    """P13. A mail that is on its way is waited for."""
    fill(store, [person("ann"), person("bob")])
    issue = freeze(store)
    [first] = store.outbox.take(issue, limit=1, settled=(), now=NOW, token="one")
    with pytest.raises(TryLater, match="on its way"):
        store.subscribers.erase(first.subscriber.key, now=NOW)
    (other,) = (each.subscriber.key for each in store.outbox.deliveries(issue, "queued"))
    assert store.subscribers.erase(other, now=NOW)
    in_doubt = Settled(first.id, Receipt("in_doubt", reply=f"no answer about {first.subscriber.email}"))
    assert store.outbox.take(issue, limit=9, settled=[in_doubt], now=NOW, token="one") == []
    assert store.subscribers.erase(first.subscriber.key, now=NOW)
    late = Settled(first.id, replace(SENT, reply=f"taken for {first.subscriber.email}"))
    store.outbox.take(issue, limit=0, settled=[late], now=NOW, token="one")
    assert {each.state for each in store.outbox.deliveries(issue)} == {"in_doubt", "withdrawn"}
    assert "@" not in repr([*store.outbox.deliveries(issue)])


def test_people_are_counted_and_listed_by_status(store: Store) -> None:
    sync(store, person("ann"), person("bob", status="paused"), person("eve"))
    assert Counter(store.subscribers.count()) == Counter(active=2, paused=1)
    assert "complained" in store.subscribers.count()
    assert [each.name for each in store.subscribers.all("active")] == ["Ann", "Eve"]
    assert store.subscribers.by_id(0) is None


def test_topics_are_counted_over_active_people(store: Store) -> None:
    sync(store, person("ann", "ai", "law"), person("bob", "ai"), person("eve", "*"),
         person("joe", "law", status="pending"))
    assert store.subscribers.topics_chosen() == {"ai": 2, "law": 1, "*": 1}


def test_small_values_are_remembered(store: Store) -> None:
    assert store.subscribers.remembered("digest") == ""
    store.subscribers.remember("digest", "1")
    store.subscribers.remember("digest", "2")
    assert store.subscribers.remembered("digest") == "2"


people = st.builds(
    person, st.sampled_from(["ann", "bob", "eve", "joe"]), st.sampled_from(["ai", "law"]),
    status=st.sampled_from(["active", "paused", "unsubscribed"]))


@settings(max_examples=settings().max_examples // 3)
@given(files=st.lists(st.lists(people, max_size=5), max_size=4))
def test_after_any_row_of_files_the_store_says_what_the_last_one_says(
        new_store: Callable[[], AbstractContextManager[Store]], files: list[list[Subscriber]]) -> None:
    """And the counts of each sync add up to the people in its file."""
    with new_store() as store:
        for file in files:
            synced = sync(store, *file, allow_removals=100)
            assert synced.new + synced.changed + synced.unchanged == len({each.key for each in file})
            first = {each.key: each for each in reversed(file)}
            left = {each.key: replace(each, id=0) for each in store.subscribers.all() if each.status != "removed"}
            assert left == first


def emails(found: list[Subscriber]) -> list[str]:
    return [each.email.partition("@")[0] for each in found]


@pytest.mark.parametrize(("words", "expected"), [
    ("", ["ann", "bob", "lukasz"]), ("ANN", ["ann"]), ("łuk", ["lukasz"]), ("ŁUKASZ", ["lukasz"]), ("%", []), ("_", []),
    ("nobody", []),
])
def test_people_are_found_by_address_or_name_whatever_the_case(store: Store, words: str, expected: list[str]) -> None:
    sync(store, person("ann"), person("bob"), replace(person("lukasz"), name="Łukasz Lis"), person("eve"))
    sync(store, person("ann"), person("bob"), replace(person("lukasz"), name="Łukasz Lis"))
    assert emails(store.subscribers.find(words, 10)) == expected


def test_one_walks_from_person_to_person_past_those_removed(store: Store) -> None:
    sync(store, person("ann"), person("eve"), person("bob"))
    sync(store, person("ann"), person("bob"))
    ann, bob = store.subscribers.find("", 10)
    assert emails(store.subscribers.after(ann.id, 5)) == ["bob"]
    assert store.subscribers.after(bob.id, 5) == []
    assert store.subscribers.before(bob.id) == ann
    assert store.subscribers.before(ann.id) is None


# --- Subscriptions and handles ---

LATER = replace(READING, now=NOW + timedelta(days=1))
MONTHLY = Newsletter("monthly", "The Month", "desk@example.org")


def subscribed(store: Store, name: str) -> list[str]:
    return [each.newsletter for each in store.subscribers.subscriptions(stored(person(name), store).id)]


def test_a_row_that_names_no_newsletter_means_those_that_existed_when_it_was_first_read(store: Store) -> None:
    store.subscribers.sync([person("ann")], READING)
    more = replace(LATER, newsletters=(*READING.newsletters, MONTHLY))
    store.subscribers.sync([person("ann"), person("bob")], more)
    assert subscribed(store, "ann") == ["daily", "weekly"]
    assert subscribed(store, "bob") == ["daily", "monthly", "weekly"]


def test_a_later_newsletter_for_everybody_reaches_older_rows_too(store: Store) -> None:
    store.subscribers.sync([person("ann")], READING)
    more = replace(LATER, newsletters=(*READING.newsletters, replace(MONTHLY, everybody=True)))
    store.subscribers.sync([person("ann")], more)
    assert subscribed(store, "ann") == ["daily", "monthly", "weekly"]


def test_a_subscription_follows_its_row_and_remembers_since_when(store: Store) -> None:
    ann = replace(person("ann", "ai"), newsletters=("weekly",))
    store.subscribers.sync([ann], READING)
    only = store.subscribers.subscriptions(stored(ann, store).id)
    assert [(each.newsletter, each.since) for each in only] == [("weekly", NOW)]
    own = {"weekly": Variation(topics=("law",), excluded=(), frequency="monthly", status="paused")}
    store.subscribers.sync([replace(ann, newsletters=("*",), declined=("daily",), variations=own)], LATER)
    [weekly] = store.subscribers.subscriptions(stored(ann, store).id)
    assert weekly == Subscription("weekly", "paused", Interests(("law",), frequency="monthly"), NOW)


def test_the_subscribers_of_a_newsletter_come_with_their_subscription_whatever_its_status(store: Store) -> None:
    left = replace(person("bob"), variations={"weekly": Variation(status="unsubscribed")})
    store.subscribers.sync([person("ann"), left, replace(person("cem"), newsletters=("daily",))], READING)
    assert [(subscriber.key, each.newsletter, each.status) for subscriber, each in store.subscribers.of("weekly")] == [
        (person("ann").key, "weekly", "active"), (left.key, "weekly", "unsubscribed")]
    assert list(store.subscribers.of("monthly")) == []


def test_who_declines_a_newsletter_is_sent_nothing_more_of_it(store: Store) -> None:
    fill(store, [person("ann"), person("bob")])
    freeze(store)
    fill(store, [replace(person("ann"), declined=("weekly",)),
                 replace(person("bob"), variations={"weekly": Variation(status="unsubscribed")})])
    send(store, "weekly-0")
    assert store.outbox.sums("weekly-0")["withdrawn"] == 2


def test_nothing_is_sent_to_who_paused_until_the_day_has_come(store: Store) -> None:
    fill(store, [replace(person("ann"), paused_until=NOW + timedelta(days=10)), person("bob")])
    freeze(store, 0)
    freeze(store, 2)
    assert [store.outbox.audience(issue) for issue in ("weekly-0", "weekly-2")] == [1, 2]
    fill(store, [person("ann"), replace(person("bob"), paused_until=NOW + timedelta(days=1))])
    send(store, "weekly-0")
    assert store.outbox.sums("weekly-0")["withdrawn"] == 1


def test_a_handle_leads_to_its_subscriber_and_a_former_one_too(store: Store) -> None:
    fill(store, [person("ann"), person("bob")])
    ann = stored(person("ann"), store)
    store.subscribers.readdress(ann.key, Address("ann@example.net", "ann@example.net"), "new", now=NOW)
    found = [store.subscribers.by_handle(each) for each in (handle(ann.key), "new", handle("bob@example.org"), "no")]
    assert [each and each.email for each in found] == ["ann@example.net", "ann@example.net", "bob@example.org", None]
    with pytest.raises(UsageError, match="already"):
        store.subscribers.readdress("ann@example.net", Address("bob@example.org", "bob@example.org"), "b", now=NOW)


def test_the_preference_file_does_not_bring_back_who_was_erased(store: Store) -> None:
    fill(store, [person("ann"), person("bob")])
    assert store.subscribers.erase("ann@example.org", now=NOW)
    synced = sync(store, person("ann", line=2), person("bob"))
    assert (synced.new, [problem.place for problem in synced.problems]) == (0, [f"{PLACE}:2"])
    assert store.subscribers.get("ann@example.org") is None
