"""When a newsletter goes out, in every zone, through every change of the clocks."""

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import ConfigError
from newsletter.schedule.slots import Schedule, slot_at
from newsletter.schedule.words import EXAMPLES
from newsletter.schedule.zones import check_zone

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def next_slots(rule: str, count: int, *, zone: str = "UTC", after: datetime = NOVEMBER) -> list[str]:
    return [slot.local for slot in islice(Schedule.parse(rule, zone).slots(after), count)]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- What the words mean ---


@pytest.mark.parametrize(("rule", "slots"), [
    ("every monday at 08:00", ["2026-11-02T08:00", "2026-11-09T08:00"]),
    ("Every  Monday AT 8:00", ["2026-11-02T08:00", "2026-11-09T08:00"]),
    ("weekly on monday at 08:00", ["2026-11-02T08:00", "2026-11-09T08:00"]),
    ("every weekday at 07:30", ["2026-11-02T07:30", "2026-11-03T07:30"]),
    ("every day at 6:00", ["2026-11-01T06:00", "2026-11-02T06:00"]),
    ("every day at 06:00 and 18:00", ["2026-11-01T06:00", "2026-11-01T18:00", "2026-11-02T06:00"]),
    ("every monday and thursday at 08:00", ["2026-11-02T08:00", "2026-11-05T08:00", "2026-11-09T08:00"]),
    ("every monday, wednesday and friday at 08:00", ["2026-11-02T08:00", "2026-11-04T08:00", "2026-11-06T08:00"]),
    ("every 2 weeks on friday from 2026-11-27 at 09:00", ["2026-11-27T09:00", "2026-12-11T09:00"]),
    ("every 2 weeks on monday from 2026-11-27 at 09:00", ["2026-12-07T09:00", "2026-12-21T09:00"]),
    ("first monday of the month at 08:00", ["2026-11-02T08:00", "2026-12-07T08:00"]),
    ("the second and fourth tuesday of every month at 08:00", ["2026-11-10T08:00", "2026-11-24T08:00"]),
    ("last friday of the month at 16:00", ["2026-11-27T16:00", "2026-12-25T16:00"]),
    ("last day of the month at 16:00", ["2026-11-30T16:00", "2026-12-31T16:00", "2027-01-31T16:00"]),
    ("monthly on the 15th at 09:00", ["2026-11-15T09:00", "2026-12-15T09:00"]),
    ("1st and 15th of the month at 09:00", ["2026-11-01T09:00", "2026-11-15T09:00", "2026-12-01T09:00"]),
    ("30 7 * * mon-fri", ["2026-11-02T07:30", "2026-11-03T07:30"]),
    ("0 8 * * fri-mon", ["2026-11-01T08:00", "2026-11-02T08:00", "2026-11-06T08:00"]),
    ("0,30 8-9 1 dec *", ["2026-12-01T08:00", "2026-12-01T08:30", "2026-12-01T09:00", "2026-12-01T09:30"]),
    ("0 */12 */10 * *", ["2026-11-01T12:00", "2026-11-11T00:00", "2026-11-11T12:00"]),
    ("0 8 29 2 *", ["2028-02-29T08:00", "2032-02-29T08:00"]),
])
def test_a_rule_means_these_slots(rule: str, slots: list[str]) -> None:
    assert next_slots(rule, len(slots)) == slots


@pytest.mark.parametrize("rule", EXAMPLES)
def test_every_example_shown_to_people_can_be_read(rule: str) -> None:
    assert next_slots(rule, 1)


@pytest.mark.parametrize(("rule", "found", "cure"), [
    ("every mondy at 08:00", "unknown word “mondy”", "Did you mean “monday”?"),
    ("montly on the 1st at 08:00", "unknown word “montly”", "Did you mean “monthly”?"),
    ("every monday", "it has no time of day", "at 08:00"),
    ("every monday at 24:00", "24:00 is not a time of day", "00:00 to 23:59"),
    ("every 2 weeks on friday at 09:00", "the weeks have no starting day", "from 2026-11-27"),
    ("every 2 weeks on friday from 2026-02-30 at 09:00", "there is no day 2026-02-30", "YYYY-MM-DD"),
    ("every 0 weeks on friday from 2026-11-27 at 09:00", "every 0 weeks", "1 to 52"),
    ("monthly on the 31st at 08:00", "not every month has a day 31", "last day of the month"),
    ("once in a while at 08:00", "it cannot be read", "every monday at 08:00"),
    ("", "it has no time of day", "at 08:00"),
    ("0 8 * * 1", "0 is Sunday to cron and Monday elsewhere", "mon, tue"),
    ("0 8 * * 0-4", "0 is Sunday to cron and Monday elsewhere", "mon, tue"),
    ("0 8 1 * mon", "both a day of the month and a day of the week", "first monday of the month"),
    ("0 8 * *", "a cron expression has five fields, and this one has 4", "minute, hour"),
    ("0 25 * * *", "“25” is not a valid hour", "0 to 23"),
    ("0 8 * * mun", "“mun” is not a valid day of week", "Did you mean"),
    ("0 8 30 2 *", "there is no day 30 in month 2", "a day that the month has"),
    ("0 8 20-10 * *", "runs backwards", "“10-20”"),
    ("0 8 L * *", "“l” is not a valid day of month", "1 to 31"),
])
def test_what_cannot_be_read_is_refused_with_its_cure(rule: str, found: str, cure: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Schedule.parse(rule, "UTC", place="newsletter.toml:12")
    assert caught.value.place == "newsletter.toml:12"
    assert found in caught.value.found
    assert cure in caught.value.cure


WORDS = st.sampled_from(["every", "monday", "weekday", "first", "last", "of", "the", "month", "at", "08:00", "and"])
FIELDS = st.sampled_from(["*", "0", "8", "1-5", "mon", "*/2", "1,15", "feb", "31", "x", "7-3"])


@given(st.text(st.characters(codec="utf-8"), max_size=60)
       | st.lists(WORDS, max_size=9).map(" ".join) | st.lists(FIELDS, min_size=4, max_size=6).map(" ".join))
def test_any_text_is_a_schedule_with_slots_or_refused_with_a_cure(rule: str) -> None:
    try:
        schedule = Schedule.parse(rule, "Europe/London")
    except ConfigError as problem:
        refused = problem
    else:
        assert next(schedule.slots(NOVEMBER)).instant > NOVEMBER
        return
    assert refused.cure


@pytest.mark.parametrize(("zone", "cure"), [
    ("Europe/Londn", "Did you mean “Europe/London”?"),
    ("London", "Did you mean “Europe/London”?"),
    ("new york", "Did you mean “America/New_York”?"),
    ("Europe", "IANA name"), ("../etc", "IANA name"), ("/etc/passwd", "IANA name"), ("", "IANA name"),
])
def test_a_zone_that_is_none_is_refused_with_a_near_one(zone: str, cure: str) -> None:
    with pytest.raises(ConfigError, match="no time zone") as caught:
        Schedule.parse("every day at 08:00", zone)
    assert cure in caught.value.cure


# --- Changes of the clocks ---


@pytest.mark.parametrize(("local", "zone", "instant"), [
    ("2026-03-29T00:59", "Europe/London", "2026-03-29T00:59"),
    ("2026-03-29T01:30", "Europe/London", "2026-03-29T01:00"),  # missing: 02:00 summer time
    ("2026-03-29T02:00", "Europe/London", "2026-03-29T01:00"),
    ("2026-10-25T01:30", "Europe/London", "2026-10-25T00:30"),  # doubled: the first, in summer time
    ("2026-10-25T02:00", "Europe/London", "2026-10-25T02:00"),
    ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:30"),  # a gap of half an hour
    ("2026-04-24T00:30", "Africa/Cairo", "2026-04-23T22:00"),  # a gap at midnight
    ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),  # a day that was left out
])
def test_a_missing_time_is_the_end_of_the_gap_and_a_doubled_one_the_first(local: str, zone: str, instant: str) -> None:
    """P10: 02:30 on the nights when it is missing, and when it comes twice."""
    slot = slot_at(datetime.fromisoformat(local), zone)
    assert (slot.local, slot.instant) == (local, utc(instant))


def test_slots_that_a_gap_pushes_onto_one_instant_are_one_slot() -> None:
    """Nobody wants two mails in one minute."""
    after = utc("2026-03-29T00:00")
    slots = list(islice(Schedule.parse("0,30 1-2 * * *", "Europe/London").slots(after), 3))
    assert [slot.local for slot in slots] == ["2026-03-29T02:00", "2026-03-29T02:30", "2026-03-30T01:00"]


def test_a_day_that_a_zone_leaves_out_keeps_its_issue_unless_the_next_falls_on_the_same_minute() -> None:
    after = utc("2011-12-29T08:00")
    assert next_slots("every day at 08:00", 4, zone="Pacific/Apia", after=after) == [
        "2011-12-29T08:00", "2011-12-30T08:00", "2011-12-31T08:00", "2012-01-01T08:00",
    ]
    assert next_slots("every day at 00:00", 2, zone="Pacific/Apia", after=utc("2011-12-29T10:00")) == [
        "2011-12-31T00:00", "2012-01-01T00:00",
    ]


ZONES = st.sampled_from(sorted(zoneinfo.available_timezones() - {"localtime", "Factory"}))
DAYS = st.dates(date(2020, 1, 1), date(2037, 1, 1))
TIMES = st.sampled_from(["00:00", "00:30", "01:30", "02:00", "02:30", "03:00", "23:30", "23:59", "08:00"])


@settings(max_examples=150, deadline=None)
@given(zone=ZONES, first=DAYS, time=TIMES)
def test_in_every_zone_each_day_of_a_year_has_its_slot_once_in_order_and_never_early(
    zone: str, first: date, time: str,
) -> None:
    clock = ZoneInfo(zone)
    after = datetime.fromisoformat(f"{first}T{time}").replace(tzinfo=clock).astimezone(UTC) - timedelta(seconds=1)
    slots = list(islice(Schedule.parse(f"every day at {time}", zone).slots(after), 366))
    days = [date.fromisoformat(slot.local[:10]) for slot in slots]
    assert days == [days[0] + timedelta(days=number) for number in range(366)]
    assert all(early.instant < late.instant for early, late in pairwise(slots))
    for slot in slots:
        shown = slot.instant.astimezone(clock)
        assert shown.replace(tzinfo=None).isoformat(timespec="minutes") >= slot.local
        assert shown.fold == 0
        if shown.replace(tzinfo=None).isoformat(timespec="minutes") != slot.local:
            just_before = (slot.instant - timedelta(seconds=1)).astimezone(clock)
            assert just_before.replace(tzinfo=None).isoformat(timespec="minutes") < slot.local


@settings(max_examples=80, deadline=None)
@given(zone=ZONES, day=DAYS, seconds=st.integers(0, 86_400), rule=st.sampled_from([
    *EXAMPLES, "every day at 01:30", "*/20 0-3 * * *", "every day at 00:00 and 23:59",
]))
def test_the_latest_slot_is_the_one_before_the_next(zone: str, day: date, seconds: int, rule: str) -> None:
    schedule = Schedule.parse(rule, zone)
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    coming = next(schedule.slots(instant))
    assert coming.instant > instant
    if latest := schedule.latest(instant):
        assert latest.instant <= instant
        assert next(schedule.slots(latest.instant)) == coming
        assert next(schedule.slots(latest.instant - timedelta(seconds=1))) == latest
    assert schedule.latest(coming.instant) == coming


def test_a_schedule_that_has_not_begun_has_no_latest_slot() -> None:
    assert Schedule.parse("every 2 weeks on friday from 2026-11-27 at 09:00", "UTC").latest(NOVEMBER) is None


def test_a_slots_key_is_what_is_written_on_the_wall() -> None:
    slot = next(Schedule.parse("every day at 01:30", "Europe/London").slots(utc("2026-03-28T12:00")))
    assert slot.key == "2026-03-29T01:30[Europe/London]"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", slot.local)


def test_a_zone_that_is_one_passes() -> None:
    check_zone("Europe/London")
