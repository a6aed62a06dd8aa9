"""One reading of the preference file into the store: what is new, what changed, who vanished."""

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
    """What a sync did: how many people of each kind, and what was wrong in the file."""

    new: int
    changed: int
    unchanged: int
    removed: int
    problems: tuple[Problem, ...]
    """The first thousand."""
    problem_count: int
    """All of them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sync needs to know beside the rows."""

    newsletters: Sequence[Newsletter]
    """Those of newsletter.toml."""
    handle: Callable[[str], str]
    """Stands for an address, by its key."""
    place: str
    """The file's name, for problems."""
    now: datetime


class Syncing:
    """The state of one sync inside its transaction.

    Memory: one byte for each person known before, one batch of rows, and the problems kept.
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
        people = self._people(rows)
        while batch := list(islice(people, _BATCH)):
            self._keep(self._without_repeats(batch))
        removed = self._remove_vanished(allow_removals)
        return Synced(self._new, self._changed, self._unchanged, removed, tuple(self._problems), self._problem_count)

    def _people(self, rows: Iterable[Subscriber | Problem]) -> Iterator[Subscriber]:
        for row in rows:
            if isinstance(row, Problem):
                self._report(row)
            else:
                yield row

    def _without_repeats(self, batch: list[Subscriber]) -> dict[str, Subscriber]:
        people: dict[str, Subscriber] = {}
        for person in batch:
            first = people.setdefault(person.key, person)
            if first is not person:
                self._report_repeat(person, first.line)
        return people

    def _keep(self, people: Mapping[str, Subscriber]) -> None:
        writes = _Writes(self._now)
        known = self._known(people)
        new = {key: self._reading.handle(key) for key in people if key not in known}
        erased = self._erased(new.values())
        subscribed: list[tuple[int, Subscriber, datetime]] = []
        for key, person in people.items():
            old = known.get(key)
            if old is None and new[key] in erased:
                self._report_erased(person)
                del new[key]
            elif old is None:
                writes.add(subscriber_row(person) | {"handle": new[key]})
            elif old.id > self._last_id or self._seen[old.id]:
                self._report_repeat(person, old.line)
            elif self._compared(person, old, writes) or self._subscribing.is_new:
                subscribed.append((old.id, person, old.added_at))
        self._new += len(writes.new)
        self._changed += len(writes.changed)
        writes.run(self._connection)
        self._subscribing.change(subscribed)
        self._subscribing.begin(self._numbered(new, people))

    def _compared(self, person: Subscriber, old: Any, writes: "_Writes") -> bool:
        """Whether the row of somebody known has changed; then its new values are among the writes."""
        self._seen[old.id] = 1
        self._unseen -= old.present
        has_changed = writes.compare(old, subscriber_row(self._still_silent(person, old)))
        self._unchanged += not has_changed
        return has_changed

    def _known(self, people: Mapping[str, Subscriber]) -> dict[str, Any]:
        columns = (table.c[name] for name in (
            *_COMPARED, "id", "key", "line", "present", "silenced", "silenced_at", "added_at"))
        query = select(*columns).where(table.c.key.in_(list(people)))
        return {row.key: row for row in self._connection.execute(query)}

    def _numbered(
        self, new: Iterable[str], people: Mapping[str, Subscriber],
    ) -> Iterator[tuple[int, Subscriber]]:
        """New people with the numbers that they have got."""
        query = select(table.c.id, table.c.key).where(table.c.key.in_(list(new)))
        return ((number, people[key]) for number, key in self._connection.execute(query))

    def _erased(self, handles: Iterable[str]) -> frozenset[str]:
        """Those of the handles whose person was erased: the handle is all that is kept of them."""
        if not self._has_erased:
            return frozenset()
        query = select(table.c.handle).where(table.c.handle.in_(list(handles)), table.c.email == "")
        return frozenset(self._connection.scalars(query))

    def _still_silent(self, person: Subscriber, old: Any) -> Subscriber:
        if old.silenced is None:
            return person
        if person.status == "active":
            self._report(Problem(
                f"{self._place}:{person.line}",
                f"{person.email} is active here, but {old.silenced} since {old.silenced_at:%Y-%m-%d}; stays silent",
                f"Write {old.silenced} into the status of this row."))
        return replace(person, status=old.silenced)

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
            f"{count} of {self._active} active subscribers would vanish ({some}), beside {self._new} new and "
            f"{self._changed} changed ones; the store was left as it was",
            place=self._place, cure=f"Put their rows back; or if they are meant to go: --allow-removals {count}")

    def _report_erased(self, person: Subscriber) -> None:
        self._report(Problem(f"{self._place}:{person.line}", f"{person.email} was erased and stays out",
                             "Delete the row."))

    def _report_repeat(self, person: Subscriber, first_line: int) -> None:
        self._report(Problem(f"{self._place}:{person.line}", f"{person.email} is in line {first_line} already",
                             "Delete one of the two rows; the first one counts."))

    def _report(self, problem: Problem) -> None:
        self._problem_count += 1
        if len(self._problems) < _PROBLEMS_KEPT:
            self._problems.append(problem)


def _give_handles(connection: Connection, handle: Callable[[str], str]) -> None:
    """A store of an older version has subscribers without a handle."""
    lacking = select(table.c.id, table.c.key).where(table.c.handle.is_(None), table.c.email != "").limit(_BATCH)
    while rows := connection.execute(lacking).all():
        connection.execute(_GIVE_HANDLE, [{"which": number, "new_handle": handle(key)} for number, key in rows])


class _Writes:
    """What one batch changes, written in three statements."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.new: list[dict[str, Any]] = []
        self.changed: list[dict[str, Any]] = []
        self._moved: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self.new.append(row | {"added_at": self._now, "changed_at": self._now})

    def compare(self, old: Any, row: dict[str, Any]) -> bool:
        """Whether the person changed; a row that only moved to another line of the file did not."""
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
