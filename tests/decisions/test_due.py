"""What becomes of slots and issues: decided from values, so that half a year of looks takes a moment."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.model import IssueState, Slot
from newsletter.schedule import due
from newsletter.schedule.due import Progress, Rule, Rules, Seen, issue_answer
from newsletter.schedule.slots import Schedule

LATENESS = timedelta(hours=6)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
SLOT = datetime(2026, 11, 30, 8, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def rule(text: str, zone: str = "Europe/London") -> Schedule:
    return Schedule.parse(text, zone)


MONDAY = rule("every monday at 08:00")


@dataclass
class Memory:
    """What outlives a process: as much of the store as decisions need."""

    rules: Rules = ()
    seen: list[Seen] = field(default_factory=list)


@dataclass
class Process:
    """A `newsletter run` that does nothing but decide and remember."""

    memory: Memory = field(default_factory=Memory)
    opened: list[Slot] = field(default_factory=list)
    missed: list[Slot] = field(default_factory=list)
    rules: Rules | None = None

    def look(self, now: datetime, schedule: Schedule | None = MONDAY) -> None:
        self.rules = due.rules(self.memory.rules if self.rules is None else self.rules, schedule, now)
        self.memory.rules = self.rules
        for slot in due.slots_come(self.rules, now):
            answer = due.slot_answer(slot, self.rules, self.memory.seen, now=now, max_lateness=LATENESS)
            if answer == "due":
                self.opened.append(slot)
                self._see(Seen(slot.key, slot.instant))
            elif answer == "missed":
                self.missed.append(slot)
                self._see(Seen(slot.key, slot.instant, missed_at=now))

    def _see(self, slot: Seen) -> None:
        """As the store does: (newsletter, slot) is unique, and only a missed slot makes way."""
        known = [each for each in self.memory.seen if each.instant == slot.instant]
        assert all(each.missed_at for each in known), f"{slot.key} is opened twice"
        self.memory.seen = [*(each for each in self.memory.seen if each not in known), slot]


def locals_of(slots: list[Slot]) -> list[str]:
    return [slot.local for slot in slots]


# --- Slots ---


def eight(day: date) -> datetime:
    """Eight in the morning in London."""
    return datetime(day.year, day.month, day.day, 8, tzinfo=LONDON).astimezone(UTC)


def test_each_weeks_slot_is_opened_once_over_two_clock_changes_with_a_second_run_beside() -> None:
    mondays = [date(2026, 3, 16) + week * WEEK for week in range(34)]
    memory, opened = Memory(), list[Slot]()
    runs = [Process(memory, opened), Process(memory, opened)]
    for number, now in enumerate(looks(eight(mondays[0]) - 3 * DAY, mondays)):
        runs[number % 2].look(now)
        assert len(opened) == sum(eight(monday) <= now for monday in mondays), "no slot is opened before its time"
    assert locals_of(opened) == [f"{monday}T08:00" for monday in mondays]


def looks(begin: datetime, mondays: list[date]) -> Iterator[datetime]:
    """Every five hours, and right before, at and after each slot."""
    near = [eight(monday) + timedelta(seconds=seconds) for monday in mondays for seconds in (-1, 0, 1)]
    regular = [begin + number * 5 * HOUR for number in range(34 * 7 * 24 // 5)]
    yield from sorted([*near, *regular])


def test_a_slot_before_the_first_look_was_never_missed() -> None:
    run = Process()
    run.look(SLOT + HOUR)
    run.look(SLOT + 2 * HOUR)
    assert (run.opened, run.missed) == ([], [])


@pytest.mark.parametrize(("late", "opened", "missed"), [
    (LATENESS, ["2026-11-30T08:00"], []), (LATENESS + timedelta(seconds=1), [], ["2026-11-30T08:00"]),
])
def test_a_slot_is_opened_late_up_to_max_lateness_and_reported_after_that(
    late: timedelta, opened: list[str], missed: list[str],
) -> None:
    run = Process()
    run.look(SLOT - DAY)
    run.look(SLOT + late)
    run.look(SLOT + late)
    assert (locals_of(run.opened), locals_of(run.missed)) == (opened, missed)


def test_a_clock_set_back_over_a_slot_does_not_open_it_again() -> None:
    """P9: a slot is known by its instant, not by whether its time is to come."""
    run = Process()
    for minutes in (-60, 1, -59, 2):
        run.look(SLOT + timedelta(minutes=minutes))
    assert locals_of(run.opened) == ["2026-11-30T08:00"]


def test_a_slot_missed_by_a_clock_that_was_ahead_is_opened_when_it_really_comes() -> None:
    """G6: three days ahead for a moment."""
    run = Process()
    daily = rule("every day at 08:00")
    run.look(SLOT - HOUR, daily)
    run.look(SLOT + 3 * DAY + 7 * HOUR, daily)
    assert len(run.missed) == 4
    run.look(SLOT - HOUR / 2, daily)
    assert run.opened == []
    run.look(SLOT + HOUR, daily)
    run.look(SLOT + HOUR, daily)
    assert locals_of(run.opened) == ["2026-11-30T08:00"]


def test_a_rule_first_seen_by_a_clock_in_2030_holds_as_soon_as_the_clock_is_right() -> None:
    """G6."""
    Process(memory := Memory()).look(datetime(2030, 1, 1, tzinfo=UTC))
    run = Process(memory)
    run.look(SLOT - HOUR)
    run.look(SLOT)
    assert locals_of(run.opened) == ["2026-11-30T08:00"]


WEDNESDAY = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize("restarted", [True, False])
def test_an_edited_schedule_begins_with_its_next_slot(restarted: bool) -> None:
    """B6: Wednesday 10:20, "every monday at 08:00" becomes "every wednesday at 09:00"."""
    run = Process()
    run.look(SLOT - HOUR)
    run.look(SLOT + HOUR)
    if restarted:
        run = Process(run.memory, run.opened)
    for now in (WEDNESDAY + timedelta(hours=10, minutes=20), WEDNESDAY + WEEK, WEDNESDAY + WEEK + 9 * HOUR):
        run.look(now, rule("every wednesday at 09:00"))
    assert locals_of(run.opened) == ["2026-11-30T08:00", "2026-12-09T09:00"]
    assert run.missed == []


def test_a_schedule_moved_to_an_earlier_hour_does_not_go_out_at_once() -> None:
    """G7: at 10:00 the issue of 18:00 is moved to 08:00."""
    run = Process()
    run.look(SLOT, rule("every day at 18:00"))
    run.look(SLOT + 2 * HOUR, rule("every day at 08:00"))
    assert run.opened == []


def test_a_schedule_taken_out_and_put_back_does_not_go_out_at_once() -> None:
    """B6."""
    run = Process()
    run.look(SLOT - DAY)
    run.look(SLOT - HOUR, None)
    run.look(SLOT + HOUR)
    assert (run.opened, run.missed) == ([], [])
    run.look(SLOT + WEEK)
    assert locals_of(run.opened) == ["2026-12-07T08:00"]


@pytest.mark.parametrize("other", ["weekly on monday at 8:00", "every monday and thursday at 08:00", "0 8 * * mon"])
def test_a_slot_that_the_old_rule_and_the_new_one_have_is_not_lost(other: str) -> None:
    """B6: nothing goes out at once, and nothing stays behind either."""
    run = Process()
    run.look(SLOT - DAY)
    Process(run.memory, run.opened).look(SLOT + HOUR, rule(other))
    assert locals_of(run.opened) == ["2026-11-30T08:00"]


def test_a_zone_under_another_name_has_the_same_slots() -> None:
    """G7: Europe/Kiev is Europe/Kyiv."""
    run = Process()
    at_eight = "every monday at 08:00"
    run.look(SLOT - DAY, rule(at_eight, "Europe/Kiev"))
    run.look(SLOT - HOUR, rule(at_eight, "Europe/Kiev"))
    run.look(SLOT, rule(at_eight, "Europe/Kyiv"))
    assert [slot.key for slot in run.opened] == ["2026-11-30T08:00[Europe/Kiev]"]
    run.look(SLOT + WEEK, rule(at_eight, "Europe/Kyiv"))
    assert [slot.key for slot in run.opened] == ["2026-11-30T08:00[Europe/Kiev]", "2026-12-07T08:00[Europe/Kyiv]"]


def test_a_slot_whose_issue_was_cancelled_is_left_to_a_person() -> None:
    run = Process(Memory(seen=[Seen("2026-11-30T08:00[Europe/London] (cancelled 3)", SLOT)]))
    run.look(SLOT - DAY)
    run.look(SLOT)
    assert run.opened == []


def test_a_slot_keeps_its_name_when_its_zone_is_corrected() -> None:
    """The zone's offset was changed by law after the issue went out."""
    run = Process(Memory(seen=[Seen("2026-11-30T08:00[Europe/London]", SLOT - HOUR)]))
    run.look(SLOT - DAY)
    run.look(SLOT)
    assert run.opened == []


def test_rules_too_old_to_matter_are_forgotten() -> None:
    rules: Rules = ()
    for day in range(0, 700, 7):
        rules = due.rules(rules, rule(f"every day at {day % 24:02}:00"), SLOT + day * DAY)
    assert len(rules) <= due.LOOK_BACK.days // 7 + 2


RULES = st.sampled_from([
    MONDAY, rule("every wednesday at 09:00"), rule("every day at 01:30"), rule("every day at 08:00"),
    rule("every day at 08:00", "Europe/Dublin"), rule("every day at 08:00 and 18:00"), None,
])
MINUTES = st.integers(1, 600) | st.integers(-600, 600) | st.integers(-6000, 20_000)


@settings(max_examples=300, deadline=None)
@given(begin=st.integers(0, 365 * 24 * 60).map(lambda minutes: SLOT + timedelta(minutes=minutes)), history=st.lists(
    st.tuples(MINUTES, st.none() | RULES.map(lambda each: (each,)), st.booleans()), max_size=12))
def test_no_history_of_clocks_restarts_and_edits_opens_a_slot_twice_or_before_its_rule_was_seen(
    begin: datetime, history: list[tuple[int, tuple[Schedule | None] | None, bool]],
) -> None:
    """B6, G6, G7: a slot is opened only if it lay ahead at an earlier look, by the rule of that time."""
    now, run = begin, Process()
    schedule: Schedule | None = MONDAY
    looked: list[tuple[datetime, Schedule]] = []
    for minutes, edited, restarted in history:
        run = Process(run.memory) if restarted else Process(run.memory, rules=run.rules)
        run.look(now, schedule)
        for slot in run.opened:
            assert slot.instant <= now
            assert any(before < slot.instant and known.has(slot.instant) for before, known in looked)
        looked += [(now, schedule)] if schedule is not None else []
        now += timedelta(minutes=minutes)
        schedule = edited[0] if edited else schedule


# --- Issues ---


def progress(state: IssueState = "sending", *, claimed: int = 0, next_due: timedelta | None = None,
             changed: timedelta | None = None) -> Progress:
    """An issue of SLOT; times are counted from it."""
    return Progress(SLOT, state, claimed, None if next_due is None else SLOT + next_due,
                    None if changed is None else SLOT + changed)


AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC) - SLOT


@pytest.mark.parametrize(("issue", "late", "answer"), [
    (progress("frozen"), -HOUR, "ahead"),
    (progress("frozen", next_due=AT_ONCE), 0 * HOUR, "due"),
    (progress("frozen", next_due=AT_ONCE), 6 * HOUR, "due"),
    (progress("frozen", next_due=AT_ONCE), 7 * HOUR, "late"),
    (progress("sending", next_due=AT_ONCE), 5 * HOUR, "due"),
    (progress("sending", next_due=AT_ONCE, changed=2 * HOUR), 7 * HOUR, "due"),
    (progress("sending", next_due=AT_ONCE, changed=0 * HOUR), 7 * HOUR, "late"),
    (progress("sending", next_due=AT_ONCE), 7 * HOUR, "late"),
    (progress("sending", next_due=50 * HOUR, changed=30 * HOUR), 49 * HOUR, "later"),
    (progress("sending", next_due=50 * HOUR, changed=30 * HOUR), 50 * HOUR, "due"),
    (progress("sending", next_due=50 * HOUR, changed=30 * HOUR), 57 * HOUR, "late"),
    (progress("sending", next_due=2 * HOUR, changed=HOUR), HOUR, "later"),
    (progress("sending", next_due=2 * HOUR, changed=HOUR, claimed=1), HOUR, "due"),
    (progress("sending", changed=HOUR), HOUR, "due"),
    (progress("paused", next_due=AT_ONCE), 7 * HOUR, "paused"),
    (progress("finished"), 7 * HOUR, "over"),
    (progress("cancelled"), HOUR, "over"),
    (progress("missed"), 7 * HOUR, "over"),
])
def test_an_issue_is_sent_in_time_or_left_to_a_person(issue: Progress, late: timedelta, answer: str) -> None:
    """B4: a frozen issue that is too late is "late", not forgotten. P15: so is a send that stood still for long.

    A claim without a living sender, and a send whose every delivery is answered, are still to be brought to an end.
    """
    assert issue_answer(issue, now=SLOT + late, max_lateness=LATENESS) == answer


TIMES = st.none() | st.integers(-600, 6000).map(lambda minutes: timedelta(minutes=minutes)) | st.just(AT_ONCE)


@given(state=st.sampled_from(["frozen", "sending"]), claimed=st.integers(0, 2), next_due=TIMES, changed=TIMES,
       minutes=st.integers(0, 6000))
def test_an_issue_whose_slot_has_come_is_never_dropped_without_a_word(
    state: IssueState, claimed: int, next_due: timedelta | None, changed: timedelta | None, minutes: int,
) -> None:
    """B4."""
    issue = progress(state, claimed=claimed, next_due=next_due, changed=changed)
    now = SLOT + timedelta(minutes=minutes)
    answer = issue_answer(issue, now=now, max_lateness=LATENESS)
    assert answer in ("due", "later", "late")
    if answer == "later":
        assert issue.next_due is not None
        assert issue.next_due > now


def test_the_rules_of_a_newsletter_that_never_had_one_are_none() -> None:
    assert due.rules((), None, SLOT) == ()
    assert due.slots_come((), SLOT) == []
    assert due.slots_come((Rule(None, SLOT - DAY),), SLOT) == []
