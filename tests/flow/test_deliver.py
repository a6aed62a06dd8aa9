"""The delivering loop with a real outbox, and composers and transports that go wrong on request."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter import deliver
from newsletter.deliver import RETRY_AFTER, Policy, Slice, send_slice
from newsletter.errors import ConfigError, DataError, TryLater
from newsletter.model import Edition, Message, Receipt, State, Subscriber
from newsletter.store import Store, open_store
from tests.storing import NOW, crowd, freeze

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

    async def hand_over(self, message: Message) -> Receipt:
        await asyncio.sleep(0)
        receipt = self.answer(message.recipient)
        self.handed.append(message.recipient)
        return receipt

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Loop:
    """An issue for so many readers, and a run over it."""

    store: Store
    issue: str = "weekly-2026-11-30"
    now: datetime = NOW
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, wire: Wire, composing: Composing | None = None, policy: Policy = "resend") -> dict[str, int]:
        return dict(await send_slice(Slice(
            self.issue, self.store.outbox, composing or Composing(), self.store.issues.edition, wire, window=10,
            policy=policy, now=lambda: self.now, jitter=lambda: 0.0, stop=self.stop, progress=lambda receipt: None,
        )))

    @property
    def sums(self) -> dict[State, int]:
        return {state: count for state, count in self.store.outbox.sums(self.issue).items() if count}


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    store = open_store("sqlite:///newsletter.db", root=tmp_path)
    store.subscribers.sync(crowd(40), place="people.csv", now=NOW)
    issue = freeze(store)
    yield Loop(store, issue)
    store.close()


async def test_everybody_is_handed_over_once_however_many_lanes_there_are(loop: Loop) -> None:
    wire = Wire()
    assert await loop.run(wire) == {"sent": 40}
    assert sorted(wire.handed) == sorted(set(wire.handed))
    assert (len(wire.handed), wire.closed) == (40, 1)
    assert loop.sums == {"sent": 40}


async def test_a_message_that_cannot_be_composed_is_that_recipients_alone(loop: Loop) -> None:
    wire = Wire()
    await loop.run(wire, Composing(lambda email: email.startswith("reader7@")))
    assert loop.sums == {"sent": 39, "refused": 1}
    (refused,) = loop.store.outbox.deliveries(loop.issue, state="refused")
    assert refused.receipt is not None
    assert "could not be composed: KeyError" in refused.receipt.reply


async def test_when_none_can_be_composed_the_send_stops_and_says_how_to_look(loop: Loop) -> None:
    wire = Wire()
    with pytest.raises(DataError, match="in a row could not be composed") as stopped:
        await loop.run(wire, Composing(lambda email: True))
    assert "newsletter render" in stopped.value.cure
    assert wire.handed == []
    assert loop.sums["queued"] >= 40 - 2 * deliver.POISONED
    assert "claimed" not in loop.sums


async def test_an_error_about_the_relay_gives_every_row_back(loop: Loop) -> None:
    def refuse_login(email: str) -> Receipt:
        raise ConfigError("the relay does not take the password")

    with pytest.raises(ConfigError):
        await loop.run(Wire(refuse_login, lanes=1))
    assert loop.sums == {"queued": 40}


async def test_a_relay_out_of_reach_is_tried_again_and_nothing_is_lost(
    loop: Loop, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliver, "RELAY_PAUSES", (0.0, 0.0))
    failures = iter([TryLater("nobody answers")] * 2)

    def answer(email: str) -> Receipt:
        if failure := next(failures, None):
            raise failure
        return SENT

    assert await loop.run(Wire(answer, lanes=1)) == {"sent": 40}
    assert all(each.attempts == 1 for each in loop.store.outbox.deliveries(loop.issue))


async def test_a_relay_that_stays_out_of_reach_ends_the_run_with_every_row_queued(
    loop: Loop, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliver, "RELAY_PAUSES", (0.0, 0.0))

    def nobody(email: str) -> Receipt:
        raise TryLater("nobody answers")

    with pytest.raises(TryLater):
        await loop.run(Wire(nobody))
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
    for attempt, pause in enumerate(RETRY_AFTER, 1):
        loop.now += pause - timedelta(seconds=1)
        assert await loop.run(wire) == {}, f"not before its time, attempt {attempt}"
        loop.now += timedelta(seconds=1)
        await loop.run(wire)
    assert loop.sums == {"sent": 39, "refused": 1}
    (given_up,) = loop.store.outbox.deliveries(loop.issue, state="refused")
    assert given_up.receipt is not None
    assert "given up after 9 attempts" in given_up.receipt.reply


@pytest.mark.parametrize(("policy", "state"), [("hold", "in_doubt"), ("resend", "sent")])
async def test_what_a_dead_process_had_claimed_is_put_in_doubt(loop: Loop, policy: Policy, state: State) -> None:
    claimed = loop.store.outbox.take(loop.issue, limit=5, settled=(), now=datetime.now(UTC), token="dead")
    wire = Wire()
    await loop.run(wire, policy=policy)
    doubtful = list(loop.store.outbox.deliveries(loop.issue, ever_in_doubt=True))
    assert {each.id for each in doubtful} == {each.id for each in claimed}
    assert {each.state for each in doubtful} == {state}
    assert len(wire.handed) == (35 if policy == "hold" else 40)
