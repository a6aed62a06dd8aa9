"""Issues: frozen whole or not at all, once an occasion, and never changed again."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, update

from newsletter.errors import DataError, UsageError
from newsletter.model import Decision, Manifest, Member, Past
from newsletter.store import AlreadyPrepared, Settled, Skip, Store
from newsletter.store.tables import issue as issue_table
from tests.storing import (
    DEFERRED,
    NOW,
    READING,
    REFUSED,
    SENT,
    crowd,
    database_of,
    edition,
    fill,
    freeze,
    manifest,
    person,
    send,
    stored,
)

WEEK = timedelta(weeks=1)


def members(store: Store, wanted: Manifest) -> list[Member]:
    """The audience that an issue would see."""
    found: list[Member] = []
    with suppress(InterruptedError), store.issues.freezing(wanted, now=NOW) as freezing:
        found.extend(freezing.audience())
        raise InterruptedError
    return found


def had(store: Store, wanted: Manifest) -> list[set[str]]:
    """The stories of the issue that were had before, for each member of the audience."""
    return [set(each.past.had) for each in members(store, wanted)]


def test_a_frozen_issue_is_there_with_its_audience(store: Store) -> None:
    fill(store, [person("ann", "ai"), person("bob", "ai"), person("eve", "law"), person("joe", status="paused")])
    freeze(store)
    issue = store.issues.get("weekly-0")
    assert issue is not None
    assert (issue.newsletter, issue.slot, issue.state, issue.audience) == ("weekly", NOW, "sending", 3)
    assert (issue.manifest_hash, issue.prepared_at) == (issue.text_hash, NOW)
    found = list(store.issues.editions("weekly-0"))
    assert [(each.interests.topics, audience) for _, each, audience in found] == [(("ai",), 2), (("law",), 1)]
    assert store.outbox.audience("weekly-0") == sum(store.outbox.sums("weekly-0").values()) == 3


def test_a_preparation_that_fails_leaves_nothing(store: Store) -> None:
    fill(store, crowd(3))
    with suppress(InterruptedError), store.issues.freezing(manifest(), now=NOW) as freezing:
        for member in freezing.audience():
            freezing.keep(member.subscriber_id, freezing.record(Decision(edition("a"))))
        raise InterruptedError
    assert store.issues.all() == []
    assert freeze(store) == "weekly-0"


def test_an_occasion_has_one_issue_whoever_prepares_it(store: Store) -> None:
    freeze(store)
    for other in (manifest(), replace(manifest(), issue_id="weekly-again"), replace(manifest(7), issue_id="weekly-0")):
        with pytest.raises(AlreadyPrepared, match="weekly-0, sending") as refusal:
            store.issues.freezing(other, now=NOW).__enter__()
        assert refusal.value.issue.id == "weekly-0"
    with store.issues.freezing(manifest(newsletter="daily"), now=NOW):
        pass


def test_the_audience_streams_in_order_while_its_deliveries_are_written(store: Store) -> None:
    """More readers than any batch has, so that reading goes on after writing."""
    fill(store, crowd(12_000))
    seen = []
    with store.issues.freezing(manifest(), now=NOW) as freezing:
        for member in freezing.audience():
            seen.append(member.subscriber_id)
            skip = "" if member.subscriber_id % 2 else "too few stories"
            freezing.keep(member.subscriber_id, freezing.record(Decision(edition("a"), skip)))
    assert seen == [each.id for each in store.subscribers.all()]
    assert store.outbox.sums("weekly-0")["queued"] == sum(1 for _ in store.issues.skips("weekly-0")) == 6000


def test_what_was_had_is_every_story_that_was_or_will_be_sent(store: Store) -> None:
    fill(store, [person("ann"), person("bob", "ai")])
    freeze(store, 0)
    send(store, "weekly-0")
    freeze(store, 1)
    fill(store, [person("ann"), person("bob", "ai"), person("eve")])
    both = {"weekly-story-0", "weekly-story-1"}
    assert had(store, manifest(2, "weekly", *both, "weekly-story-2")) == [both, both, set()]
    assert had(store, manifest(2, "weekly", "weekly-story-1")) == [{"weekly-story-1"}, {"weekly-story-1"}, set()]
    assert had(store, manifest(2, "weekly", "news")) == [set(), set(), set()]


def test_what_was_had_does_not_depend_on_how_long_ago_it_was(store: Store) -> None:
    """B8: a story that is redated and tagged anew after months is not sent twice."""
    fill(store, crowd(1))
    freeze(store, 0)
    send(store, "weekly-0")
    assert had(store, manifest(40, "weekly", "weekly-story-0")) == [{"weekly-story-0"}]


def test_whoever_had_one_telling_has_had_the_others(store: Store) -> None:
    """Also when the telling that stood for all is gone: the desk deleted it, or its source did."""
    fill(store, crowd(1))
    wanted = manifest(0, "weekly", "pick", "other")
    pick, other = wanted.candidates
    merged = replace(wanted, candidates=(replace(pick, also=("other",)), replace(other, merged_into="pick")))
    with store.issues.freezing(merged, now=NOW) as freezing:
        for member in freezing.audience():
            freezing.keep(member.subscriber_id, freezing.record(Decision(edition("pick"))))
    later = manifest(1, "weekly", "other")
    assert had(store, later) == [{"other"}]
    assert store.issues.brought(later, stored(crowd(1)[0], store).id) == {"other": "weekly-0"}


def test_a_story_that_one_newsletter_brought_counts_as_had_for_all(store: Store) -> None:
    """A12: unless the newsletter says that it repeats; its own mails count for the others all the same."""
    fill(store, crowd(1))
    freeze(store, 0, "daily")
    wanted = manifest(1, "weekly", "daily-story-0", "weekly-story-0")
    assert had(store, wanted) == [{"daily-story-0"}]
    repeating = replace(wanted, newsletter=replace(wanted.newsletter, repeats=True))
    assert had(store, repeating) == [set()]
    freeze(store, 0)
    assert had(store, repeating) == [{"weekly-story-0"}]
    assert had(store, manifest(1, "daily", "weekly-story-0")) == [{"weekly-story-0"}]


def test_how_often_somebody_was_mailed_is_a_matter_of_one_newsletter(store: Store) -> None:
    fill(store, crowd(1))
    freeze(store, 0)
    freeze(store, 1, "daily")
    assert [each.past.last for each in members(store, manifest(2))] == [NOW]
    assert [each.past.last for each in members(store, manifest(2, "daily"))] == [NOW + WEEK]
    assert [each.past.last for each in members(store, manifest(40))] == [None]


def test_what_was_refused_or_withdrawn_or_cancelled_was_not_had(store: Store) -> None:
    fill(store, crowd(1))
    freeze(store, 0)
    send(store, "weekly-0", REFUSED)
    freeze(store, 1)
    store.issues.cancel("weekly-1", NOW)
    freeze(store, 2)
    send(store, "weekly-2", DEFERRED)
    every = [f"weekly-story-{week}" for week in range(3)]
    assert had(store, manifest(3, "weekly", *every)) == [{"weekly-story-2"}]


def test_a_skip_counts_as_past_only_if_its_stories_passed_and_for_its_newsletter_alone(store: Store) -> None:
    fill(store, crowd(2))
    one, two = (each.id for each in store.subscribers.all())
    with store.issues.freezing(manifest(0), now=NOW) as freezing:
        freezing.keep(one, freezing.record(Decision(edition("a"), "too few stories", passed=True)))
        freezing.keep(two, freezing.record(Decision(edition("a"), "rolls over")))
    assert had(store, manifest(1, "weekly", "a")) == [{"a"}, set()]
    assert had(store, manifest(1, "daily", "a")) == [set(), set()]
    assert [each.past.last for each in members(store, manifest(1, "weekly", "a"))] == [None, None]


def test_what_a_cancelled_issue_passed_over_is_not_past(store: Store) -> None:
    fill(store, crowd(1))
    with store.issues.freezing(manifest(0), now=NOW) as freezing:
        recorded = freezing.record(Decision(edition("a"), "too few stories", passed=True))
        freezing.keep(stored(crowd(1)[0], store).id, recorded)
    store.issues.cancel("weekly-0", NOW)
    assert had(store, manifest(1, "weekly", "a")) == [set()]


def test_one_member_is_seen_as_the_whole_audience_is(store: Store) -> None:
    """B12: the preview and `why` ask about one subscriber with the query that preparing asks about all."""
    fill(store, [*crowd(3), person("gone", status="unsubscribed")])
    freeze(store, 0)
    freeze(store, 0, "daily")
    store.issues.cancel("daily-0", NOW)
    wanted = manifest(1, "weekly", "weekly-story-0", "daily-story-0")
    everybody = members(store, wanted)
    assert [store.issues.member(wanted, each.subscriber_id) for each in everybody] == everybody
    assert store.issues.member(wanted, stored(person("gone"), store).id) is not None
    assert store.issues.member(wanted, 99) is None


def test_a_frozen_issue_sees_only_the_past_before_it(store: Store) -> None:
    fill(store, crowd(1))
    freeze(store, 0)
    freeze(store, 1)
    number = stored(crowd(1)[0], store).id
    member = store.issues.member(manifest(0, "weekly", "weekly-story-0", "weekly-story-1"), number)
    assert member is not None
    assert member.past == Past()


def test_equal_editions_have_one_number_within_an_issue(store: Store) -> None:
    fill(store, crowd(3))
    with store.issues.freezing(manifest(), now=NOW) as freezing:
        for member, ids in zip(freezing.audience(), ("ab", "ab", "ba"), strict=True):
            freezing.keep(member.subscriber_id, freezing.record(Decision(edition(*ids))))
        assert freezing.edition_count() == 2
    with store.issues.freezing(manifest(1), now=NOW) as freezing:
        freezing.keep(1, freezing.record(Decision(edition(*"ab"))))
    numbers = [number for issue in ("weekly-0", "weekly-1") for number, _, _ in store.issues.editions(issue)]
    assert len(set(numbers)) == 3


def test_a_skip_says_whom_and_why(store: Store) -> None:
    fill(store, [person("ann"), person("bob")])
    ann, bob = stored(person("ann"), store), stored(person("bob"), store)
    with store.issues.freezing(manifest(), now=NOW) as freezing:
        freezing.keep(ann.id, freezing.record(Decision(edition("a"), "wants a mail a month")))
    [(number, _, _)] = store.issues.editions("weekly-0")
    expected = Skip(ann, number, "wants a mail a month", False)
    assert list(store.issues.skips("weekly-0")) == [expected]
    assert store.issues.skip_of("weekly-0", ann.id) == expected
    assert store.issues.skip_of("weekly-0", bob.id) is None


def test_a_manifest_that_was_changed_after_freezing_is_refused(store: Store, url: str) -> None:
    freeze(store)
    with database_of(url) as other, other.writing() as connection:
        changed = func.replace(issue_table.c.manifest, "The Week", "The Weak")
        connection.execute(update(issue_table).values(manifest=changed))
    with pytest.raises(DataError, match="was changed after it was frozen"):
        store.issues.manifest("weekly-0")


def test_a_missed_slot_is_recorded_once_and_can_still_be_frozen(store: Store) -> None:
    slot = manifest().slot
    assert store.issues.mark_missed("weekly", slot, "the machine was off", NOW)
    assert not store.issues.mark_missed("weekly", slot, "again", NOW)
    missed = store.issues.at("weekly", slot.key)
    assert missed is not None
    assert (missed.state, missed.note, missed.audience) == ("missed", "the machine was off", 0)
    with pytest.raises(UsageError, match="nothing was frozen"):
        store.issues.manifest(missed.id)
    with pytest.raises(UsageError, match="is missed"):
        store.issues.start(missed.id, NOW)
    freeze(store)
    assert [each.state for each in store.issues.all()] == ["sending"]
    assert not store.issues.mark_missed("weekly", slot, "again", NOW)


def test_a_slot_is_its_instant_under_whichever_name_of_its_zone(store: Store) -> None:
    """G7: a zone gets another name, and the issue is not frozen, or reported as missed, a second time."""
    renamed = replace(manifest().slot, zone="Etc/UTC")
    assert renamed.key != manifest().slot.key
    freeze(store)
    with pytest.raises(AlreadyPrepared, match="weekly-0"):
        store.issues.freezing(replace(manifest(), issue_id="weekly-again", slot=renamed), now=NOW).__enter__()
    assert not store.issues.mark_missed("weekly", renamed, "late", NOW)
    store.issues.cancel("weekly-0", NOW)
    with store.issues.freezing(replace(manifest(), issue_id="weekly-again", slot=renamed), now=NOW):
        pass


def test_a_cancelled_issue_sends_nothing_and_frees_its_slot(store: Store) -> None:
    fill(store, crowd(3))
    freeze(store)
    store.issues.cancel("weekly-0", NOW)
    assert store.outbox.take("weekly-0", limit=9, settled=[], now=NOW, token="t") == []
    assert store.outbox.sums("weekly-0")["withdrawn"] == 3
    assert store.issues.at("weekly", manifest().slot.key) is None
    assert not store.issues.finish("weekly-0", NOW)
    with pytest.raises(UsageError, match="is cancelled"):
        store.issues.start("weekly-0", NOW)
    with pytest.raises(UsageError, match="is cancelled"):
        store.issues.cancel("weekly-0", NOW)
    with store.issues.freezing(replace(manifest(), issue_id="weekly-0-2"), now=NOW):
        pass


def test_an_issue_cancelled_on_its_way_settles_what_is_out_and_sends_no_more(store: Store) -> None:
    fill(store, crowd(4))
    freeze(store)
    first, second, third = store.outbox.take("weekly-0", limit=3, settled=[], now=NOW, token="t")
    assert store.issues.cancel("weekly-0", NOW) == 1
    answers = [Settled(first.id, SENT), Settled(second.id, None), Settled(third.id, DEFERRED, NOW)]
    assert store.outbox.take("weekly-0", limit=9, settled=answers, now=NOW, token="t") == []
    sums = store.outbox.sums("weekly-0")
    assert (sums["sent"], sums["withdrawn"]) == (1, 3)
    assert store.issues.at("weekly", manifest().slot.key) is not None, "who got it has had it: the slot is taken"
    pasts = {each.subscriber_id: each.past.had for each in members(store, manifest(1, "weekly", "weekly-story-0"))}
    assert pasts[first.subscriber.id]
    assert not pasts[second.subscriber.id]


def test_a_paused_issue_gives_nothing_out_until_it_is_resumed(store: Store) -> None:
    fill(store, crowd(3))
    freeze(store)
    [first] = store.outbox.take("weekly-0", limit=1, settled=[], now=NOW, token="t")
    store.issues.pause("weekly-0", "most mails are refused")
    assert store.outbox.take("weekly-0", limit=9, settled=[Settled(first.id, SENT)], now=NOW, token="t") == []
    assert store.outbox.sums("weekly-0")["sent"] == 1
    with pytest.raises(UsageError, match="is paused: most mails are refused"):
        store.issues.start("weekly-0", NOW)
    store.issues.resume("weekly-0")
    assert len(store.outbox.take("weekly-0", limit=9, settled=[], now=NOW, token="t")) == 2


def test_a_frozen_issue_can_be_held_and_is_frozen_again_afterwards(store: Store) -> None:
    fill(store, crowd(1))
    with store.issues.freezing(manifest(), now=NOW):
        pass
    store.issues.pause("weekly-0", "by hand")
    store.issues.resume("weekly-0")
    issue = store.issues.get("weekly-0")
    assert issue is not None
    assert (issue.state, issue.note) == ("frozen", "")


def test_only_what_is_to_be_sent_can_be_paused_and_only_what_is_paused_resumed(store: Store) -> None:
    freeze(store)
    with pytest.raises(UsageError, match="is sending; resume needs an issue that is paused"):
        store.issues.resume("weekly-0")
    assert store.issues.finish("weekly-0", NOW)
    with pytest.raises(UsageError, match="is finished"):
        store.issues.pause("weekly-0", "by hand")


def test_an_issue_starts_once(store: Store) -> None:
    freeze(store)
    store.issues.start("weekly-0", NOW + WEEK)
    issue = store.issues.get("weekly-0")
    assert issue is not None
    assert issue.started_at == NOW


def test_an_issue_is_finished_only_when_nothing_is_left_and_the_sum_is_the_audience(store: Store, url: str) -> None:
    fill(store, crowd(3))
    freeze(store)
    assert not store.issues.finish("weekly-0", NOW)
    send(store, "weekly-0")
    with database_of(url) as other, other.writing() as connection:
        connection.execute(update(issue_table).values(audience=4))
    assert not store.issues.finish("weekly-0", NOW)
    with database_of(url) as other, other.writing() as connection:
        connection.execute(update(issue_table).values(audience=3))
    assert store.issues.finish("weekly-0", NOW)
    assert store.issues.finish("weekly-0", NOW + WEEK)
    issue = store.issues.get("weekly-0")
    assert issue is not None
    assert (issue.state, issue.finished_at) == ("finished", NOW)


def test_the_latest_issue_is_the_one_prepared_last_that_is_not_cancelled(store: Store) -> None:
    assert store.issues.latest() is None
    for week, newsletter in ((1, "weekly"), (0, "daily"), (2, "weekly")):
        freeze(store, week, newsletter)
    store.issues.cancel("weekly-2", NOW)
    store.issues.mark_missed("weekly", manifest(5).slot, "late", NOW)
    latest, latest_weekly = store.issues.latest(), store.issues.latest("weekly")
    assert latest is not None
    assert latest_weekly is not None
    assert (latest.id, latest_weekly.id) == ("daily-0", "weekly-1")
    assert [each.state for each in store.issues.all()] == ["missed", "cancelled", "sending", "sending"]


def test_an_unknown_issue_is_refused_with_the_nearest_name(store: Store) -> None:
    freeze(store)
    assert store.issues.get("weekly-O") is None
    for ask in (store.issues.manifest, store.issues.blocks, store.outbox.sums, store.outbox.audience):
        with pytest.raises(UsageError, match="no issue “weekly-O”") as refusal:
            ask("weekly-O")
        assert refusal.value.cure == "Did you mean “weekly-0”?"
    with pytest.raises(UsageError, match="no edition 99"):
        store.issues.edition(99)


def test_who_joins_or_changes_after_freezing_changes_nothing_of_the_issue(store: Store) -> None:
    fill(store, [person("ann", "ai")])
    freeze(store)
    before = list(store.issues.editions("weekly-0"))
    store.subscribers.sync([person("ann", "law"), person("bob")], READING)
    assert list(store.issues.editions("weekly-0")) == before
    assert store.outbox.delivery("weekly-0", "bob@example.org") is None
