"""The alarm rings at the slots of every schedule it follows, and is turned off."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

from newsletter.alarm import Alarm, SlotTrigger, SystemClock
from newsletter.schedule.slots import Schedule

WEEKLY = Schedule.parse("every monday at 08:00", "Europe/London")
BRIEF = Schedule.parse("every thursday at 01:30", "Europe/London")


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
    """Remembers when it was rung last."""

    def __init__(self, clock: FastClock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()
        self.last = clock.now()

    def ring(self) -> None:
        self.last = self._clock.now()
        self._rung.set()

    async def heard_at(self, schedules: Iterable[Schedule], count: int) -> None:
        """Returns when it was rung after each of the next slots of each."""
        for schedule in schedules:
            for slot in islice(schedule.slots(self._clock.now()), count):
                while self.last < slot.instant:
                    self._rung.clear()
                    await self._rung.wait()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_it_rings_when_a_slot_has_come_week_after_week() -> None:
    bell = Bell(clock := FastClock(at("2026-10-12T00:00")))
    alarm = Alarm(bell.ring, clock=clock)
    alarm.start()
    alarm.follow({"weekly": WEEKLY, "brief": BRIEF})
    await bell.heard_at((WEEKLY, BRIEF), 4)
    await alarm.stop()


async def test_it_follows_other_schedules_when_it_is_given_them() -> None:
    bell = Bell(clock := FastClock(at("2026-10-12T00:00")))
    alarm = Alarm(bell.ring, clock=clock)
    alarm.follow({"weekly": Schedule.parse("0 8 29 2 *", "UTC")})
    alarm.start()
    alarm.follow({"weekly": WEEKLY})
    await bell.heard_at([WEEKLY], 2)
    await alarm.stop()


async def test_it_rings_no_more_when_it_was_stopped_and_stopping_twice_is_harmless() -> None:
    bell = Bell(clock := FastClock(at("2026-10-12T00:00")))
    alarm = Alarm(bell.ring, clock=clock)
    await alarm.stop()
    alarm.start()
    alarm.follow({"weekly": WEEKLY})
    await bell.heard_at([WEEKLY], 1)
    await alarm.stop()
    await alarm.stop()
    assert not alarm.is_on


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
