"""Freezing an issue: its audience is read as a stream while editions, deliveries and skips are written.

Everything happens in one transaction on one connection. The rows read and the rows written are different ones, so
writing does not disturb the open cursor; and no other writer runs meanwhile.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update

from newsletter.model import BlockSet, Decision, Edition, Manifest, Member, Recorded, digest
from newsletter.store.audience import Audience
from newsletter.store.records import blocks_text, edition_text
from newsletter.store.tables import block, brought, delivery, issue, skip
from newsletter.store.tables import edition as edition_table

_BATCH = 5000


class Freezing:
    """An issue that is being frozen. `Issues.freezing` makes it and ends it."""

    def __init__(self, connection: Connection, manifest: Manifest, number: int) -> None:
        self._connection, self._number = connection, number
        self._audience = Audience(connection, manifest, before=number)
        self._deliveries: list[dict[str, Any]] = []
        self._skips: list[dict[str, Any]] = []
        self._sizes: Counter[int] = Counter()
        self._brought: set[str] = set()
        self._picks = {each.story.id: each.merged_into or each.story.id for each in manifest.candidates}

    def keep_blocks(self, blocks: Sequence[BlockSet]) -> None:
        """Stores the compiled blocks, one set for each language."""
        self._write(block, [
            {"issue": self._number, "language": each.language, "content": blocks_text(each)} for each in blocks])

    def audience(self) -> Iterator[Member]:
        """Every subscriber who may be mailed at the issue's slot, in the order in which they were added."""
        return self._audience.members()

    def record(self, decision: Decision) -> Recorded:
        """Stores the decision's edition. Equal editions of this issue share one number."""
        return Recorded(self._numbered(decision.edition), decision.skip, decision.passed)

    def keep(self, subscriber_id: int, recorded: Recorded) -> None:
        """Puts a delivery into the outbox, or records a skip with the decision's reason."""
        edition, skip_, passed = recorded
        if skip_:
            self._skips.append({"issue": self._number, "subscriber": subscriber_id, "edition": edition,
                                "reason": skip_, "passed": passed})
            if len(self._skips) >= _BATCH:
                self._write(skip, self._skips)
            return
        self._sizes[edition] += 1
        self._deliveries.append({"issue": self._number, "subscriber": subscriber_id, "edition": edition})
        if len(self._deliveries) >= _BATCH:
            self._write(delivery, self._deliveries)

    def edition_count(self) -> int:
        """How many distinct editions the issue has so far."""
        query = select(func.count()).select_from(edition_table).where(edition_table.c.issue == self._number)
        return int(self._connection.execute(query).scalar_one())

    def end(self) -> None:
        """Writes the rows that are still in memory, the audience sizes of the issue and of each edition, and the
        stories that the issue brings."""
        self._write(delivery, self._deliveries)
        self._write(skip, self._skips)
        picks = {story: story for story in self._brought} | self._picks
        self._write(brought, [{"story": story, "issue": self._number, "pick": pick}
                              for story, pick in picks.items() if pick in self._brought])
        if self._sizes:
            self._connection.execute(_SET_AUDIENCE, [
                {"which": number, "size": size} for number, size in self._sizes.items()])
        self._connection.execute(update(issue).where(issue.c.number == self._number)
                                 .values(audience=self._sizes.total()))

    def _numbered(self, edition: Edition) -> int:
        name = _name(edition)
        query = select(edition_table.c.number).where(
            edition_table.c.issue == self._number, edition_table.c.digest == name)
        number: int | None = self._connection.scalar(query)
        if number is None:
            row = insert(edition_table).values(issue=self._number, digest=name, content=edition_text(edition))
            number = int(self._connection.execute(row.returning(edition_table.c.number)).scalar_one())
            self._brought.update(edition.stories)
        return number

    def _write(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), rows)
            rows.clear()


def _name(edition: Edition) -> str:
    """A digest that equal editions share. The fields are listed by hand: `asdict` would take ten times as long."""
    sections = [(section.topic, [(entry.story, entry.also_in) for entry in section.entries], section.more)
                for section in edition.sections]
    return digest((edition.interests.to_json(), edition.had, sections, edition.quiet))


_SET_AUDIENCE = update(edition_table).where(edition_table.c.number == bindparam("which")).values(
    audience=bindparam("size"))
