"""When a newsletter goes out: a rule in words or cron, read on the wall clock of one zone.

A `Schedule` is a set of days and the times of those days. Its *slots* are wall-clock times; each means one instant:

- A local time that the clocks skip in spring means the first minute after the gap.
- A local time that comes twice in autumn means the first of the two.
- Where a gap pushes slots onto one instant (01:30 and 02:00 in London in March, or midnight of a day that a zone leaves
  out whole, as Pacific/Apia did with 30 December 2011), they are one slot, known by the latest of the local times.
- No other slot is ever dropped, doubled or moved, and their instants always rise.
"""

import calendar
import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from newsletter.errors import ConfigError
from newsletter.model import Slot

_EVERY_FEW_WEEKS = "every 2 weeks on friday from 2026-11-27 at 09:00"

EXAMPLES = (
    "every monday at 08:00",
    "every weekday at 07:30",
    "every monday and thursday at 08:00",
    _EVERY_FEW_WEEKS,
    "first monday of the month at 08:00",
    "monthly on the 15th at 09:00",
    "last day of the month at 16:00",
    "30 7 * * mon-fri",
)
"""Rules that can be read, one of each kind, for messages and docs."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 0}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """The days a schedule speaks of: those that satisfy every field."""

    weekdays: frozenset[int] = frozenset(range(7))
    """0 is Monday."""
    dates: frozenset[int] = frozenset(range(1, 32))
    """Days of the month; 0 is its last day."""
    months: frozenset[int] = frozenset(range(1, 13))
    ordinals: frozenset[int] = frozenset()
    """Which of the month's such weekdays: 1 is the first, 0 the last; empty means each."""
    weeks: int = 1
    """Every so many weeks, counted from the week of `since`."""
    since: date = date.min
    """None before this day."""

    def __contains__(self, day: date) -> bool:
        return (
            day.weekday() in self.weekdays
            and day.month in self.months
            and (day.day in self.dates or (0 in self.dates and _is_last(day, 1)))
            and (not self.ordinals or (day.day + 6) // 7 in self.ordinals or (0 in self.ordinals and _is_last(day, 7)))
            and day >= self.since
            and (self.weeks == 1 or (_monday(day) - _monday(self.since)).days // 7 % self.weeks == 0)
        )


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
        """Reads a rule in words (`EXAMPLES`) or in cron's five fields with names for days of the week.

        `place` is where the rule stands, for the message. Raises ConfigError for a rule or a zone that cannot be read.
        """
        check_zone(zone, place=place)
        rule = " ".join(text.casefold().replace(",", ", ").split())
        try:
            days, times = _cron(text.casefold().split()) if re.match(r"[\d*][\d*/, -]* ", rule) else _words(rule)
        except _Unread as problem:
            raise ConfigError(f"schedule “{text}”: {problem.found}", place=place, cure=problem.cure) from None
        return cls(text=text, zone=zone, days=days, times=tuple(sorted(times)))

    def slots(self, after: datetime) -> Iterator[Slot]:
        """The slots whose instants are later than `after`, in order; without an end for all that matters."""
        first = _day_of(after, self.zone, -2)
        days = (date.fromordinal(number) for number in range(first.toordinal(), date.max.toordinal()))
        occasions = (occasion for day in days if day in self.days for occasion in self._of(day))
        for instant, same in groupby(occasions, key=lambda occasion: occasion.instant):
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

    def _of(self, day: date) -> list[Slot]:
        return [slot_at(datetime.combine(day, moment), self.zone) for moment in self.times]


def slot_at(local: datetime, zone: str) -> Slot:
    """The slot of a wall-clock time (naive, whole minutes) in an IANA zone, by the rule of this module."""
    clock = ZoneInfo(zone)
    # PEP 495: fold=0 is the first of a doubled time; for a missing one it lands after the gap, as far as fold=1 before.
    instant = local.replace(tzinfo=clock, fold=0).astimezone(UTC)
    if instant.astimezone(clock).replace(tzinfo=None) != local:
        instant = _end_of_gap(local.replace(tzinfo=clock, fold=1).astimezone(UTC), instant, clock)
    return Slot(local=local.isoformat(timespec="minutes"), zone=zone, instant=instant)


def check_zone(name: str, *, place: str = "") -> None:
    """Raises ConfigError, with a near name if there is one, unless `name` is a zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = _near_zone(name)
        cure = f"Did you mean “{near}”?" if near else "Write an IANA name such as “Europe/London” or “UTC”."
        raise ConfigError(f"there is no time zone “{name}”", place=place, cure=cure) from None


def _near_zone(name: str) -> str:
    zones = sorted(zoneinfo.available_timezones())
    by_name = {zone.casefold(): zone for zone in zones}
    by_city = {zone.rpartition("/")[2].casefold(): zone for zone in zones}
    wanted = name.strip().casefold().replace(" ", "_")
    for names in (by_name, by_city):
        if near := difflib.get_close_matches(wanted, names, n=1, cutoff=0.75):
            return names[near[0]]
    return ""


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


def _is_last(day: date, length: int) -> bool:
    return day.day + length > calendar.monthrange(day.year, day.month)[1]


def _monday(day: date) -> date:
    return date.fromordinal(max(1, day.toordinal() - day.weekday()))


class _Unread(Exception):
    def __init__(self, found: str, cure: str = "") -> None:
        super().__init__(found)
        self.found, self.cure = found, cure or "Write it like one of these: " + "; ".join(EXAMPLES) + "."


# --- Words ---------------------------------------------------------------------------------------------------

_KNOWN = (
    *_WEEKDAYS, *_ORDINALS, "every", "each", "day", "daily", "weekday", "weekdays", "weekly", "weeks", "month",
    "monthly", "the", "and", "from",
)
_AND = r"(?:, and|,| and)"
_NAMES = rf"(?:{'|'.join(_WEEKDAYS)})"
_LIST = rf"(?P<days>{_NAMES}(?:{_AND} {_NAMES})*)"
_NTHS = rf"(?P<nths>(?:{'|'.join(_ORDINALS)})(?:{_AND} (?:{'|'.join(_ORDINALS)}))*)"
_DATES = rf"(?P<dates>\d+(?:st|nd|rd|th)(?:{_AND} (?:the )?\d+(?:st|nd|rd|th))*)"
_MONTH = r"(?:of (?:the|every|each) month)"
_TIMES = rf"at (?P<times>\d+:\d\d(?:{_AND} \d+:\d\d)*)"


def _words(rule: str) -> tuple[Days, set[time]]:
    for pattern, read in _RULES:
        if match := re.fullmatch(rf"{pattern} {_TIMES}", rule):
            return read(match), {_time(written) for written in re.findall(r"\d+:\d\d", match["times"])}
    for word in re.findall(r"[^\W\d_]{3,}", rule):
        if word not in _KNOWN and (near := difflib.get_close_matches(word, _KNOWN, n=1, cutoff=0.7)):
            raise _Unread(f"“{word}” is not a word I know", f"Did you mean “{near[0]}”?")
    if re.search(r"\bevery \d+ weeks\b", rule) and " from " not in rule:
        raise _Unread("it does not say which weeks", f"Say from which day: “{_EVERY_FEW_WEEKS}”.")
    if not re.search(r" at \d", rule):
        raise _Unread("it has no time of day", "Add one on the 24-hour clock: “… at 08:00”.")
    raise _Unread("it cannot be read")


def _every_day(match: re.Match[str]) -> Days:
    return Days()


def _working_days(match: re.Match[str]) -> Days:
    return Days(weekdays=frozenset(range(5)))


def _weekly(match: re.Match[str]) -> Days:
    return Days(weekdays=_weekdays(match["days"]))


def _every_few_weeks(match: re.Match[str]) -> Days:
    weeks = int(match["weeks"])
    if not 1 <= weeks <= 52:
        raise _Unread(f"every {weeks} weeks is not possible", "Write a number of weeks from 1 to 52.")
    try:
        since = date.fromisoformat(match["since"])
    except ValueError:
        raise _Unread(f"there is no day {match['since']}", "Write a day as YYYY-MM-DD: “from 2026-11-27”.") from None
    return Days(weekdays=_weekdays(match["days"]), weeks=weeks, since=since)


def _monthly_by_weekday(match: re.Match[str]) -> Days:
    ordinals = frozenset(_ORDINALS[word] for word in re.findall(r"[a-z]+", match["nths"]) if word != "and")
    return Days(weekdays=_weekdays(match["days"]), ordinals=ordinals)


def _monthly_by_date(match: re.Match[str]) -> Days:
    dates = frozenset(int(number) for number in re.findall(r"\d+", match["dates"]))
    for number in sorted(dates - frozenset(range(1, 29))):
        raise _Unread(f"not every month has a day {number}", "Write a day up to the 28th, or “last day of the month”.")
    return Days(dates=dates)


def _last_day(match: re.Match[str]) -> Days:
    return Days(dates=frozenset({0}))


_RULES: Sequence[tuple[str, Callable[[re.Match[str]], Days]]] = (
    (r"(?:every day|daily)", _every_day),
    (r"(?:every weekday|weekdays)", _working_days),
    (rf"(?:every|weekly on) {_LIST}", _weekly),
    (rf"every (?P<weeks>\d{{1,3}}) weeks on {_LIST} from (?P<since>\d{{4}}-\d\d-\d\d)", _every_few_weeks),
    (rf"(?:(?:every|the|monthly on the) )?{_NTHS} {_LIST} {_MONTH}", _monthly_by_weekday),
    (rf"(?:the |monthly on the )?last day {_MONTH}", _last_day),
    (rf"(?:monthly|every month) on the {_DATES}", _monthly_by_date),
    (rf"(?:the )?{_DATES} {_MONTH}", _monthly_by_date),
)


def _weekdays(written: str) -> frozenset[int]:
    return frozenset(_WEEKDAYS.index(name) for name in re.findall(_NAMES, written))


def _time(written: str) -> time:
    hour, minute = map(int, written.split(":"))
    if hour > 23 or minute > 59:
        raise _Unread(f"{written} is not a time of day", "Write a time from 00:00 to 23:59.")
    return time(hour, minute)


# --- Cron ----------------------------------------------------------------------------------------------------

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = tuple(name[:3] for name in _WEEKDAYS)


def _cron(fields: Sequence[str]) -> tuple[Days, set[time]]:
    if len(fields) != 5:
        raise _Unread(
            f"cron has five fields, this has {len(fields)}",
            "Write minute, hour, day of month, month, day of week: “30 7 * * mon-fri”.",
        )
    minute, hour, dates, months, weekdays = fields
    if "*" not in (dates, weekdays):
        raise _Unread(
            "it has both a day of the month and a day of the week, which cron takes as either of them",
            "Put “*” in one of the two; for the first Monday write “first monday of the month at 08:00”.",
        )
    if re.search(r"\d", re.sub(r"/\d+", "", weekdays)):
        raise _Unread(
            f"the day of the week is a number (“{weekdays}”): 0 is Sunday to cron and Monday elsewhere",
            "Write its name: mon, tue, wed, thu, fri, sat or sun.",
        )
    days = Days(
        dates=_field(dates, "day of month", range(1, 32)),
        months=_field(months, "month", range(1, 13), _MONTH_NAMES),
        weekdays=_field(weekdays, "day of week", range(7), _DAY_NAMES),
    )
    if not any(day <= calendar.monthrange(2024, month)[1] for day in days.dates for month in days.months):
        raise _Unread(f"there is no day {dates} in month {months}", "Write a day that the month has.")
    hours, minutes = _field(hour, "hour", range(24)), _field(minute, "minute", range(60))
    return days, {time(each, part) for each in hours for part in minutes}


def _field(written: str, name: str, span: range, names: Sequence[str] = ()) -> frozenset[int]:
    return frozenset(value for item in written.split(",") for value in _item(item, name, span, names))


def _item(item: str, name: str, span: range, names: Sequence[str]) -> Iterable[int]:
    match = re.fullmatch(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9]\d?))?", item)
    if match is None or (match["step"] and match["first"] and not match["last"]):
        raise _Unread(
            f"“{item}” is no {name}",
            f"Write “*”, a value from {span[0]} to {span[-1]}, a range “a-b”, a step “*/n”, or several with commas.",
        )
    if match["first"] is None:
        values = list(span)
    else:
        first = _value(match["first"], name, span, names)
        last = _value(match["last"], name, span, names) if match["last"] else first
        if last < first and name != "day of week":
            raise _Unread(f"the range “{item}” runs backwards", f"Write it as “{match['last']}-{match['first']}”.")
        values = [span[(first - span[0] + step) % len(span)] for step in range((last - first) % len(span) + 1)]
    return values[:: int(match["step"] or 1)]


def _value(written: str, name: str, span: range, names: Sequence[str]) -> int:
    if written in names:
        return span[names.index(written)]
    if written.isdecimal() and int(written) in span:
        return int(written)
    near = difflib.get_close_matches(written, names, n=1, cutoff=0.5)
    expected = ", ".join(names) if names else f"{span[0]} to {span[-1]}"
    raise _Unread(f"“{written}” is no {name}", f"Did you mean “{near[0]}”?" if near else f"Write one of {expected}.")
