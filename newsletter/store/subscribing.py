"""Subscriptions, as the preference file defines them: a row for each subscriber and newsletter, written if it changes.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from newsletter.model import Newsletter, Subscriber, Subscription, subscriptions
from newsletter.store.records import interests_text
from newsletter.store.tables import EPOCH, memory
from newsletter.store.tables import newsletter as newsletter_table
from newsletter.store.tables import subscriber as subscriber_table
from newsletter.store.tables import subscription as table


class Subscribing:
    """The subscriptions of one sync: those of subscribers whose row is new or has changed."""

    def __init__(self, connection: Connection, newsletters: Sequence[Newsletter], now: datetime) -> None:
        self._connection, self._now = connection, now
        seen = _seen(connection, newsletters, now)
        self._newsletters = [(each, seen[each.name]) for each in newsletters]
        self.is_new = _remember(connection, newsletters)
        """Whether the newsletters differ from those of the last sync, so that every row has to be examined."""

    def begin(self, numbered: Iterable[tuple[int, Subscriber]]) -> None:
        """Writes the subscriptions of new subscribers, each given with the store's number."""
        self._run(insert(table), [_row(number, each) for number, subscriber in numbered
                                  for each in subscriptions(subscriber, self._newsletters, first_read=self._now)])

    def change(self, numbered: Sequence[tuple[int, Subscriber, datetime]]) -> None:
        """Updates the subscriptions of known subscribers, each given with the store's number and the time at which the
        row was first read."""
        wanted = {(each.newsletter, number): each for number, subscriber, first_read in numbered
                  for each in subscriptions(subscriber, self._newsletters, first_read=first_read)}
        if not numbered:
            return
        known = self._known([number for number, _, _ in numbered])
        self._run(insert(table), [_row(number, each) for (name, number), each in wanted.items()
                                  if (name, number) not in known])
        self._run(_CHANGE, [_change(number, each) for (name, number), each in wanted.items()
                            if known.get((name, number), _values(each)) != _values(each)])
        self._run(_END, [{"of_newsletter": name, "of_subscriber": number}
                         for name, number in known.keys() - wanted.keys()])

    def _known(self, numbers: Sequence[int]) -> dict[tuple[str, int], tuple[str, str]]:
        names = [each.name for each, _ in self._newsletters]
        query = (select(table.c.newsletter, table.c.subscriber, table.c.status, table.c.interests)
                 .where(table.c.newsletter.in_(names), table.c.subscriber.in_(numbers)))
        return {(name, number): (status, interests)
                for name, number, status, interests in self._connection.execute(query)}

    def _run(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, rows)


def _seen(connection: Connection, newsletters: Sequence[Newsletter], now: datetime) -> dict[str, datetime]:
    """When each newsletter was first seen; now for new ones.

    If a store has subscribers but no newsletters yet, an older version wrote it, which kept no such record. Its first
    newsletters count as older than all its subscribers.
    """
    seen: dict[str, datetime] = dict(connection.execute(
        select(newsletter_table.c.name, newsletter_table.c.seen_at)).all())
    is_first = not seen and connection.scalar(select(subscriber_table.c.id).limit(1)) is not None
    new = {each.name: EPOCH if is_first else now for each in newsletters if each.name not in seen}
    if new:
        connection.execute(insert(newsletter_table), [{"name": name, "seen_at": at} for name, at in new.items()])
    return {**seen, **new}


_NEWSLETTERS = "newsletters"


def _remember(connection: Connection, newsletters: Sequence[Newsletter]) -> bool:
    """Records the newsletters. Returns whether they differ from those of the last sync."""
    text = json.dumps(sorted([each.name, each.everybody] for each in newsletters))
    if connection.scalar(select(memory.c.value).where(memory.c.name == _NEWSLETTERS)) == text:
        return False
    connection.execute(delete(memory).where(memory.c.name == _NEWSLETTERS))
    connection.execute(insert(memory).values(name=_NEWSLETTERS, value=text))
    return True


def _row(number: int, wanted: Subscription) -> dict[str, Any]:
    return {"newsletter": wanted.newsletter, "subscriber": number, "status": wanted.status,
            "interests": interests_text(wanted.interests), "since": wanted.since}


def _values(wanted: Subscription) -> tuple[str, str]:
    return wanted.status, interests_text(wanted.interests)


def _change(number: int, wanted: Subscription) -> dict[str, Any]:
    status, interests = _values(wanted)
    return {"of_newsletter": wanted.newsletter, "of_subscriber": number, "new_status": status,
            "new_interests": interests}


_ITS_ROW = (table.c.newsletter == bindparam("of_newsletter")) & (table.c.subscriber == bindparam("of_subscriber"))
_CHANGE = update(table).where(_ITS_ROW).values(status=bindparam("new_status"), interests=bindparam("new_interests"))
_END = delete(table).where(_ITS_ROW)
