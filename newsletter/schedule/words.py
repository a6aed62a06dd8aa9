"""Rules in English: "every monday at 08:00"."""

import re
from collections.abc import Callable, Sequence
from datetime import date, time

from newsletter.errors import ConfigError
from newsletter.schedule.calendar import WEEKDAYS, Days
from newsletter.text import meant, nearest, quoted

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

_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 0}
_KNOWN = (
    *WEEKDAYS, *_ORDINALS, "every", "each", "day", "daily", "weekday", "weekdays", "weekly", "weeks", "month",
    "monthly", "the", "and", "from",
)
_AND = r"(?:, and|,| and)"
_NAMES = rf"(?:{'|'.join(WEEKDAYS)})"
_LIST = rf"(?P<days>{_NAMES}(?:{_AND} {_NAMES})*)"
_NTHS = rf"(?P<nths>(?:{'|'.join(_ORDINALS)})(?:{_AND} (?:{'|'.join(_ORDINALS)}))*)"
_DATES = rf"(?P<dates>\d+(?:st|nd|rd|th)(?:{_AND} (?:the )?\d+(?:st|nd|rd|th))*)"
_MONTH = r"(?:of (?:the|every|each) month)"
_TIMES = rf"at (?P<times>\d+:\d\d(?:{_AND} \d+:\d\d)*)"


def days_and_times(rule: str) -> tuple[Days, set[time]]:
    """Reads a rule in small letters with single spaces. Raises ConfigError without a place, with a cure."""
    for pattern, read in _RULES:
        if match := re.fullmatch(rf"{pattern} {_TIMES}", rule):
            return read(match), {_time(written) for written in re.findall(r"\d+:\d\d", match["times"])}
    for word in re.findall(r"[^\W\d_]{3,}", rule):
        if word not in _KNOWN and (near := nearest(word, _KNOWN, alike=0.7)):
            raise ConfigError(f"unknown word {quoted(word)}", cure=meant(near))
    if re.search(r"\bevery \d+ weeks\b", rule) and " from " not in rule:
        raise ConfigError("the weeks have no starting day", cure=f"Write from which day: “{_EVERY_FEW_WEEKS}”.")
    if not re.search(r" at \d", rule):
        raise ConfigError("it has no time of day", cure="Add one on the 24-hour clock: “… at 08:00”.")
    raise ConfigError("it cannot be read", cure="Write it like one of these: " + "; ".join(EXAMPLES) + ".")


def _every_day(match: re.Match[str]) -> Days:
    return Days()


def _working_days(match: re.Match[str]) -> Days:
    return Days(weekdays=frozenset(range(5)))


def _weekly(match: re.Match[str]) -> Days:
    return Days(weekdays=_weekdays(match["days"]))


def _every_few_weeks(match: re.Match[str]) -> Days:
    weeks = int(match["weeks"])
    if not 1 <= weeks <= 52:
        raise ConfigError(f"every {weeks} weeks is not possible", cure="Write a number of weeks from 1 to 52.")
    try:
        since = date.fromisoformat(match["since"])
    except ValueError:
        raise ConfigError(f"there is no day {match['since']}",
                          cure="Write a day as YYYY-MM-DD: “from 2026-11-27”.") from None
    return Days(weekdays=_weekdays(match["days"]), weeks=weeks, since=since)


def _monthly_by_weekday(match: re.Match[str]) -> Days:
    ordinals = frozenset(_ORDINALS[word] for word in re.findall(r"[a-z]+", match["nths"]) if word != "and")
    return Days(weekdays=_weekdays(match["days"]), ordinals=ordinals)


def _monthly_by_date(match: re.Match[str]) -> Days:
    dates = frozenset(int(number) for number in re.findall(r"\d+", match["dates"]))
    for number in sorted(dates - frozenset(range(1, 29))):
        raise ConfigError(f"not every month has a day {number}",
                          cure="Write a day up to the 28th, or “last day of the month”.")
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
    return frozenset(WEEKDAYS.index(name) for name in re.findall(_NAMES, written))


def _time(written: str) -> time:
    hour, minute = map(int, written.split(":"))
    if hour > 23 or minute > 59:
        raise ConfigError(f"{written} is not a time of day", cure="Write a time from 00:00 to 23:59.")
    return time(hour, minute)
