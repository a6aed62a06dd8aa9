"""The schedules of newsletter.toml, and the rules that the store remembers from them."""

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import islice

from newsletter.app import App
from newsletter.config import Settings
from newsletter.errors import ConfigError
from newsletter.model import Slot
from newsletter.schedule.due import Rule, Rules
from newsletter.schedule.slots import Schedule

_KEPT = "rules"
"""The name in the store's memory of a JSON object: by newsletter a list of [rule, zone, since]."""


def schedules(settings: Settings) -> dict[str, Schedule]:
    """Schedules by newsletter, in the file's order, without newsletters that have none. Raises ConfigError."""
    return {
        name: Schedule.parse(each.schedule, each.timezone, place=f"newsletter.toml, [newsletter.{name}]")
        for name, each in settings.newsletters.items() if each.schedule
    }


def coming(app: App, count: int) -> list[tuple[str, Slot]]:
    """The next slots of every scheduled newsletter, `count` for each, in order of time."""
    slots = [(name, slot) for name, schedule in schedules(app.settings).items()
             for slot in islice(schedule.slots(app.now()), count)]
    return sorted(slots, key=lambda each: each[1].instant)


def known(app: App) -> dict[str, Rules]:
    """The rules that the store remembers, by newsletter."""
    memory = app.store.subscribers
    kept = {name: _rules(rows) for name, rows in json.loads(memory.remembered(_KEPT) or "{}").items()}
    for name, schedule in schedules(app.settings).items():
        since = memory.remembered(f"watched since, {name}")  # all that earlier versions remembered
        if since and name not in kept:
            kept[name] = (Rule(schedule, datetime.fromisoformat(since)),)
    return kept


def keep(app: App, rules: Mapping[str, Rules]) -> None:
    """Remembers these rules, in place of those remembered before."""
    rows = {name: [_row(rule) for rule in each] for name, each in rules.items()}
    app.store.subscribers.remember(_KEPT, json.dumps(rows))


def _row(rule: Rule) -> tuple[str, str, str]:
    if rule.schedule is None:
        return "", "", rule.since.isoformat()
    return rule.schedule.text, rule.schedule.zone, rule.since.isoformat()


def _rules(rows: list[tuple[str, str, str]]) -> Rules:
    return tuple(Rule(_schedule(text, zone), datetime.fromisoformat(since)) for text, zone, since in rows)


def _schedule(text: str, zone: str) -> Schedule | None:
    """The rule's schedule; None if it has none, or one that this version cannot read, and so no slots."""
    try:
        return Schedule.parse(text, zone) if text else None
    except ConfigError:
        return None
