"""The alarm rings at the slots of every schedule, and is turned off without hurting what it woke."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from newsletter.alarm import Alarm, SlotTrigger, SystemClock
from newsletter.schedule.slots import Schedule

NEVER = 1_000_000.0
"""Seconds between polls, where a test is not about polling."""


class FastClock:
    """A clock on which an hour takes a millisecond."""

    def __init__(self, begin: datetime) -> None:
        self._begin = begin
        self._started = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return self._begin + timedelta(milliseconds=1) * ((asyncio.get_running_loop().time() - self._started) * 3.6e9)

    def seconds_until(self, instant: datetime) -> float:
        return (instant - self.now()).total_seconds() / 3.6e6


class Bell:
    """Counts its rings."""

    def __init__(self, clock: FastClock) -> None:
        self._clock = clock
        self.rings: list[datetime] = []
        self._rung = asyncio.Condition()

    async def ring(self) -> None:
        self.rings.append(self._clock.now())
        async with self._rung:
            self._rung.notify_all()

    async def reach(self, count: int) -> None:
        async with self._rung:
            await self._rung.wait_for(lambda: len(self.rings) >= count)

    async def heard_since(self, instant: datetime) -> None:
        async with self._rung:
            await self._rung.wait_for(lambda: bool(self.rings) and self.rings[-1] >= instant)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_it_rings_at_the_start_for_what_fell_due_while_nobody_listened() -> None:
    bell = Bell(FastClock(at("2026-11-01T00:00")))
    alarm = Alarm({}, bell.ring, clock=SystemClock(), poll_seconds=NEVER)
    alarm.start()
    await bell.reach(1)
    await alarm.stop()


async def test_it_rings_when_a_slot_has_come_week_after_week() -> None:
    clock = FastClock(at("2026-10-12T00:00"))
    bell = Bell(clock)
    schedules = {
        "weekly": Schedule.parse("every monday at 08:00", "Europe/London"),
        "brief": Schedule.parse("every thursday at 01:30", "Europe/London"),
    }
    alarm = Alarm(schedules, bell.ring, clock=clock, poll_seconds=NEVER)
    alarm.start()
    for schedule in schedules.values():
        for slot in islice(schedule.slots(at("2026-10-12T00:00")), 4):
            await bell.heard_since(slot.instant)
    await alarm.stop()


async def test_it_rings_again_and_again_whatever_the_schedules_say() -> None:
    bell = Bell(FastClock(at("2026-11-01T00:00")))
    alarm = Alarm({}, bell.ring, clock=SystemClock(), poll_seconds=0.01)
    alarm.start()
    await bell.reach(4)
    await alarm.stop()


async def test_stopping_waits_for_what_was_rung_for_and_rings_no_more() -> None:
    begun, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def ring() -> None:
        begun.set()
        await go_on.wait()
        finished.set()

    alarm = Alarm({}, ring, clock=SystemClock(), poll_seconds=NEVER)
    alarm.start()
    await begun.wait()
    stopping = asyncio.create_task(alarm.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await stopping
    assert finished.is_set()


async def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    bell = Bell(FastClock(at("2026-11-01T00:00")))
    alarm = Alarm({}, bell.ring, clock=SystemClock(), poll_seconds=NEVER)
    await alarm.stop()
    alarm.start()
    await alarm.stop()
    await alarm.stop()


async def test_a_ring_that_fails_is_logged_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    rung = asyncio.Event()

    async def ring() -> None:
        if "newsletter.alarm" in {record.name for record in caplog.records}:
            rung.set()
        raise RuntimeError("the database is away")

    alarm = Alarm({}, ring, clock=SystemClock(), poll_seconds=0.01)
    alarm.start()
    await rung.wait()
    await alarm.stop()
    assert "ring for poll: RuntimeError: the database is away" in caplog.text


def test_a_trigger_gives_the_next_slot_on_the_machines_clock() -> None:
    class Ahead:
        """A clock that runs an hour ahead of the machine's."""

        def now(self) -> datetime:
            return at("2026-03-29T00:10")

        def seconds_until(self, instant: datetime) -> float:
            return (instant - self.now()).total_seconds()

    trigger = SlotTrigger(Schedule.parse("every sunday at 01:30", "Europe/London"), Ahead())
    assert trigger.get_next_fire_time(None, at("2026-03-28T23:10")) == at("2026-03-29T00:00")


def test_a_trigger_without_slots_never_fires() -> None:
    class Late(SystemClock):
        def now(self) -> datetime:
            return at("9999-12-30T00:00")

    trigger = SlotTrigger(Schedule.parse("0 8 1 jan *", "UTC"), Late())
    assert trigger.get_next_fire_time(None, at("2026-03-28T23:10")) is None
