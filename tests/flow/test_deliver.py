"""The delivering loop with a real outbox, and composers and transports that go wrong on request."""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.delivering import Pace, Slice, Stopped, send_slice
from newsletter.errors import ConfigError, DataError, TryLater
from newsletter.model import Delivery, Edition, Message, Receipt, Settled, State, Subscriber
from newsletter.standing.answers import LOST, WATCHED, Policy
from newsletter.store import Journals, Store, open_store
from tests.storing import NOW, READING, crowd, freeze

SENT = Receipt("sent", 250, "2.0.0", "Ok")


class Composing:
    """Makes messages that are only an address; the poisoned ones raise."""

    def __init__(self, poisoned: Callable[[str], bool] = lambda email: False) -> None:
        self._poisoned = poisoned

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        if self._poisoned(subscriber.email):
            raise KeyError("a slot without a value")
        return Message("desk@news.example.org", subscriber.email, "<1@news.example.org>", (b"",))


@dataclass
class Wire:
    """A transport that answers as the test says, and remembers who was handed over."""

    answer: Callable[[str], Receipt] = lambda email: SENT
    lanes: int = 3
    handed: list[str] = field(default_factory=list)
    closed: int = 0

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        await asyncio.sleep(0)
        on_wire()
        receipt = self.answer(message.recipient)
        self.handed.append(message.recipient)
        return receipt

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Loop:
    """An issue for so many readers, and a run over it."""

    store: Store
    journals: Journals
    issue_id: str = "weekly-2026-11-30"
    now: datetime = NOW
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    pace: Pace = field(default_factory=Pace)

    async def run(self, wire: Wire, composing: Composing | None = None, policy: Policy = "resend") -> dict[str, int]:
        return dict(await send_slice(Slice(
            self.issue_id, self.store.outbox, self.store.leases, self.journals, composing or Composing(),
            self.store.issues.edition, wire, window=10, policy=policy, give_up=timedelta(days=3),
            now=lambda: self.now, jitter=lambda: 0.0, stop=self.stop, progress=lambda receipt: None,
            pace=self.pace,
        )))

    def dead_sender(self, *, on_wire: int, answered: int, untouched: int) -> list[str]:
        """Leaves the claims and the journal of a sender that was killed; whose was on the wire."""
        count = on_wire + answered + untouched
        rows = self.store.outbox.take(self.issue_id, limit=count, settled=(), now=self.now, token="dead")
        journal = self.journals.begin("dead")
        for each in rows[:on_wire + answered]:
            journal.on_wire(each)
        for each in rows[on_wire:on_wire + answered]:
            journal.answered(each, SENT)
        journal.close()
        return [each.subscriber.email for each in rows[:on_wire]]

    @property
    def sums(self) -> dict[State, int]:
        return {state: count for state, count in self.store.outbox.sums(self.issue_id).items() if count}


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    store = open_store("sqlite:///newsletter.db", root=tmp_path)
    store.subscribers.sync(crowd(40), READING)
    issue = freeze(store)
    yield Loop(store, Journals(tmp_path / "journal"), issue)
    store.close()


async def test_everybody_is_handed_over_once_however_many_lanes_there_are(loop: Loop) -> None:
    wire = Wire()
    assert await loop.run(wire) == {"sent": 40}
    assert sorted(wire.handed) == sorted(set(wire.handed))
    assert (len(wire.handed), wire.closed) == (40, 1)
    assert loop.sums == {"sent": 40}


async def test_a_message_that_cannot_be_composed_is_that_recipients_alone(loop: Loop) -> None:
    """P17: refused by name, and nobody else waits for it."""
    wire = Wire()
    await loop.run(wire, Composing(lambda email: email.startswith("reader7@")))
    assert loop.sums == {"sent": 39, "refused": 1}
    (refused,) = loop.store.outbox.deliveries(loop.issue_id, state="refused")
    assert refused.receipt is not None
    assert "could not be composed: KeyError" in refused.receipt.reply


async def test_when_none_can_be_composed_the_send_stops_and_says_how_to_look(loop: Loop) -> None:
    wire = Wire()
    with pytest.raises(DataError, match="in a row could not be composed") as stopped:
        await loop.run(wire, Composing(lambda email: True))
    assert "newsletter render" in stopped.value.cure
    assert wire.handed == []
    assert loop.sums["queued"] >= 40 - 2 * loop.pace.poisoned
    assert "claimed" not in loop.sums


async def test_an_error_about_the_relay_gives_every_row_back(loop: Loop) -> None:
    def refuse_login(email: str) -> Receipt:
        raise ConfigError("the relay does not take the password")

    with pytest.raises(ConfigError):
        await loop.run(Wire(refuse_login, lanes=1))
    assert loop.sums == {"queued": 40}


async def test_a_relay_out_of_reach_is_tried_again_and_nothing_is_lost(loop: Loop) -> None:
    """S1: the rows stay as they were, and the issue is not paused."""
    loop.pace = Pace(relay_pauses=(0.0, 0.0))
    failures = iter([TryLater("nobody answers")] * 2)

    def answer(email: str) -> Receipt:
        if failure := next(failures, None):
            raise failure
        return SENT

    assert await loop.run(Wire(answer, lanes=1)) == {"sent": 40}
    assert all(each.attempts == 1 for each in loop.store.outbox.deliveries(loop.issue_id))


async def test_a_relay_that_stays_out_of_reach_ends_the_run_with_every_row_queued(loop: Loop) -> None:
    loop.pace = Pace(relay_pauses=(0.0, 0.0))

    def nobody(email: str) -> Receipt:
        raise TryLater("nobody answers")

    with pytest.raises(TryLater):
        await loop.run(Wire(nobody))
    assert loop.sums == {"queued": 40}


async def test_a_stop_ends_the_rest_of_a_relay_out_of_reach_and_nothing_more_is_tried(loop: Loop) -> None:
    loop.pace = Pace(relay_pauses=(3600.0,))
    tried: list[str] = []
    begun = asyncio.Event()

    def nobody(email: str) -> Receipt:
        tried.append(email)
        begun.set()
        raise TryLater("nobody answers")

    sending = asyncio.create_task(loop.run(Wire(nobody, lanes=3)))
    await begun.wait()
    for _ in range(100):  # all lanes are at rest by then
        await asyncio.sleep(0)
    at_rest = len(tried)
    loop.stop.set()
    assert await sending == {}
    assert len(tried) == at_rest <= 3
    assert loop.sums == {"queued": 40}


async def test_a_stop_settles_what_is_in_flight_and_gives_back_the_rest(loop: Loop) -> None:
    wire = Wire()

    def answer(email: str) -> Receipt:
        if len(wire.handed) == 12:
            loop.stop.set()
        return SENT

    wire.answer = answer
    await loop.run(wire)
    sent = len(wire.handed)
    assert 12 < sent < 25
    assert loop.sums == {"sent": sent, "queued": 40 - sent}
    loop.stop.clear()
    await loop.run(wire)
    assert sorted(wire.handed) == sorted(set(wire.handed))
    assert loop.sums == {"sent": 40}


async def test_a_deferred_one_waits_longer_each_time_and_is_given_up_in_the_end(loop: Loop) -> None:
    wire = Wire(lambda email: Receipt("deferred", 451, "4.3.0", "later") if email.startswith("reader3@") else SENT)
    await loop.run(wire)
    assert loop.sums == {"sent": 39, "queued": 1}
    for minutes in (15, 30, 60, 120, 240, 480, 960, 1440, 1440):
        loop.now += timedelta(minutes=minutes, seconds=-1)
        assert await loop.run(wire) == {}, f"not before its time, {minutes} minutes"
        loop.now += timedelta(seconds=1)
        await loop.run(wire)
    assert loop.sums == {"sent": 39, "refused": 1}
    (given_up,) = loop.store.outbox.deliveries(loop.issue_id, state="refused")
    assert given_up.receipt is not None
    assert "given up after 10 attempts" in given_up.receipt.reply


async def test_a_mail_that_is_deferred_again_and_again_keeps_its_message_id(loop: Loop) -> None:
    """S2: the row is the same, so the composer gets the same and makes the same. See also test_message.py."""
    wire = Wire(lambda email: Receipt("deferred", 451, "4.3.0", "later") if len(wire.handed) < 40 else SENT)
    await loop.run(wire)
    loop.now += timedelta(hours=1)
    await loop.run(wire)
    assert sorted(wire.handed[:40]) == sorted(wire.handed[40:])
    assert loop.sums == {"sent": 40}


@pytest.mark.parametrize(("policy", "state"), [("hold", "in_doubt"), ("resend", "sent")])
async def test_without_a_journal_all_that_a_dead_sender_had_claimed_is_in_doubt(
    loop: Loop, policy: Policy, state: State,
) -> None:
    """P4: a power loss, or another machine."""
    claimed = loop.store.outbox.take(loop.issue_id, limit=5, settled=(), now=datetime.now(UTC), token="dead")
    wire = Wire()
    await loop.run(wire, policy=policy)
    doubtful = list(loop.store.outbox.deliveries(loop.issue_id, ever_in_doubt=True))
    assert {each.id for each in doubtful} == {each.id for each in claimed}
    assert {each.state for each in doubtful} == {state}
    assert len(wire.handed) == (35 if policy == "hold" else 40)


@pytest.mark.parametrize(("policy", "state"), [("hold", "in_doubt"), ("resend", "sent")])
async def test_with_its_journal_only_what_was_on_the_wire_is_in_doubt(
    loop: Loop, policy: Policy, state: State,
) -> None:
    """P1: kill -9. What was answered is not sent again, what had not begun is."""
    on_wire = loop.dead_sender(on_wire=2, answered=3, untouched=4)
    wire = Wire()
    await loop.run(wire, policy=policy)
    doubtful = list(loop.store.outbox.deliveries(loop.issue_id, ever_in_doubt=True))
    assert {each.subscriber.email for each in doubtful} == set(on_wire)
    assert {each.state for each in doubtful} == {state}
    assert len(wire.handed) == (35 if policy == "hold" else 37)
    assert len(set(wire.handed)) == len(wire.handed)
    if policy == "hold":
        assert {each.receipt.reply for each in doubtful if each.receipt} == {LOST}


async def test_one_in_doubt_twice_waits_for_a_person(loop: Loop) -> None:
    """A relay that takes each mail and never says so: two copies are the most that a reader gets."""
    wire = Wire(lambda email: Receipt("in_doubt", reply="no answer") if email.startswith("reader5@") else SENT)
    await loop.run(wire)
    loop.now += timedelta(days=2)
    await loop.run(wire)
    loop.now += timedelta(days=2)
    await loop.run(wire)
    assert loop.sums == {"sent": 39, "in_doubt": 1}
    assert wire.handed.count("reader5@example.org") == 2


async def test_the_journal_is_gone_when_the_store_knows_all(loop: Loop, tmp_path: Path) -> None:
    loop.dead_sender(on_wire=1, answered=1, untouched=1)
    await loop.run(Wire())
    assert list((tmp_path / "journal").iterdir()) == []


async def test_a_journal_that_cannot_be_written_stops_the_send_before_a_byte_leaves(
    loop: Loop, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P5, for the journal: see also test_killpoints.py for the store."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("newsletter.store.journal.os.write", full)
    wire = Wire()
    with pytest.raises(TryLater, match="No space left"):
        await loop.run(wire)
    assert wire.handed == []
    assert loop.sums == {"queued": 40}


async def test_a_sender_that_could_not_renew_its_lease_for_long_stops_by_itself(loop: Loop) -> None:
    """P16 and P7: the store is out of reach, or the event loop stood still. Another may have taken over."""
    loop.pace = Pace(lease=timedelta(0))
    wire = Wire()
    with pytest.raises(TryLater, match="another sender may have taken over"):
        await loop.run(wire)
    assert wire.handed == []
    assert loop.sums == {"queued": 40}


async def test_a_sender_taken_for_dead_stops_when_it_hears_of_it(
    loop: Loop, monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop.pace = Pace(renewed=timedelta(0))

    def answer(email: str) -> Receipt:
        loop.store.leases.end_all()
        return SENT

    wire = Wire(answer, lanes=1)

    async def slowly(message: Message, on_wire: Callable[[], None]) -> Receipt:
        await asyncio.sleep(0.05)
        return await Wire.hand_over(wire, message, on_wire)

    monkeypatch.setattr(wire, "hand_over", slowly)
    with pytest.raises(TryLater, match="another sender has taken over"):
        await loop.run(wire)
    assert 0 < len(wire.handed) < 40
    assert loop.sums == {"sent": len(wire.handed), "queued": 40 - len(wire.handed)}


async def test_a_clock_that_jumps_to_and_fro_loses_nobody_and_doubles_nobody(loop: Loop) -> None:
    """P9: leases and deadlines go by time that only passes."""
    hours = itertools.cycle([timedelta(hours=1), timedelta(hours=-1)])

    def jump(email: str) -> Receipt:
        loop.now += next(hours)
        return SENT

    wire = Wire(jump)
    assert await loop.run(wire) == {"sent": 40}
    assert len(set(wire.handed)) == len(wire.handed) == 40


async def test_two_senders_share_an_issue_and_nobody_is_handed_over_twice(loop: Loop) -> None:
    """P8 and P14, on a store that several share."""
    one, two = Wire(), Wire()
    await asyncio.gather(loop.run(one), loop.run(two))
    assert sorted([*one.handed, *two.handed]) == sorted({*one.handed, *two.handed})
    assert loop.sums == {"sent": 40}
    await loop.run(one)
    assert len(one.handed) + len(two.handed) == 40, "after success: no effect"


async def test_a_store_that_fails_in_mid_send_stops_it_and_the_journal_tells_the_next_sender(
    loop: Loop, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P7: the database goes away. What was answered meanwhile is not sent again, and nothing is in doubt."""
    take, wire = loop.store.outbox.take, Wire()

    def gone(issue_id: str, *, limit: int, settled: Sequence[Settled], now: datetime, token: str) -> list[Delivery]:
        if settled:
            raise TryLater("the store's server cannot be reached")
        return take(issue_id, limit=limit, settled=settled, now=now, token=token)

    with monkeypatch.context() as broken:
        broken.setattr(loop.store.outbox, "take", gone)
        with pytest.raises(TryLater, match="cannot be reached"):
            await loop.run(wire)
    assert 0 < len(wire.handed) <= 10
    await loop.run(wire)
    assert sorted(wire.handed) == sorted(set(wire.handed))
    assert loop.sums == {"sent": 40}
    assert list(loop.store.outbox.deliveries(loop.issue_id, ever_in_doubt=True)) == []


async def test_a_database_that_is_locked_for_a_while_only_delays(loop: Loop, tmp_path: Path) -> None:
    """P6: lanes wait, nothing is lost."""
    wire = Wire()
    with closing(sqlite3.connect(tmp_path / "newsletter.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        sending = asyncio.create_task(loop.run(wire))
        await asyncio.sleep(0.3)
        assert wire.handed == []
        other.execute("COMMIT")
        assert await sending == {"sent": 40}


async def test_a_run_whose_mails_are_refused_for_what_they_are_stops(loop: Loop) -> None:
    """S5: it is our content, so it would be refused for everybody."""
    wire = Wire(lambda email: Receipt("refused", 554, "5.7.1", "5.7.1 looks like spam"), lanes=1)
    with pytest.raises(Stopped, match="looks like spam") as stopped:
        await loop.run(wire)
    assert "issue resume" in stopped.value.cure
    assert len(wire.handed) == WATCHED // 2 + 1
    assert loop.sums == {"refused": WATCHED // 2 + 1, "queued": 40 - WATCHED // 2 - 1}


async def test_mailboxes_that_are_not_there_stop_nobody(loop: Loop) -> None:
    """S4: refused, each for itself, and not tried again."""
    wire = Wire(lambda email: Receipt("refused", 550, "5.1.1", "5.1.1 no such user"))
    await loop.run(wire)
    assert loop.sums == {"refused": 40}
    await loop.run(wire)
    assert len(wire.handed) == 40


async def test_a_relay_that_does_not_answer_holds_up_a_stop_only_so_long(
    loop: Loop, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P3: what is still on the wire at the deadline is in doubt, as after a kill, and known by name."""
    loop.pace = Pace(drain=0.0)

    async def never(message: Message, on_wire: Callable[[], None]) -> Receipt:
        on_wire()
        wire.handed.append(message.recipient)
        if len(wire.handed) == wire.lanes:
            loop.stop.set()
        return await asyncio.Future[Receipt]()

    wire = Wire(lanes=2)
    monkeypatch.setattr(wire, "hand_over", never)
    with pytest.raises(TryLater, match="2 mails are on the wire"):
        await loop.run(wire)
    loop.stop.clear()
    await loop.run(Wire(), policy="hold")
    assert loop.sums == {"sent": 38, "in_doubt": 2}
