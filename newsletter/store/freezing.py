"""Freezing an issue: its audience streams past, and editions, deliveries and skips are written beside it.

Everything happens in one transaction on one connection. What is read and what is written are different rows, so the
open reading is not disturbed; and nobody else writes meanwhile.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Select, Table, Text, bindparam, cast, func, insert, null, or_, select, update

from newsletter.model import BlockSet, Edition, Manifest, digest
from newsletter.store.engine import streamed
from newsletter.store.records import blocks_text, edition_of, edition_text
from newsletter.store.tables import block, delivery, issue, skip, subscriber
from newsletter.store.tables import edition as edition_table

_BATCH = 5000


class Reader(NamedTuple):
    """A subscriber as preparing sees one: readers whose two texts are equal get the same edition."""

    subscriber_id: int
    interests: str
    """As `Interests.to_json` writes them."""
    past: str
    """The numbers of the editions this reader got from earlier issues, in order: "3,17"; behind a bar those
    of skips that count as had: "3,17|9"; empty if none."""


class Freezing:
    """An issue that is being frozen; made by `Issues.freezing`, which also ends it."""

    def __init__(self, connection: Connection, manifest: Manifest, number: int) -> None:
        self._connection, self._manifest, self._number = connection, manifest, number
        self._deliveries: list[dict[str, Any]] = []
        self._skips: list[dict[str, Any]] = []
        self._readers: Counter[int] = Counter()

    def keep_blocks(self, blocks: Sequence[BlockSet]) -> None:
        """Keeps the compiled blocks, one set for each language."""
        self._write(block, [
            {"issue": self._number, "language": each.language, "content": blocks_text(each)} for each in blocks])

    def audience(self, *, since: datetime) -> Iterator[Reader]:
        """Every active subscriber, in the order in which we first saw them, with what they got since then.

        "Got" is a delivery of an issue of this newsletter whose slot is not before `since`, unless it was refused or
        withdrawn: one that waits will be sent. So is a skip that counts as passed. Cancelled issues do not count.
        """
        query = (select(subscriber.c.id, subscriber.c.interests, *self._past(since))
                 .where(subscriber.c.status == "active").order_by(subscriber.c.id))
        for number, interests, sent, passed in streamed(self._connection, query):
            yield Reader(number, interests, _in_order(sent, passed))

    def edition_stories(self, number: int) -> frozenset[str]:
        """Ids of the stories in an edition of an earlier issue."""
        query = select(edition_table.c.content).where(edition_table.c.number == number)
        return frozenset(edition_of(self._connection.execute(query).scalar_one()).stories)

    def edition_slot(self, number: int) -> datetime:
        """When the issue of that edition was to go out."""
        query = select(issue.c.slot_at).join(edition_table).where(edition_table.c.number == number)
        slot: datetime = self._connection.execute(query).scalar_one()
        return slot

    def edition(self, edition: Edition) -> int:
        """The edition's number; equal editions of this issue have one number."""
        name = _name(edition)
        query = select(edition_table.c.number).where(
            edition_table.c.issue == self._number, edition_table.c.digest == name)
        number: int | None = self._connection.scalar(query)
        if number is None:
            row = insert(edition_table).values(issue=self._number, digest=name, content=edition_text(edition))
            number = int(self._connection.execute(row.returning(edition_table.c.number)).scalar_one())
        return number

    def edition_count(self) -> int:
        """How many distinct editions the issue has so far."""
        query = select(func.count()).select_from(edition_table).where(edition_table.c.issue == self._number)
        return int(self._connection.execute(query).scalar_one())

    def deliver(self, subscriber_id: int, edition_number: int) -> None:
        """Puts one delivery into the outbox."""
        self._readers[edition_number] += 1
        self._deliveries.append({"issue": self._number, "subscriber": subscriber_id, "edition": edition_number})
        if len(self._deliveries) >= _BATCH:
            self._write(delivery, self._deliveries)

    def skip(self, subscriber_id: int, edition_number: int | None, reason: str, passed: bool) -> None:
        """Leaves a subscriber out of this issue, and says why.

        `passed`: the edition's stories count as had all the same.
        """
        self._skips.append({"issue": self._number, "subscriber": subscriber_id, "edition": edition_number,
                            "reason": reason, "passed": passed})
        if len(self._skips) >= _BATCH:
            self._write(skip, self._skips)

    def end(self) -> None:
        """Writes what is still in memory, and how many readers the issue and each edition have."""
        self._write(delivery, self._deliveries)
        self._write(skip, self._skips)
        if self._readers:
            self._connection.execute(_SET_AUDIENCE, [
                {"which": number, "readers": readers} for number, readers in self._readers.items()])
        self._connection.execute(update(issue).where(issue.c.number == self._number)
                                 .values(audience=self._readers.total()))

    def _write(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), rows)
            rows.clear()

    def _past(self, since: datetime) -> Sequence[Any]:
        """Two columns of edition numbers, sent and passed. Looked up by (issue, subscriber), so that the cost for a
        reader grows with the issues since then and not with the rows."""
        earlier = list(self._connection.scalars(select(issue.c.number).where(
            issue.c.newsletter == self._manifest.newsletter.name,
            or_(issue.c.slot_at >= since, issue.c.prepared_at >= since), issue.c.number != self._number)))
        if not earlier:
            return null().label("sent"), null().label("passed")
        sent = _numbers(delivery.c.edition).where(
            delivery.c.subscriber == subscriber.c.id, delivery.c.issue.in_(earlier),
            delivery.c.state.not_in(("refused", "withdrawn")))
        passed = _numbers(skip.c.edition).where(
            skip.c.subscriber == subscriber.c.id, skip.c.passed, skip.c.issue.in_(
                select(issue.c.number).where(issue.c.number.in_(earlier), issue.c.state != "cancelled")))
        return sent.scalar_subquery().label("sent"), passed.scalar_subquery().label("passed")


def _name(edition: Edition) -> str:
    """Equal editions have one name. Put together by hand: `asdict` would take ten times as long."""
    sections = [(section.topic, [(entry.story, entry.also_in) for entry in section.entries], section.more)
                for section in edition.sections]
    return digest((edition.interests.to_json(), edition.had, sections, edition.quiet))


_SET_AUDIENCE = update(edition_table).where(edition_table.c.number == bindparam("which")).values(
    audience=bindparam("readers"))


def _numbers(column: Column[int]) -> Select[Any]:
    return select(func.aggregate_strings(cast(column, Text), ","))


def _in_order(sent: str | None, passed: str | None) -> str:
    """The database joins numbers in any order; equal pasts must be equal text."""
    return f"{_sorted(sent)}|{_sorted(passed)}" if passed else _sorted(sent)


def _sorted(numbers: str | None) -> str:
    return ",".join(sorted(numbers.split(","), key=int)) if numbers and "," in numbers else numbers or ""
