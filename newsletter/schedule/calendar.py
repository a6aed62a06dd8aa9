"""The days of a rule, on a calendar without times or zones."""

import calendar
from dataclasses import dataclass
from datetime import date

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""In the order of `Days.weekdays`."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a schedule: those that satisfy every field."""

    weekdays: frozenset[int] = frozenset(range(7))
    """0 is Monday."""
    dates: frozenset[int] = frozenset(range(1, 32))
    """Days of the month; 0 is its last day."""
    months: frozenset[int] = frozenset(range(1, 13))
    ordinals: frozenset[int] = frozenset()
    """Positions of the weekday in the month: 1 is the first, 0 the last; empty means each."""
    weeks: int = 1
    """The interval in weeks, counted from the week of `since`."""
    since: date = date.min
    """The first day that may be in the schedule."""

    def __contains__(self, day: date) -> bool:
        return (
            day.weekday() in self.weekdays
            and day.month in self.months
            and (day.day in self.dates or (0 in self.dates and _is_last(day, 1)))
            and (not self.ordinals or (day.day + 6) // 7 in self.ordinals or (0 in self.ordinals and _is_last(day, 7)))
            and day >= self.since
            and (self.weeks == 1 or (_monday(day) - _monday(self.since)).days // 7 % self.weeks == 0)
        )


def _is_last(day: date, length: int) -> bool:
    return day.day + length > calendar.monthrange(day.year, day.month)[1]


def _monday(day: date) -> date:
    return date.fromordinal(max(1, day.toordinal() - day.weekday()))
