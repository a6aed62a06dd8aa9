"""The outbox: every delivery is claimed by one worker, settled once, and counted always."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from newsletter.errors import UsageError
from newsletter.model import Decision, Delivery, Receipt
from newsletter.standing.answers import MAILBOX, Policy
from newsletter.store import Settled, Store
from tests.storing import (
    DEFERRED,
    IN_DOUBT,
    NOW,
    REFUSED,
    SENT,
    crowd,
    edition,
    fill,
    freeze,
    manifest,
    opened,
    person,
    recover,
    send,
    stored,
)

BLOCKED = Receipt("refused", 550, "5.7.1", "5.7.1 blocked")
HOUR = timedelta(hours=1)
ISSUE = "weekly-0"


@pytest.fixture
def frozen(store: Store) -> Store:
    """A store with an issue for seven readers."""
    fill(store, crowd(7))
    freeze(store)
    return store


def take(store: Store, limit: int = 99, *settled: Settled, hours: int = 0, token: str = "one") -> list[Delivery]:
    return store.outbox.take(ISSUE, limit=limit, settled=settled, now=NOW + hours * HOUR, token=token)


def sums(store: Store) -> dict[str, int]:
    """Without those that are nought."""
    found = store.outbox.sums(ISSUE)
    assert sum(found.values()) == store.outbox.audience(ISSUE)
    return {state: count for state, count in found.items() if count}


def one(store: Store, name: str = "reader0") -> Delivery:
    found = store.outbox.delivery(ISSUE, f"{name}@example.org")
    assert found is not None
    return found


def test_a_claimed_delivery_comes_with_its_subscriber_as_they_are_now(frozen: Store) -> None:
    now_called = person("reader0", "health", line=2)
    fill(frozen, [now_called, *crowd(7)[1:]])
    taken = take(frozen)
    assert len(taken) == 7
    [first] = [each for each in taken if each.subscriber.key == now_called.key]
    assert first.subscriber == stored(now_called, frozen)
    assert (first.issue_id, first.state, first.attempts, first.receipt) == (ISSUE, "claimed", 0, None)
    assert frozen.issues.edition(first.edition).interests.topics == ("topic0",)


def test_a_delivery_is_claimed_once(frozen: Store) -> None:
    taken = [*take(frozen, 3), *take(frozen, 3, token="two"), *take(frozen, 3)]
    assert len({each.id for each in taken}) == len(taken) == 7
    assert take(frozen) == []
    assert sums(frozen) == {"claimed": 7}


def test_deliveries_of_one_edition_come_together(frozen: Store) -> None:
    editions = [each.edition for _ in range(7) for each in take(frozen, 1)]
    assert editions == sorted(editions)
    assert len(set(editions)) == 3


def test_what_came_back_settles_its_row(frozen: Store) -> None:
    a, b, c, d, *_ = take(frozen, 4)
    take(frozen, 0, Settled(a.id, SENT), Settled(b.id, REFUSED), Settled(c.id, DEFERRED, NOW + HOUR),
         Settled(d.id, IN_DOUBT))
    found = {each.id: each for each in frozen.outbox.deliveries(ISSUE)}
    assert [(found[each.id].state, found[each.id].receipt, found[each.id].attempts) for each in (a, b, c, d)] == [
        ("sent", SENT, 1), ("refused", REFUSED, 1), ("queued", DEFERRED, 1), ("in_doubt", IN_DOUBT, 1)]
    assert [each.ever_in_doubt for each in (found[a.id], found[d.id])] == [False, True]
    assert sums(frozen) == {"queued": 4, "sent": 1, "refused": 1, "in_doubt": 1}


def test_a_deferred_delivery_waits_for_its_time(frozen: Store) -> None:
    taken = take(frozen)
    take(frozen, 0, *(Settled(each.id, DEFERRED, NOW + HOUR) for each in taken))
    assert frozen.outbox.next_due(ISSUE) == NOW + HOUR
    assert take(frozen) == []
    again = take(frozen, hours=1)
    assert {each.id for each in again} == {each.id for each in taken}
    assert {(each.attempts, each.receipt) for each in again} == {(1, DEFERRED)}


def test_a_deferred_delivery_without_a_time_is_due_at_once(frozen: Store) -> None:
    taken = take(frozen)
    assert len(take(frozen, 99, *(Settled(each.id, DEFERRED) for each in taken))) == 7


def test_one_in_doubt_with_a_time_is_sent_again_and_stays_marked(frozen: Store) -> None:
    first = take(frozen, 1)[0]
    take(frozen, 0, Settled(first.id, IN_DOUBT, NOW + HOUR))
    assert sums(frozen) == {"queued": 7}
    take(frozen, 99, hours=1)
    take(frozen, 0, Settled(first.id, SENT))
    assert [(each.id, each.state) for each in frozen.outbox.deliveries(ISSUE, ever_in_doubt=True)] == [
        (first.id, "sent")]


def test_one_that_was_not_touched_goes_back_as_it_was(frozen: Store) -> None:
    first, second = take(frozen, 2)
    take(frozen, 0, Settled(first.id, None), Settled(second.id, SENT))
    take(frozen, 0, Settled(second.id, None))
    assert sums(frozen) == {"queued": 6, "sent": 1}
    [again] = [each for each in take(frozen) if each.id == first.id]
    assert (again.attempts, again.receipt, again.ever_in_doubt) == (0, None, False)


def test_the_next_due_delivery_is_the_earliest_queued(frozen: Store) -> None:
    due = frozen.outbox.next_due(ISSUE)
    assert due is not None
    assert due <= NOW
    first, second = take(frozen)[:2]
    assert frozen.outbox.next_due(ISSUE) is None
    take(frozen, 0, Settled(first.id, DEFERRED, NOW + 2 * HOUR), Settled(second.id, DEFERRED, NOW + HOUR))
    assert frozen.outbox.next_due(ISSUE) == NOW + HOUR


def test_who_left_before_the_claim_is_withdrawn_and_the_claim_is_still_full(frozen: Store) -> None:
    """P12: the claim itself looks again."""
    for name in ("reader0", "reader3"):
        frozen.subscribers.silence(f"{name}@example.org", "unsubscribed", now=NOW)
    fill(frozen, [each for each in crowd(7) if each.name != "Reader6"])
    taken = take(frozen, 4)
    assert {each.subscriber.name for each in taken} == {"Reader1", "Reader2", "Reader4", "Reader5"}
    take(frozen)
    assert sums(frozen) == {"claimed": 4, "withdrawn": 3}


def test_who_leaves_after_the_claim_was_sent_this_one(frozen: Store) -> None:
    """P12: that mail may be on its way."""
    taken = take(frozen)
    frozen.subscribers.silence("reader0@example.org", "unsubscribed", now=NOW)
    take(frozen, 0, *(Settled(each.id, SENT) for each in taken))
    assert (one(frozen).state, one(frozen).subscriber.status) == ("sent", "unsubscribed")


def test_an_answer_settles_nothing_under_another_token(frozen: Store) -> None:
    first = take(frozen, 1)[0]
    take(frozen, 0, Settled(first.id, SENT), token="two")
    assert sums(frozen) == {"queued": 6, "claimed": 1}


def test_a_settled_delivery_cannot_be_settled_again(frozen: Store) -> None:
    first = take(frozen, 1)[0]
    take(frozen, 0, Settled(first.id, SENT))
    take(frozen, 0, Settled(first.id, REFUSED))
    take(frozen, 0, Settled(first.id, DEFERRED))
    assert sums(frozen) == {"queued": 6, "sent": 1}


@pytest.mark.parametrize(("policy", "state"), [("hold", "in_doubt"), ("resend", "queued")])
def test_what_a_dead_process_had_claimed_is_in_doubt_or_sent_again(frozen: Store, policy: Policy, state: str) -> None:
    taken = take(frozen, 3)
    take(frozen, 0, Settled(taken[0].id, SENT))
    assert recover(frozen, ISSUE, policy) == 2
    marked = list(frozen.outbox.deliveries(ISSUE, ever_in_doubt=True))
    assert {each.id for each in marked} == {each.id for each in taken[1:]}
    assert {each.state for each in marked} == {state}
    assert len(take(frozen, token="two")) == (4 if policy == "hold" else 6)


@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_a_process_thought_dead_may_still_say_that_a_mail_was_taken(frozen: Store, policy: Policy) -> None:
    first = take(frozen, 1)[0]
    recover(frozen, ISSUE, policy)
    take(frozen, 0, Settled(first.id, SENT))
    assert sums(frozen) == {"queued": 6, "sent": 1}


def test_a_process_thought_dead_cannot_settle_what_another_claimed(frozen: Store) -> None:
    first = take(frozen, 1)[0]
    recover(frozen, ISSUE, "resend")
    take(frozen, token="two")
    take(frozen, 0, Settled(first.id, REFUSED))
    assert sums(frozen) == {"claimed": 7}


def test_a_live_sender_keeps_its_claims_and_one_that_ended_or_fell_silent_does_not(frozen: Store) -> None:
    for token, length in (("alive", HOUR), ("silent", -HOUR), ("gone", HOUR)):
        frozen.leases.begin(ISSUE, token, length)
        take(frozen, 2, token=token)
    frozen.leases.end("gone")
    assert recover(frozen, ISSUE, "hold") == 4
    assert sums(frozen) == {"queued": 1, "claimed": 2, "in_doubt": 4}
    assert (frozen.leases.renew("alive", HOUR), frozen.leases.renew("silent", HOUR)) == (True, False)


def test_a_lease_that_is_renewed_holds(frozen: Store) -> None:
    frozen.leases.begin(ISSUE, "one", -HOUR)
    take(frozen)
    assert frozen.leases.renew("one", HOUR)
    assert recover(frozen, ISSUE, "hold") == 0


def test_who_knows_that_no_sender_lives_need_not_wait_for_their_leases(frozen: Store) -> None:
    frozen.leases.begin(ISSUE, "one", HOUR)
    take(frozen, 3)
    frozen.leases.end_all()
    assert recover(frozen, ISSUE, "hold") == 3


def test_what_is_told_of_a_dead_senders_claims_settles_them(frozen: Store) -> None:
    """Its journal knows an answer of one, that another was on the wire, and nothing of the third."""
    answered, doubtful, untouched = take(frozen, 3)
    said = {answered.id: SENT, doubtful.id: IN_DOUBT, untouched.id: None}
    told: list[str] = []

    def tell(token: str, claims: Sequence[Delivery]) -> list[Settled]:
        told.append(token)
        return [Settled(each.id, said[each.id]) for each in claims]

    assert frozen.outbox.recover(ISSUE, tell, now=NOW) == 3
    assert told == ["one"]
    assert sums(frozen) == {"queued": 5, "sent": 1, "in_doubt": 1}
    assert [each.id for each in frozen.outbox.deliveries(ISSUE, ever_in_doubt=True)] == [doubtful.id]


def test_those_who_were_refused_are_sent_to_again_unless_they_left_meanwhile(frozen: Store) -> None:
    send(frozen, ISSUE, REFUSED)
    assert frozen.issues.finish(ISSUE, NOW)
    frozen.subscribers.silence("reader1@example.org", "bounced", now=NOW)
    assert frozen.outbox.resend(ISSUE, "refused", now=NOW) == 6
    assert sums(frozen) == {"queued": 6, "refused": 1}
    opened_again = frozen.issues.get(ISSUE)
    assert opened_again is not None
    assert (opened_again.state, opened_again.finished_at) == ("sending", None)
    assert len(take(frozen)) == 6


def test_those_in_doubt_are_sent_to_again_when_somebody_asks_and_stay_marked(frozen: Store) -> None:
    taken = take(frozen, 2)
    take(frozen, 0, *(Settled(each.id, IN_DOUBT) for each in taken))
    assert frozen.outbox.resend(ISSUE, "in_doubt", now=NOW) == 2
    assert sums(frozen) == {"queued": 7}
    assert len(list(frozen.outbox.deliveries(ISSUE, ever_in_doubt=True))) == 2
    assert frozen.outbox.resend(ISSUE, "refused", now=NOW) == 0


def test_a_mailbox_that_is_not_there_three_issues_in_a_row_is_sent_no_more(store: Store) -> None:
    """S4: a hard bounce counts. One answer in between that was not such a refusal starts the count anew."""
    fill(store, crowd(3))
    answers = [(REFUSED, REFUSED, REFUSED), (REFUSED, SENT, BLOCKED), (REFUSED, REFUSED, REFUSED)]
    suppressed = []
    for week, receipts in enumerate(answers):
        issue = freeze(store, week)
        taken = sorted(store.outbox.take(issue, limit=9, settled=[], now=NOW, token="t"), key=lambda each: each.id)
        settled = [Settled(each.id, receipt) for each, receipt in zip(taken, receipts, strict=True)]
        store.outbox.take(issue, limit=0, settled=settled, now=NOW, token="t")
        suppressed.append(store.subscribers.suppress(issue, codes=MAILBOX, after=3, now=NOW))
    assert suppressed == [0, 0, 1]
    assert [each.status for each in store.subscribers.all()] == ["bounced", "active", "active"]
    assert store.subscribers.suppress("weekly-2", codes=MAILBOX, after=3, now=NOW) == 0
    assert store.subscribers.suppress("weekly-2", codes=MAILBOX, after=0, now=NOW) == 0
    assert store.subscribers.suppress("weekly-2", codes=MAILBOX, after=1, now=NOW) == 2


def test_when_a_delivery_last_changed_is_known(frozen: Store) -> None:
    assert frozen.outbox.last_change(ISSUE) is None
    take(frozen, 1, hours=2)
    assert frozen.outbox.last_change(ISSUE) == NOW + 2 * HOUR


def test_issues_do_not_touch_each_other(frozen: Store) -> None:
    freeze(frozen, 1)
    [first] = frozen.outbox.take("weekly-1", limit=1, settled=[], now=NOW, token="one")
    assert take(frozen, 0, Settled(first.id, SENT)) == []
    assert recover(frozen, ISSUE, "hold") == 0
    assert frozen.outbox.sums("weekly-1")["claimed"] == 1


def test_deliveries_are_listed_by_state(frozen: Store) -> None:
    taken = take(frozen, 2)
    take(frozen, 0, Settled(taken[0].id, REFUSED))
    assert [each.state for each in frozen.outbox.deliveries(ISSUE, "refused")] == ["refused"]
    assert Counter(each.state for each in frozen.outbox.deliveries(ISSUE)) == {"queued": 5, "refused": 1, "claimed": 1}
    assert frozen.outbox.delivery(ISSUE, "nobody@example.org") is None


def test_why_knows_what_a_subscriber_had_the_latest_first(frozen: Store) -> None:
    send(frozen, ISSUE)
    freeze(frozen, 1)
    freeze(frozen, 1, "daily")
    reader = stored(crowd(1)[0], frozen)
    found = frozen.outbox.had(reader.id)
    assert [(each.issue_id, each.state) for each in found] == [
        ("daily-1", "queued"), ("weekly-1", "queued"), (ISSUE, "sent")]
    assert frozen.issues.edition(found[0].edition).stories == ("daily-story-1",)
    assert frozen.outbox.had(99) == []


def test_an_empty_issue_is_finished_at_once(store: Store) -> None:
    freeze(store)
    assert take(store) == []
    assert store.outbox.next_due(ISSUE) is None
    assert store.issues.finish(ISSUE, NOW)


def test_an_unknown_issue_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="no issue “weekly-0”"):
        take(store)


def test_a_take_that_fails_settles_nothing(frozen: Store) -> None:
    first = take(frozen, 1)[0]
    bad = Receipt("sent", reply="\ud800")  # cannot be written
    with suppress(UnicodeError):
        take(frozen, 5, Settled(first.id, SENT), Settled(first.id, bad))
    assert sums(frozen) == {"queued": 6, "claimed": 1}


def test_workers_on_several_threads_and_connections_share_an_issue_without_a_double(url: str) -> None:
    with opened(url) as store:
        fill(store, crowd(300))
        freeze(store)
        sent: list[int] = []
        threads = [threading.Thread(target=_work, args=(url, f"worker{number}", sent)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(sent)) == len(sent) == 300
        assert sums(store) == {"sent": 300}
        assert store.issues.finish(ISSUE, NOW)


def _work(url: str, token: str, sent: list[int]) -> None:
    with opened(url) as store:
        for taken in _windows(store, token):
            sent.extend(each.id for each in taken)


def _windows(store: Store, token: str) -> Iterator[list[Delivery]]:
    settled: list[Settled] = []
    while taken := take(store, 7, *settled, token=token):
        yield taken
        settled = [Settled(each.id, SENT) for each in taken]


def test_who_was_refused_and_had_the_stories_from_another_issue_since_is_not_mailed_them_again(store: Store) -> None:
    fill(store, [person("ann"), person("bob")])
    freeze(store, 0)
    send(store, "weekly-0", REFUSED)
    with store.issues.freezing(manifest(0, "daily"), now=NOW) as freezing:
        recorded = freezing.record(Decision(edition("weekly-story-0")))
        freezing.keep(stored(person("ann"), store).id, recorded)
    assert store.outbox.resend("weekly-0", "refused", now=NOW) == 1
    assert [each.subscriber.name for each in store.outbox.deliveries("weekly-0", state="queued")] == ["Bob"]
