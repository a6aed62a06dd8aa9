"""One sync of the preference file into the store: subscribers who are new, have changed, or are no longer in the file.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from newsletter.errors import DataError
from newsletter.model import Newsletter, Problem, Subscriber
from newsletter.store.engine import streamed
from newsletter.store.records import subscriber_row
from newsletter.store.subscribing import Subscribing
from newsletter.store.tables import subscriber as table

_BATCH = 2000
_PROBLEMS_KEPT = 1000
_COMPARED = ("email", "name", "interests", "timezone", "status", "note", "extra", "newsletters", "paused_until")
_WRITTEN = (*_COMPARED, "line")


@dataclass(frozen=True, slots=True)
class Synced:
    """The result of a sync: how many subscribers of each kind there were, and the problems in the file."""

    new: int
    changed: int
    unchanged: int
    removed: int
    problems: tuple[Problem, ...]
    """The first thousand problems."""
    problem_count: int
    """How many problems there were in all."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The newsletters, handles, file name and time that a sync combines with the rows of the preference file."""

    newsletters: Sequence[Newsletter]
    """The newsletters of newsletter.toml."""
    handle: Callable[[str], str]
    """Gives the handle of an address, by the address's key."""
    place: str
    """The file's name, for problems."""
    now: datetime


class Syncing:
    """The state of one sync inside its transaction.

    It holds in memory one byte for each subscriber known before, one batch of rows, and the first problems.
    """

    def __init__(self, connection: Connection, reading: Reading) -> None:
        self._connection, self._reading = connection, reading
        self._place, self._now = reading.place, reading.now
        before = connection.execute(select(
            func.coalesce(func.max(table.c.id), 0),
            func.count().filter(table.c.present),
            func.count().filter(table.c.present, table.c.status == "active"),
            func.count().filter(table.c.email == ""))).one()
        self._last_id, self._unseen, self._active, self._has_erased = before
        self._seen = bytearray(self._last_id + 1)
        self._new = self._changed = self._unchanged = 0
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._subscribing = Subscribing(connection, reading.newsletters, reading.now)

    def sync(self, rows: Iterable[Subscriber | Problem], allow_removals: int | None) -> Synced:
        _give_handles(self._connection, self._reading.handle)
        subscribers = self._subscribers(rows)
        while batch := list(islice(subscribers, _BATCH)):
            self._keep(self._without_repeats(batch))
        removed = self._remove_vanished(allow_removals)
        return Synced(self._new, self._changed, self._unchanged, removed, tuple(self._problems), self._problem_count)

    def _subscribers(self, rows: Iterable[Subscriber | Problem]) -> Iterator[Subscriber]:
        for row in rows:
            if isinstance(row, Problem):
                self._report(row)
            else:
                yield row

    def _without_repeats(self, batch: list[Subscriber]) -> dict[str, Subscriber]:
        subscribers: dict[str, Subscriber] = {}
        for subscriber in batch:
            first = subscribers.setdefault(subscriber.key, subscriber)
            if first is not subscriber:
                self._report_repeat(subscriber, first.line)
        return subscribers

    def _keep(self, subscribers: Mapping[str, Subscriber]) -> None:
        writes = _Writes(self._now)
        known = self._known(subscribers)
        new = {key: self._reading.handle(key) for key in subscribers if key not in known}
        erased = self._erased(new.values())
        subscribed: list[tuple[int, Subscriber, datetime]] = []
        for key, subscriber in subscribers.items():
            old = known.get(key)
            if old is None and new[key] in erased:
                self._report_erased(subscriber)
                del new[key]
            elif old is None:
                writes.add(subscriber_row(subscriber) | {"handle": new[key]})
            elif old.id > self._last_id or self._seen[old.id]:
                self._report_repeat(subscriber, old.line)
            elif self._compared(subscriber, old, writes) or self._subscribing.is_new:
                subscribed.append((old.id, subscriber, old.added_at))
        self._new += len(writes.new)
        self._changed += len(writes.changed)
        writes.run(self._connection)
        self._subscribing.change(subscribed)
        self._subscribing.begin(self._numbered(new, subscribers))

    def _compared(self, subscriber: Subscriber, old: Any, writes: "_Writes") -> bool:
        """Whether a known subscriber's row has changed; if so, its new values are added to the writes."""
        self._seen[old.id] = 1
        self._unseen -= old.present
        has_changed = writes.compare(old, subscriber_row(self._still_silent(subscriber, old)))
        self._unchanged += not has_changed
        return has_changed

    def _known(self, subscribers: Mapping[str, Subscriber]) -> dict[str, Any]:
        columns = (table.c[name] for name in (
            *_COMPARED, "id", "key", "line", "present", "silenced", "silenced_at", "added_at"))
        query = select(*columns).where(table.c.key.in_(list(subscribers)))
        return {row.key: row for row in self._connection.execute(query)}

    def _numbered(
        self, new: Iterable[str], subscribers: Mapping[str, Subscriber],
    ) -> Iterator[tuple[int, Subscriber]]:
        """New subscribers with the numbers that the store has given them."""
        query = select(table.c.id, table.c.key).where(table.c.key.in_(list(new)))
        return ((number, subscribers[key]) for number, key in self._connection.execute(query))

    def _erased(self, handles: Iterable[str]) -> frozenset[str]:
        """The handles among these whose subscriber was erased: of them, only the handle is kept."""
        if not self._has_erased:
            return frozenset()
        query = select(table.c.handle).where(table.c.handle.in_(list(handles)), table.c.email == "")
        return frozenset(self._connection.scalars(query))

    def _still_silent(self, subscriber: Subscriber, old: Any) -> Subscriber:
        if old.silenced is None:
            return subscriber
        if subscriber.status == "active":
            self._report(Problem(
                f"{self._place}:{subscriber.line}",
                f"{subscriber.email} is active here, but {old.silenced} since {old.silenced_at:%Y-%m-%d}; gets no mail",
                f"Write {old.silenced} into the status of this row."))
        return replace(subscriber, status=old.silenced)

    def _remove_vanished(self, allow_removals: int | None) -> int:
        if not self._unseen:
            return 0
        query = select(table.c.id, table.c.status).where(table.c.present, table.c.id <= self._last_id)
        vanished, active = array("q"), array("q")
        for number, status in streamed(self._connection, query):
            if not self._seen[number]:
                vanished.append(number)
                if status == "active":
                    active.append(number)
        self._refuse_too_many(active, allow_removals)
        for start in range(0, len(vanished), _BATCH):
            self._connection.execute(_REMOVE, [
                {"which": number, "now": self._now} for number in vanished[start:start + _BATCH]])
        return len(vanished)

    def _refuse_too_many(self, vanishing: "array[int]", allow_removals: int | None) -> None:
        count = len(vanishing)
        empty = not (self._new or self._changed or self._unchanged)
        usual = 0 if empty else max(20, self._active // 10)
        if count <= max(usual, allow_removals or 0):
            return
        first = select(table.c.key).where(table.c.id.in_(list(vanishing[:3]))).order_by(table.c.id)
        some = ", ".join(self._connection.scalars(first)) + (", ..." if count > 3 else "")
        raise DataError(
            f"{count} of {self._active} active subscribers would be removed ({some}), next to {self._new} new and "
            f"{self._changed} changed ones; nothing was changed in the store",
            place=self._place, cure=f"Put their rows back; or, to remove them: --allow-removals {count}")

    def _report_erased(self, subscriber: Subscriber) -> None:
        self._report(Problem(
            f"{self._place}:{subscriber.line}", f"{subscriber.email} was erased and is not added again",
            "Delete the row."))

    def _report_repeat(self, subscriber: Subscriber, first_line: int) -> None:
        self._report(Problem(f"{self._place}:{subscriber.line}", f"{subscriber.email} is already in line {first_line}",
                             "Delete one of the two rows; the first one counts."))

    def _report(self, problem: Problem) -> None:
        self._problem_count += 1
        if len(self._problems) < _PROBLEMS_KEPT:
            self._problems.append(problem)


def _give_handles(connection: Connection, handle: Callable[[str], str]) -> None:
    """Gives handles to subscribers without one, which an older version left."""
    lacking = select(table.c.id, table.c.key).where(table.c.handle.is_(None), table.c.email != "").limit(_BATCH)
    while rows := connection.execute(lacking).all():
        connection.execute(_GIVE_HANDLE, [{"which": number, "new_handle": handle(key)} for number, key in rows])


class _Writes:
    """The changes of one batch, written in three statements."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.new: list[dict[str, Any]] = []
        self.changed: list[dict[str, Any]] = []
        self._moved: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self.new.append(row | {"added_at": self._now, "changed_at": self._now})

    def compare(self, old: Any, row: dict[str, Any]) -> bool:
        """Whether the subscriber has changed; a row that only moved to another line of the file has not."""
        if not old.present or any(row[name] != getattr(old, name) for name in _COMPARED):
            self.changed.append({f"new_{name}": row[name] for name in _WRITTEN} | {"which": old.id, "now": self._now})
            return True
        if row["line"] != old.line:
            self._moved.append({"which": old.id, "new_line": row["line"]})
        return False

    def run(self, connection: Connection) -> None:
        for statement, rows in ((insert(table), self.new), (_CHANGE, self.changed), (_MOVE, self._moved)):
            if rows:
                connection.execute(statement, rows)


_BY_ID = update(table).where(table.c.id == bindparam("which"))
_CHANGE = _BY_ID.values(present=True, changed_at=bindparam("now"), **{
    name: bindparam(f"new_{name}") for name in _WRITTEN})
_MOVE = _BY_ID.values(line=bindparam("new_line"))
_GIVE_HANDLE = _BY_ID.values(handle=bindparam("new_handle"))
_REMOVE = _BY_ID.values(present=False, line=0, changed_at=bindparam("now"),
                        status=case((table.c.silenced.is_(None), "removed"), else_=table.c.silenced))
