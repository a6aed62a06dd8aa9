"""The alarm clock: APScheduler wakes us when a slot comes, and from time to time besides.

It only rings. What is due is decided by whoever is rung for, from the schedule and the database: ringing twice, late,
or in two processes changes nothing, and what nobody rang for is found at the next ring.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from newsletter.schedule.slots import Schedule

_log = logging.getLogger(__name__)


class Clock(Protocol):
    """What time it is, and how long until another."""

    def now(self) -> datetime:
        """Aware, in UTC."""

    def seconds_until(self, instant: datetime) -> float:
        """Seconds of real waiting; negative for what is past."""


class SystemClock:
    """The machine's own."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds_until(self, instant: datetime) -> float:
        return (instant - self.now()).total_seconds()


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires at the next slot of a schedule. APScheduler's own cron loses and doubles slots when clocks change."""

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule, self._clock = schedule, clock

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """On the machine's clock, which is what APScheduler waits by."""
        for slot in self._schedule.slots(self._clock.now()):
            return now + timedelta(seconds=max(0.0, self._clock.seconds_until(slot.instant)))
        return None


class Alarm:
    """Calls `ring` at each slot of each schedule, at the start, and every `poll_seconds`.

    `schedules` are by newsletter. `ring` should decide and hand on, not send: while one call for a newsletter goes on,
    there is no second for the same.
    """

    def __init__(
        self, schedules: Mapping[str, Schedule], ring: Callable[[], Awaitable[None]], *, clock: Clock,
        poll_seconds: float = 30,
    ) -> None:
        self._ring = ring
        self._ringing: set[asyncio.Task[object]] = set()
        # Everything rings however late: whether a slot is too old to be sent is not for the alarm to say.
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()}, timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        for newsletter, schedule in schedules.items():
            self._scheduler.add_job(self._rung, SlotTrigger(schedule, clock), id=f"newsletter {newsletter}")
        self._poll = timedelta(seconds=poll_seconds)

    def start(self) -> None:
        """Begins to ring, in the running event loop; at once for what fell due while nobody listened."""
        self._scheduler.add_job(
            self._rung, "interval", seconds=self._poll.total_seconds(), id="poll", next_run_time=datetime.now(UTC),
        )
        self._scheduler.start()

    async def stop(self) -> None:
        """Rings no more, and returns when what was rung for has been dealt with: shutdown alone would cancel it."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        await asyncio.sleep(0)  # what was submitted just now gets to its first line
        if self._ringing:
            await asyncio.wait(self._ringing)
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # it shuts down in a callback

    async def _rung(self) -> None:
        if task := asyncio.current_task():
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)
        await self._ring()


def _report(event: JobEvent) -> None:
    if event.code == EVENT_JOB_ERROR:
        _log.error("ring for %s: %s: %s", event.job_id, type(event.exception).__name__, event.exception)
    elif event.code == EVENT_JOB_MISSED:
        _log.warning("ring for %s: missed at %s", event.job_id, event.scheduled_run_time)
    else:
        _log.info("ring for %s: the last one is still being dealt with", event.job_id)
