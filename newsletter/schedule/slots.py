"""Schedules: a rule in English or cron for when a newsletter goes out, on the wall clock of one zone.

A `Schedule` is a set of days and the times of those days. Its *slots* are wall-clock times; each means one instant:

- A local time that the clocks skip in spring means the first minute after the gap.
- A local time that comes twice in autumn means the first of the two.
- Slots that a gap pushes onto one instant are one slot, known by the latest of its local times. Examples: 01:30 and
  02:00 in London in March, and two midnights where a zone leaves a day out (Pacific/Apia, 30 December 2011).
- No other slot is ever dropped, doubled or moved, and their instants always rise.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from newsletter.errors import ConfigError
from newsletter.model import Slot
from newsletter.schedule import cron, words
from newsletter.schedule.calendar import Days
from newsletter.schedule.zones import check_zone

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The days and times at which a newsletter goes out, on the wall clock of `zone`."""

    text: str
    """The rule as written."""
    zone: str
    """IANA name."""
    days: Days
    times: tuple[time, ...]
    """The times of each day, rising."""

    @classmethod
    def parse(cls, text: str, zone: str, *, place: str = "") -> "Schedule":
        """Reads a rule in English (`words.EXAMPLES`) or in cron's five fields with names for days of the week.

        `place` is the rule's place for error messages. Raises ConfigError for a rule or a zone that cannot be read.
        """
        check_zone(zone, place=place)
        try:
            days, times = _days_and_times(text.casefold())
        except ConfigError as problem:
            raise ConfigError(f"schedule “{text}”: {problem.found}", place=place, cure=problem.cure) from None
        return cls(text=text, zone=zone, days=days, times=tuple(sorted(times)))

    def slots(self, after: datetime) -> Iterator[Slot]:
        """The slots whose instants are later than `after`, in order, up to the last year of `date`."""
        first = _day_of(after, self.zone, -2)
        days = (date.fromordinal(number) for number in range(first.toordinal(), date.max.toordinal()))
        every = (slot for day in days if day in self.days for slot in self._of(day))
        for instant, same in groupby(every, key=lambda slot: slot.instant):
            *_, slot = same
            if instant > after:
                yield slot

    def latest(self, before: datetime) -> Slot | None:
        """The last slot whose instant is not later than `before`; None if the schedule has not begun."""
        day, least = _day_of(before, self.zone, 2), max(self.days.since, date(1900, 1, 1))
        while day >= least:
            if day in self.days:
                for slot in reversed(self._of(day)):
                    if slot.instant <= before:
                        return slot
            day -= _DAY
        return None

    def has(self, instant: datetime) -> bool:
        """Whether one of its slots means this instant."""
        slot = self.latest(instant)
        return slot is not None and slot.instant == instant

    def _of(self, day: date) -> list[Slot]:
        return [slot_at(datetime.combine(day, moment), self.zone) for moment in self.times]


def _days_and_times(rule: str) -> tuple[Days, set[time]]:
    if re.match(r"[\d*][\d*/, -]* ", rule):
        return cron.days_and_times(rule.split())
    return words.days_and_times(" ".join(rule.replace(",", ", ").split()))


def slot_at(local: datetime, zone: str) -> Slot:
    """The slot of a wall-clock time (naive, whole minutes) in an IANA zone, by the rule of this module."""
    clock = ZoneInfo(zone)
    # PEP 495: fold=0 is the first of a doubled time; for a missing one it lands after the gap, as far as fold=1 before.
    instant = local.replace(tzinfo=clock, fold=0).astimezone(UTC)
    if instant.astimezone(clock).replace(tzinfo=None) != local:
        instant = _end_of_gap(local.replace(tzinfo=clock, fold=1).astimezone(UTC), instant, clock)
    return Slot(local=local.isoformat(timespec="minutes"), zone=zone, instant=instant)


def _end_of_gap(before: datetime, after: datetime, clock: ZoneInfo) -> datetime:
    """The instant between the two at which the clocks were put forward."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(clock).utcoffset() == before.astimezone(clock).utcoffset():
            before = middle
        else:
            after = middle
    return after


def _day_of(instant: datetime, zone: str, shift: int) -> date:
    """The local day of an instant, `shift` days on: offsets and gaps stay below two days."""
    return instant.astimezone(ZoneInfo(zone)).date() + shift * _DAY
