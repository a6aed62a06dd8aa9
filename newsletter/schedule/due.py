"""Answers about a slot or an issue at a given time. `newsletter run` asks at each look, and acts on the answer.

A person decides about everything that is late: old news must not be mailed because a machine was away, because another
send took long, or because a store is a copy from some time ago.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal

from newsletter.model import IssueState, Slot
from newsletter.schedule.slots import Schedule

LOOK_BACK = timedelta(days=92)
"""A slot longer ago than this is not even reported as missed."""

SlotAnswer = Literal["ahead", "before us", "taken", "due", "missed"]
"""ahead: it has not come. before us: it came before its rule was first seen. taken: it has an issue, or had one that a
person cancelled. due: an issue is to be frozen for it. missed: it came too long ago, and is to be reported."""

IssueAnswer = Literal["ahead", "due", "later", "late", "paused", "over"]
"""ahead: its slot has not come. due: there is mail to send. later: all that is left is tried again at a later time.
late: nothing of it goes out until a person decides. paused: by a person, or by a send that was refused. over: nothing
more of it will be sent."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A newsletter's schedule in newsletter.toml, and since when it holds."""

    schedule: Schedule | None
    """None if the newsletter does not go out by the clock."""
    since: datetime
    """When this was first seen."""


Rules = tuple[Rule, ...]
"""A newsletter's rules in the order in which they held; the last one holds now."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A slot for which the store has an issue, or had one."""

    key: str
    """`Slot.key`, or one that begins with it."""
    instant: datetime
    missed_at: datetime | None = None
    """When it was reported as missed; None if it was not."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an issue."""

    slot: datetime
    state: IssueState
    claimed: int
    """The number of deliveries that a sender has claimed, whether its process still runs or not."""
    next_due: datetime | None
    """When the next queued delivery may be claimed; None if nothing is queued."""
    changed: datetime | None
    """When a delivery last changed its state; None if none ever did."""


def rules(known: Rules, schedule: Schedule | None, now: datetime) -> Rules:
    """The rules with the present one as the last: it is added if it is new, and those too old to matter are dropped.

    A rule with a time in the future counts from now on: the clock was wrong then, or is now.
    """
    believed = tuple(replace(rule, since=min(rule.since, now)) for rule in known)
    last = believed[-1].schedule if believed else None
    if last == schedule:
        return believed
    ends = [rule.since for rule in believed[1:]]
    recent = tuple(rule for rule, end in zip(believed, [*ends, now], strict=False) if end >= now - LOOK_BACK)
    return (*recent, Rule(schedule, now))


def slots_come(rules: Rules, now: datetime) -> list[Slot]:
    """The slots of the present rule that have come within `LOOK_BACK`, in order."""
    if not rules or rules[-1].schedule is None:
        return []
    return list(takewhile(lambda slot: slot.instant <= now, rules[-1].schedule.slots(now - LOOK_BACK)))


def slot_answer(
    slot: Slot, rules: Rules, seen: Collection[Seen], *, now: datetime, max_lateness: timedelta,
) -> SlotAnswer:
    """The answer for a slot of the present rule."""
    if slot.instant > now:
        return "ahead"
    if any(_is(each, slot) and (each.missed_at is None or each.missed_at <= now) for each in seen):
        return "taken"
    if not _is_ours(slot.instant, rules):
        return "before us"
    return "due" if now - slot.instant <= max_lateness else "missed"


def issue_answer(issue: Progress, *, now: datetime, max_lateness: timedelta) -> IssueAnswer:
    """The answer for an issue that exists."""
    if issue.state not in ("frozen", "sending", "paused"):
        return "over"
    if issue.state == "paused":
        return "paused"
    if issue.slot > now:
        return "ahead"
    if issue.slot < now - max_lateness and not _is_alive(issue, now - max_lateness):
        return "late"
    waits = issue.next_due is not None and issue.next_due > now and not issue.claimed
    return "later" if waits and issue.state == "sending" else "due"


def _is(seen: Seen, slot: Slot) -> bool:
    """Whether both are one slot, by key or by instant: a zone may be renamed, and its offset may be corrected."""
    return seen.instant == slot.instant or seen.key.partition(" ")[0] == slot.key


def _is_ours(instant: datetime, rules: Rules) -> bool:
    """Whether every rule that has held since then has this slot, so that a new rule begins with its next slot, and
    keeps the slots that it shares with the rule before."""
    if instant <= rules[0].since:
        return False
    ends: Sequence[datetime | None] = [*(rule.since for rule in rules[1:]), None]
    return all(
        rule.schedule is not None and rule.schedule.has(instant)
        for rule, end in zip(rules, ends, strict=True) if end is None or instant <= end
    )


def _is_alive(issue: Progress, earliest: datetime) -> bool:
    """Whether a send is still going on: a delivery changed since `earliest`, or is to be tried again."""
    return issue.state == "sending" and any(
        moment is not None and moment >= earliest for moment in (issue.next_due, issue.changed))
