"""The alarm clock: APScheduler wakes `newsletter run` when a slot comes.

The alarm only rings. Its listener decides from the schedule and the database what is due, so that a ring that comes
twice, late, or in two processes changes nothing. The listener also looks without a ring from time to time, in case one
never comes.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from newsletter.schedule.slots import Schedule


class Clock(Protocol):
    """The time now, and the time until another instant."""

    def now(self) -> datetime:
        """Aware, in UTC."""

    def seconds_until(self, instant: datetime) -> float:
        """Seconds of real waiting; negative for an instant in the past."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds_until(self, instant: datetime) -> float:
        return (instant - self.now()).total_seconds()


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires at the next slot of a schedule. APScheduler's own cron loses and doubles slots when clocks change."""

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule, self._clock = schedule, clock

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next slot on the machine's clock, by which APScheduler waits; None if there is none."""
        for slot in self._schedule.slots(self._clock.now()):
            return now + timedelta(seconds=max(0.0, self._clock.seconds_until(slot.instant)))
        return None


class Alarm:
    """Calls `ring` at each slot of each schedule, in the running event loop. `ring` should do no more than wake."""

    def __init__(self, ring: Callable[[], None], *, clock: Clock) -> None:
        self._ring, self._clock = ring, clock
        # It rings however late: whether a slot is too old to be sent is for the listener to decide.
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()}, timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    @property
    def is_on(self) -> bool:
        """Whether the alarm was started, and not stopped since."""
        return bool(self._scheduler.running)

    def start(self) -> None:
        self._scheduler.start()

    def follow(self, schedules: Mapping[str, Schedule]) -> None:
        """Rings at the slots of these schedules, by newsletter, and at no others."""
        self._scheduler.remove_all_jobs()
        for newsletter, schedule in schedules.items():
            self._scheduler.add_job(self._rung, SlotTrigger(schedule, self._clock), id=newsletter)

    async def stop(self) -> None:
        """Rings no more."""
        if self.is_on:
            self._scheduler.shutdown(wait=False)
            await asyncio.sleep(0)  # it shuts down in a callback

    async def _rung(self) -> None:
        self._ring()
