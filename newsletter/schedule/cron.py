"""Rules in cron's five fields, with names for the days of the week: "30 7 * * mon-fri"."""

import calendar
import re
from collections.abc import Iterable, Sequence
from datetime import time

from newsletter.errors import ConfigError
from newsletter.schedule.calendar import WEEKDAYS, Days
from newsletter.text import meant, nearest, quoted

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = tuple(name[:3] for name in WEEKDAYS)


def days_and_times(fields: Sequence[str]) -> tuple[Days, set[time]]:
    """Reads the fields of a cron expression in small letters. Raises ConfigError without a place, with a cure."""
    if len(fields) != 5:
        raise ConfigError(
            f"a cron expression has five fields, and this one has {len(fields)}",
            cure="Write minute, hour, day of month, month, day of week: “30 7 * * mon-fri”.",
        )
    minute, hour, dates, months, weekdays = fields
    if "*" not in (dates, weekdays):
        raise ConfigError(
            "it has both a day of the month and a day of the week, and cron runs on either of them",
            cure="Put “*” in one of the two; for the first Monday write “first monday of the month at 08:00”.",
        )
    if re.search(r"\d", re.sub(r"/\d+", "", weekdays)):
        raise ConfigError(
            f"the day of the week is a number (“{weekdays}”): 0 is Sunday to cron and Monday elsewhere",
            cure="Write its name: mon, tue, wed, thu, fri, sat or sun.",
        )
    days = Days(
        dates=_field(dates, "day of month", range(1, 32)),
        months=_field(months, "month", range(1, 13), _MONTH_NAMES),
        weekdays=_field(weekdays, "day of week", range(7), _DAY_NAMES),
    )
    if not any(day <= calendar.monthrange(2024, month)[1] for day in days.dates for month in days.months):
        raise ConfigError(f"there is no day {dates} in month {months}", cure="Write a day that the month has.")
    hours, minutes = _field(hour, "hour", range(24)), _field(minute, "minute", range(60))
    return days, {time(each, part) for each in hours for part in minutes}


def _field(written: str, name: str, span: range, names: Sequence[str] = ()) -> frozenset[int]:
    return frozenset(value for item in written.split(",") for value in _item(item, name, span, names))


def _item(item: str, name: str, span: range, names: Sequence[str]) -> Iterable[int]:
    match = re.fullmatch(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9]\d?))?", item)
    if match is None or (match["step"] and match["first"] and not match["last"]):
        raise ConfigError(
            f"“{item}” is not a valid {name}",
            cure=f"Write “*”, a value from {span[0]} to {span[-1]}, a range “a-b”, a step “*/n”, or several of these "
                 "with commas.",
        )
    if match["first"] is None:
        values = list(span)
    else:
        first = _value(match["first"], name, span, names)
        last = _value(match["last"], name, span, names) if match["last"] else first
        if last < first and name != "day of week":
            raise ConfigError(f"the range “{item}” runs backwards",
                              cure=f"Write it as “{match['last']}-{match['first']}”.")
        values = [span[(first - span[0] + step) % len(span)] for step in range((last - first) % len(span) + 1)]
    return values[:: int(match["step"] or 1)]


def _value(written: str, name: str, span: range, names: Sequence[str]) -> int:
    if written in names:
        return span[names.index(written)]
    if written.isdecimal() and int(written) in span:
        return int(written)
    expected = ", ".join(names) if names else f"{span[0]} to {span[-1]}"
    cure = meant(nearest(written, names, alike=0.5)) or f"Write one of {expected}."
    raise ConfigError(f"{quoted(written)} is not a valid {name}", cure=cure)
