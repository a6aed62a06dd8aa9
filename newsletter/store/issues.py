"""Issues: what was frozen, who is left out of it, and how far it got."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, insert, or_, select, update

from newsletter.errors import DataError, UsageError
from newsletter.model import (
    TRANSITIONS,
    BlockSet,
    Edition,
    IssueState,
    Manifest,
    Member,
    Slot,
    Subscriber,
    Verb,
    may,
)
from newsletter.store.audience import Audience
from newsletter.store.engine import Database, streamed
from newsletter.store.freezing import Freezing
from newsletter.store.outbox import count_states, issue_number, withdraw_queued
from newsletter.store.records import (
    SUBSCRIBER_COLUMNS,
    blocks_of,
    edition_of,
    manifest_of,
    manifest_text,
    subscriber_of,
    text_hash,
)
from newsletter.store.tables import block, skip, subscriber
from newsletter.store.tables import edition as edition_table
from newsletter.store.tables import issue as table


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue's row."""

    number: int
    id: str
    newsletter: str
    """The newsletter's name."""
    slot_key: str
    """`Slot.key`; that of an issue cancelled before anything was sent has a suffix, which frees the slot."""
    slot: datetime
    """The slot's instant."""
    state: IssueState
    manifest_hash: str
    """What names it, in the boundaries of its mails too; empty for a missed issue. An issue that an older version froze
    keeps the name it had."""
    audience: int
    """How many deliveries were frozen."""
    prepared_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    """Also when it was cancelled."""
    note: str
    """Why it was missed or paused."""
    text_hash: str
    """Of the manifest's text as it was stored; empty for a missed issue."""
    link_version: int
    """How its mails name their subscriber: 1 by the row's number, 2 by the handle."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A subscriber left out of an issue."""

    subscriber: Subscriber
    edition: int | None
    """The edition that would have been too short to send; None if it did not come so far."""
    reason: str
    """In words."""
    passed: bool
    """Whether the edition's stories count as had all the same."""


_FREED = " (cancelled "
"""In the slot_key of an issue that gave its slot back."""


class AlreadyPrepared(UsageError):
    """The slot or the id belongs to an issue that was prepared before: `issue`."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(
            f"{issue.newsletter} is prepared already for {issue.slot_key}: {issue.id}, {issue.state}",
            cure=f"Send it: newsletter send {issue.id}; or, to prepare it anew: newsletter issue cancel {issue.id}"
            if may("cancel", issue.state) else f"newsletter issue show {issue.id}")
        self.issue = issue


_BY_HANDLE = 2


class Issues:
    """Queries about issues and their editions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def freezing(self, manifest: Manifest, *, now: datetime) -> Iterator[Freezing]:
        """Freezes an issue, whole or not at all: it is there when the block ends, and an exception leaves nothing.

        Raises AlreadyPrepared if another issue has its slot or its id. A missed slot may be frozen after all, since
        only a person asks for that.
        """
        with self._database.writing() as connection:
            _make_room(connection, manifest)
            text, name = manifest_text(manifest), self.hash_of(manifest)
            values = _row(manifest.issue_id, manifest.newsletter.name, manifest.slot, now) | {
                "state": "frozen", "manifest_hash": name, "text_hash": name, "manifest": text,
                "link_version": _BY_HANDLE}
            number = connection.execute(insert(table).values(values).returning(table.c.number)).scalar_one()
            freezing = Freezing(connection, manifest, number)
            yield freezing
            freezing.end()

    def hash_of(self, manifest: Manifest) -> str:
        """What names the manifest once it is frozen (`Issue.manifest_hash`)."""
        return text_hash(manifest_text(manifest))

    def mark_missed(self, newsletter: str, slot: Slot, note: str, now: datetime) -> bool:
        """Records that a slot passed and will not be sent by itself; false if it has an issue already."""
        issue_id = f"{newsletter}-{slot.local}-{slot.zone.replace('/', '-')}-missed"
        with self._database.writing() as connection:
            if _first(connection, _has_slot(newsletter, slot)):
                return False
            values = _row(issue_id, newsletter, slot, now) | {"state": "missed", "note": note}
            connection.execute(insert(table).values(values))
            return True

    def start(self, issue_id: str, now: datetime) -> None:
        """The first delivery is about to leave; does nothing the second time.

        Raises UsageError for an issue that was paused, cancelled or missed.
        """
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            if may("resume", issue.state):
                raise UsageError(f"{issue_id} is paused{': ' if issue.note else ''}{issue.note}",
                                 cure=f"newsletter issue resume {issue_id}")
            if issue.state in ("cancelled", "missed"):
                raise UsageError(f"{issue_id} is {issue.state}", cure=f"newsletter issue prepare {issue.newsletter}")
            if may("start", issue.state):
                connection.execute(update(table).where(table.c.id == issue_id).values(state="sending", started_at=now))

    def finish(self, issue_id: str, now: datetime) -> bool:
        """Says "finished" if that is so: the sum of the states is the frozen audience, and nothing is left to send."""
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            sums = count_states(connection, issue.number)
            done = sum(sums.values()) == issue.audience and not sums["queued"] + sums["claimed"]
            if done and may("finish", issue.state):
                connection.execute(
                    update(table).where(table.c.id == issue_id).values(state="finished", finished_at=now))
            return done and (may("finish", issue.state) or issue.state == "finished")

    def pause(self, issue_id: str, note: str) -> None:
        """Lets nothing more of the issue be claimed; `note` is why. What is on its way is settled as ever.

        Raises UsageError for an issue that is not to be sent.
        """
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            if issue.state != "paused":
                _check(issue, "pause")
            connection.execute(update(table).where(table.c.id == issue_id).values(state="paused", note=note))

    def resume(self, issue_id: str) -> None:
        """Takes a pause back. Raises UsageError for an issue that is not paused."""
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            _check(issue, "resume")
            state = "sending" if issue.started_at else "frozen"
            connection.execute(update(table).where(table.c.id == issue_id).values(state=state, note=""))

    def cancel(self, issue_id: str, now: datetime) -> int:
        """Withdraws every delivery that is still queued, and returns how many that were.

        An issue of which nothing was sent frees its slot. What is on its way is settled as ever, and what comes back
        unsent is withdrawn too. Raises UsageError for an issue that is not to be sent.
        """
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            _check(issue, "cancel")
            connection.execute(update(table).where(table.c.id == issue_id).values(state="cancelled", finished_at=now))
            withdrawn = withdraw_queued(connection, issue.number, now)
            sums = count_states(connection, issue.number)
            if not sums["sent"] + sums["claimed"] + sums["in_doubt"]:
                connection.execute(update(table).where(table.c.id == issue_id).values(
                    slot_key=f"{issue.slot_key}{_FREED}{issue.number})"))
            return withdrawn

    def get(self, issue_id: str) -> Issue | None:
        with self._database.reading() as connection:
            return _first(connection, table.c.id == issue_id)

    def at(self, newsletter: str, slot_key: str) -> Issue | None:
        """The issue that has this slot, a missed one included."""
        with self._database.reading() as connection:
            return _first(connection, table.c.newsletter == newsletter, table.c.slot_key == slot_key)

    def latest(self, newsletter: str | None = None) -> Issue | None:
        """The issue prepared last, of one newsletter or of all; cancelled and missed ones do not count."""
        prepared = table.c.state.not_in(("cancelled", "missed"))
        with self._database.reading() as connection:
            return _first(connection, prepared, *([] if newsletter is None else [table.c.newsletter == newsletter]))

    def all(self) -> list[Issue]:
        """Every issue, the one prepared last comes first."""
        with self._database.reading() as connection:
            return [Issue(*row) for row in connection.execute(_issues())]

    def manifest(self, issue_id: str) -> Manifest:
        """What was frozen. Raises UsageError if there is none, DataError if it is not what was frozen."""
        with self._database.reading() as connection:
            issue = _issue(connection, issue_id)
            text: str = connection.execute(select(table.c.manifest).where(table.c.id == issue_id)).scalar_one()
        if not text:
            raise UsageError(f"{issue_id} was {issue.state}: nothing was frozen for it")
        if text_hash(text) != issue.text_hash:
            raise DataError(f"the manifest of {issue_id} was changed after it was frozen: its hash is "
                            f"{text_hash(text)}, not {issue.text_hash}", cure=f"newsletter issue cancel {issue_id}")
        return manifest_of(text)

    def member(self, manifest: Manifest, subscriber_id: int) -> Member | None:
        """The subscriber as preparing this issue sees them, or saw them if it is frozen, whether they may be mailed or
        not; None for an unknown number."""
        with self._database.reading() as connection:
            frozen = _first(connection, table.c.id == manifest.issue_id)
            before = frozen.number if frozen else None
            return Audience(connection, manifest, before=before).member(subscriber_id)

    def blocks(self, issue_id: str) -> dict[str, BlockSet]:
        """The compiled blocks by language."""
        with self._database.reading() as connection:
            rows = connection.execute(select(block.c.language, block.c.content)
                                      .where(block.c.issue == issue_number(connection, issue_id)))
            return {language: blocks_of(language, content) for language, content in rows}

    def edition(self, number: int) -> Edition:
        """Raises UsageError if there is none."""
        with self._database.reading() as connection:
            content = connection.scalar(select(edition_table.c.content).where(edition_table.c.number == number))
        if content is None:
            raise UsageError(f"there is no edition {number}")
        return edition_of(content)

    def editions(self, issue_id: str) -> Iterator[tuple[int, Edition, int]]:
        """Number, edition and how many deliveries were frozen with it, by number."""
        columns = edition_table.c
        with self._database.reading() as connection:
            query = (select(columns.number, columns.content, columns.audience)
                     .where(columns.issue == issue_number(connection, issue_id)).order_by(columns.number))
            for number, content, audience in streamed(connection, query):
                yield number, edition_of(content), audience

    def skips(self, issue_id: str) -> Iterator[Skip]:
        """Everyone left out of the issue, in the order in which we first saw them."""
        with self._database.reading() as connection:
            query = _skips(issue_number(connection, issue_id)).order_by(skip.c.subscriber)
            yield from map(_skip_of, streamed(connection, query))

    def skip_of(self, issue_id: str, subscriber_id: int) -> Skip | None:
        """Why this subscriber was left out; None for who was not."""
        with self._database.reading() as connection:
            query = _skips(issue_number(connection, issue_id)).where(skip.c.subscriber == subscriber_id)
            row = connection.execute(query).first()
        return None if row is None else _skip_of(row)


def _make_room(connection: Connection, manifest: Manifest) -> None:
    """Raises AlreadyPrepared unless slot and id are free; a missed issue makes way."""
    in_slot = _has_slot(manifest.newsletter.name, manifest.slot)
    connection.execute(delete(table).where(in_slot, table.c.state == "missed"))
    there = _first(connection, or_(in_slot, table.c.id == manifest.issue_id))
    if there is not None:
        raise AlreadyPrepared(there)


def _has_slot(newsletter: str, slot: Slot) -> ColumnElement[bool]:
    """Whether an issue has this slot, under whichever name of its zone: Europe/Kiev is Europe/Kyiv."""
    same_time = (table.c.slot_at == slot.instant) & table.c.slot_key.not_like(f"%{_FREED}%")
    return (table.c.newsletter == newsletter) & ((table.c.slot_key == slot.key) | same_time)


def _row(issue_id: str, newsletter: str, slot: Slot, now: datetime) -> dict[str, Any]:
    return {"id": issue_id, "newsletter": newsletter, "slot_key": slot.key, "slot_at": slot.instant, "prepared_at": now,
            "manifest_hash": "", "manifest": "", "audience": 0, "note": "", "text_hash": "", "link_version": _BY_HANDLE}


def _issues() -> Select[Any]:
    columns = (table.c[name] for name in (
        "number", "id", "newsletter", "slot_key", "slot_at", "state", "manifest_hash", "audience", "prepared_at",
        "started_at", "finished_at", "note", "text_hash", "link_version"))
    return select(*columns).order_by(table.c.number.desc())


def _first(connection: Connection, *conditions: ColumnElement[bool]) -> Issue | None:
    row = connection.execute(_issues().where(*conditions).limit(1)).first()
    return None if row is None else Issue(*row)


def _issue(connection: Connection, issue_id: str) -> Issue:
    row = connection.execute(_issues().where(table.c.number == issue_number(connection, issue_id))).one()
    return Issue(*row)


def _locked(connection: Connection, issue_id: str) -> Issue:
    """The issue, whose state nobody else changes or rests on until this transaction ends."""
    connection.execute(select(table.c.number).where(table.c.id == issue_id).with_for_update())
    return _issue(connection, issue_id)


def _check(issue: Issue, verb: Verb) -> None:
    """Raises UsageError if an issue in its state cannot be paused, resumed or cancelled."""
    if not may(verb, issue.state):
        states = " or ".join(str(before) for before, _ in TRANSITIONS[verb])
        raise UsageError(f"{issue.id} is {issue.state}; {verb} needs an issue that is {states}",
                         cure=f"newsletter status {issue.id}")


def _skips(number: int) -> Select[Any]:
    return (select(skip.c.edition, skip.c.reason, skip.c.passed, *SUBSCRIBER_COLUMNS)
            .join(subscriber, subscriber.c.id == skip.c.subscriber).where(skip.c.issue == number))


def _skip_of(row: Any) -> Skip:
    edition, reason, passed, *person = row
    return Skip(subscriber_of(person), edition, reason, passed)
