"""Anything may happen in any order: people join and leave, workers claim, answer, crash and answer late.

Whatever happens, the sum of an issue's states is its frozen audience, nobody is claimed who was silent before, nobody
is claimed by two, and what was sent is never claimed again.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from newsletter.model import Delivery, Receipt, State
from newsletter.store import Settled, Store
from tests.storing import DEFERRED, IN_DOUBT, NOW, READING, REFUSED, SENT, freeze, person, recover

NAMES = ("ann", "bob", "eve", "joe", "sue", "tom")
NewStore = Callable[[], AbstractContextManager[Store]]


class Sending(RuleBasedStateMachine):
    """The store beside a model of it that is plain enough to be believed."""

    new_store: NewStore

    def __init__(self) -> None:
        super().__init__()
        self.opened = type(self).new_store()
        self.store = self.opened.__enter__()
        self.now = NOW
        self.active: set[str] = set()
        self.silenced: set[str] = set()
        self.audience: dict[str, int] = {}
        self.workers: dict[tuple[str, str], dict[int, Delivery]] = {}
        self.ghosts: dict[tuple[str, str], dict[int, Delivery]] = {}
        self.lives = 0
        self.sent: set[int] = set()
        self.doubted: set[int] = set()

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)

    @rule(active=st.sets(st.sampled_from(NAMES)), paused=st.sets(st.sampled_from(NAMES)))
    def the_file_is_read(self, active: set[str], paused: set[str]) -> None:
        rows = [person(name, f"topic{len(name + name[0]) % 2}", status="paused" if name in paused else "active")
                for name in sorted(active | paused)]
        self.store.subscribers.sync(rows, replace(READING, now=self.now), allow_removals=99)
        known = {each.name.lower() for each in self.store.subscribers.all()}
        self.active = active - paused - self.silenced
        assert active | paused <= known

    @precondition(lambda self: self.active)
    @rule(data=st.data(), reason=st.sampled_from(["unsubscribed", "bounced", "complained"]))
    def somebody_leaves(self, data: st.DataObject, reason: Literal["unsubscribed", "bounced", "complained"]) -> None:
        name = data.draw(st.sampled_from(sorted(self.active)))
        self.store.subscribers.silence(f"{name}@example.org", reason, now=self.now)
        self.active.discard(name)
        self.silenced.add(name)

    @precondition(lambda self: len(self.audience) < 3)
    @rule()
    def an_issue_is_frozen(self) -> None:
        self.audience[freeze(self.store, len(self.audience))] = len(self.active)

    @precondition(lambda self: self.audience)
    @rule(data=st.data(), worker=st.sampled_from(["a", "b"]), limit=st.integers(0, 4))
    def a_worker_settles_and_claims(self, data: st.DataObject, worker: str, limit: int) -> None:
        issue = data.draw(st.sampled_from(sorted(self.audience)))
        token = f"{worker}{self.lives}"
        mine = self.workers.setdefault((issue, token), {})
        answered = data.draw(st.lists(st.sampled_from(sorted(mine)), unique=True)) if mine else []
        settled = [self.answer(data, number) for number in answered]
        for number in answered:
            del mine[number]
        for each in self.store.outbox.take(issue, limit=limit, settled=settled, now=self.now, token=token):
            assert each.subscriber.name.lower() in self.active
            assert each.id not in self.sent
            assert not any(each.id in others for others in self.workers.values())
            mine[each.id] = each
            self.ghosts = {key: {id: old for id, old in theirs.items() if id != each.id}
                           for key, theirs in self.ghosts.items()}

    def answer(self, data: st.DataObject, number: int) -> Settled:
        receipt: Receipt | None = data.draw(st.sampled_from([SENT, REFUSED, DEFERRED, IN_DOUBT, None]))
        again = self.now + timedelta(hours=data.draw(st.integers(0, 2))) if data.draw(st.booleans()) else None
        if receipt is SENT:
            self.sent.add(number)
        if receipt is IN_DOUBT:
            self.doubted.add(number)
        return Settled(number, receipt, again)

    @precondition(lambda self: any(self.workers.values()))
    @rule(policy=st.sampled_from(["resend", "hold"]))
    def every_worker_dies_and_is_recovered(self, policy: Literal["resend", "hold"]) -> None:
        self.lives += 1
        for issue in self.audience:
            lost = {number for (of, _), mine in self.workers.items() if of == issue for number in mine}
            assert recover(self.store, issue, policy) == len(lost)
            self.doubted |= lost
        self.ghosts |= self.workers
        self.workers = {}

    @precondition(lambda self: any(self.ghosts.values()))
    @rule(data=st.data())
    def a_worker_thought_dead_says_that_a_mail_was_taken(self, data: st.DataObject) -> None:
        issue, token = data.draw(st.sampled_from(sorted(key for key, mine in self.ghosts.items() if mine)))
        number = data.draw(st.sampled_from(sorted(self.ghosts[issue, token])))
        self.store.outbox.take(issue, limit=0, settled=[Settled(number, SENT)], now=self.now, token=token)
        if self.state(issue, number) == "sent":
            self.sent.add(number)
        else:
            assert self.state(issue, number) == "withdrawn"
        del self.ghosts[issue, token][number]

    @rule(hours=st.integers(1, 3))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.audience)
    @rule(data=st.data())
    def an_issue_is_finished_only_when_it_is(self, data: st.DataObject) -> None:
        issue = data.draw(st.sampled_from(sorted(self.audience)))
        states = {each.state for each in self.store.outbox.deliveries(issue)}
        assert self.store.issues.finish(issue, self.now) == states.isdisjoint({"queued", "claimed"})

    @invariant()
    def every_delivery_is_counted(self) -> None:
        for issue, audience in self.audience.items():
            sums = self.store.outbox.sums(issue)
            assert tuple(sums) == get_args(State)
            assert sum(sums.values()) == audience == self.store.outbox.audience(issue)
            claimed = {number for (of, _), mine in self.workers.items() if of == issue for number in mine}
            assert {each.id for each in self.store.outbox.deliveries(issue, "claimed")} == claimed

    @invariant()
    def what_was_sent_stays_sent_and_what_was_in_doubt_stays_marked(self) -> None:
        rows = [each for issue in self.audience for each in self.store.outbox.deliveries(issue)]
        assert {each.id for each in rows if each.state == "sent"} == self.sent
        assert {each.id for each in rows if each.ever_in_doubt} == self.doubted

    def state(self, issue: str, number: int) -> State:
        return next(each.state for each in self.store.outbox.deliveries(issue) if each.id == number)


@pytest.mark.parametrize("examples", [10, pytest.param(100, marks=pytest.mark.thorough)])
def test_nothing_is_lost_doubled_or_sent_to_the_silent(examples: int, new_store: NewStore) -> None:
    class Here(Sending):
        pass

    setattr(Here, "new_store", staticmethod(new_store))  # noqa: B010
    options: Any = settings(max_examples=examples, stateful_step_count=30)
    run_state_machine_as_test(Here, settings=options)
