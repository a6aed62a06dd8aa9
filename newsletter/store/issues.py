"""Issues: their frozen decisions, the subscribers left out of each, and its state."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, insert, or_, select, update

from newsletter.errors import DataError, UsageError
from newsletter.model import (
    TRANSITIONS,
    BlockSet,
    Edition,
    Manifest,
    Member,
    Slot,
    Verb,
    may,
)
from newsletter.store.audience import Audience
from newsletter.store.engine import Database, streamed
from newsletter.store.freezing import Freezing
from newsletter.store.issue import AlreadyPrepared, Issue, Skip
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

_FREED = " (cancelled "
"""Part of the suffix in the slot_key of an issue that freed its slot."""


_BY_HANDLE = 2


class Issues:
    """Queries about issues and their editions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def freezing(self, manifest: Manifest, *, now: datetime) -> Iterator[Freezing]:
        """Freezes an issue, completely or not at all: it exists once the block has ended; an exception leaves nothing.

        Raises AlreadyPrepared if another issue has its slot or its id. A missed issue is replaced: only a person can
        ask for that.
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
        """The hash that the manifest will have once it is frozen (`Issue.manifest_hash`)."""
        return text_hash(manifest_text(manifest))

    def brought(self, manifest: Manifest, subscriber_id: int) -> Mapping[str, str]:
        """Ids of stories that a subscriber had before this issue, each with the issue that brought it last, by id."""
        with self._database.reading() as connection:
            frozen = _first(connection, table.c.id == manifest.issue_id)
            audience = Audience(connection, manifest, before=frozen.number if frozen else None)
            return audience.brought(subscriber_id)

    def mark_missed(self, newsletter: str, slot: Slot, note: str, now: datetime) -> bool:
        """Records that a slot passed without an issue, and why (`note`). Returns false if the slot has one already."""
        issue_id = f"{newsletter}-{slot.local}-{slot.zone.replace('/', '-')}-missed"
        with self._database.writing() as connection:
            if _first(connection, _has_slot(newsletter, slot)):
                return False
            values = _row(issue_id, newsletter, slot, now) | {"state": "missed", "note": note}
            connection.execute(insert(table).values(values))
            return True

    def start(self, issue_id: str, now: datetime) -> None:
        """Marks the issue as `sending`, right before its first delivery; does nothing if it was started before.

        Raises UsageError for an issue that is paused, cancelled or missed.
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
        """Marks the issue as `finished` if nothing is left to send and the states add up to the frozen audience.

        Returns whether the issue is finished.
        """
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            sums = count_states(connection, issue.number)
            done = sum(sums.values()) == issue.audience and not sums["queued"] + sums["claimed"]
            if done and may("finish", issue.state):
                connection.execute(
                    update(table).where(table.c.id == issue_id).values(state="finished", finished_at=now))
            return done and (may("finish", issue.state) or issue.state == "finished")

    def pause(self, issue_id: str, note: str) -> None:
        """Stops claiming; `note` is the reason. Deliveries that are claimed already are settled as usual.

        Raises UsageError for an issue that cannot be paused (`TRANSITIONS`).
        """
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            if issue.state != "paused":
                _check(issue, "pause")
            connection.execute(update(table).where(table.c.id == issue_id).values(state="paused", note=note))

    def resume(self, issue_id: str) -> None:
        """Ends a pause. Raises UsageError for an issue that is not paused."""
        with self._database.writing() as connection:
            issue = _locked(connection, issue_id)
            _check(issue, "resume")
            state = "sending" if issue.started_at else "frozen"
            connection.execute(update(table).where(table.c.id == issue_id).values(state=state, note=""))

    def cancel(self, issue_id: str, now: datetime) -> int:
        """Withdraws every delivery that is still queued, and returns how many there were.

        If nothing of the issue was sent, its slot is freed. Deliveries that are claimed already are settled as usual,
        and withdrawn if they come back unsent. Raises UsageError for an issue that cannot be cancelled (`TRANSITIONS`).
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
        """The issue with this id; None if there is none."""
        with self._database.reading() as connection:
            return _first(connection, table.c.id == issue_id)

    def at(self, newsletter: str, slot_key: str) -> Issue | None:
        """The issue that has this slot, a missed one included."""
        with self._database.reading() as connection:
            return _first(connection, table.c.newsletter == newsletter, table.c.slot_key == slot_key)

    def latest(self, newsletter: str | None = None) -> Issue | None:
        """The issue prepared last, of one newsletter or of all; cancelled and missed issues do not count."""
        prepared = table.c.state.not_in(("cancelled", "missed"))
        with self._database.reading() as connection:
            return _first(connection, prepared, *([] if newsletter is None else [table.c.newsletter == newsletter]))

    def all(self) -> list[Issue]:
        """Every issue; the one prepared last comes first."""
        with self._database.reading() as connection:
            return [Issue(*row) for row in connection.execute(_issues())]

    def manifest(self, issue_id: str) -> Manifest:
        """The frozen manifest. Raises UsageError if there is none, DataError if it was changed since."""
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
        """The subscriber with the interests and the past that preparing this issue sees, or saw if it is frozen,
        whether they may be mailed or not; None if the number is unknown."""
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
        """The edition with this number. Raises UsageError if there is none."""
        with self._database.reading() as connection:
            content = connection.scalar(select(edition_table.c.content).where(edition_table.c.number == number))
        if content is None:
            raise UsageError(f"there is no edition {number}")
        return edition_of(content)

    def editions(self, issue_id: str) -> Iterator[tuple[int, Edition, int]]:
        """Each edition as (number, edition, how many deliveries were frozen with it), by number."""
        columns = edition_table.c
        with self._database.reading() as connection:
            query = (select(columns.number, columns.content, columns.audience)
                     .where(columns.issue == issue_number(connection, issue_id)).order_by(columns.number))
            for number, content, audience in streamed(connection, query):
                yield number, edition_of(content), audience

    def skips(self, issue_id: str) -> Iterator[Skip]:
        """The subscribers left out of the issue, in the order in which they were added."""
        with self._database.reading() as connection:
            query = _skips(issue_number(connection, issue_id)).order_by(skip.c.subscriber)
            yield from map(_skip_of, streamed(connection, query))

    def skip_of(self, issue_id: str, subscriber_id: int) -> Skip | None:
        """Why this subscriber was left out; None if they were not."""
        with self._database.reading() as connection:
            query = _skips(issue_number(connection, issue_id)).where(skip.c.subscriber == subscriber_id)
            row = connection.execute(query).first()
        return None if row is None else _skip_of(row)


def _make_room(connection: Connection, manifest: Manifest) -> None:
    """Deletes a missed issue of the slot. Raises AlreadyPrepared unless slot and id are then free."""
    in_slot = _has_slot(manifest.newsletter.name, manifest.slot)
    connection.execute(delete(table).where(in_slot, table.c.state == "missed"))
    there = _first(connection, or_(in_slot, table.c.id == manifest.issue_id))
    if there is not None:
        raise AlreadyPrepared(there)


def _has_slot(newsletter: str, slot: Slot) -> ColumnElement[bool]:
    """Whether an issue has this slot, under any name of its zone: Europe/Kiev is Europe/Kyiv."""
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
    """The issue, locked: until this transaction ends, no other one changes its state or relies on it."""
    connection.execute(select(table.c.number).where(table.c.id == issue_id).with_for_update())
    return _issue(connection, issue_id)


def _check(issue: Issue, verb: Verb) -> None:
    """Raises UsageError if an issue in its state cannot be paused, resumed or cancelled."""
    if not may(verb, issue.state):
        states = " or ".join(dict.fromkeys(str(before) for before, _ in TRANSITIONS[verb]))
        raise UsageError(f"{issue.id} is {issue.state}; {verb} needs an issue that is {states}",
                         cure=f"newsletter status {issue.id}")


def _skips(number: int) -> Select[Any]:
    return (select(skip.c.edition, skip.c.reason, skip.c.passed, *SUBSCRIBER_COLUMNS)
            .join(subscriber, subscriber.c.id == skip.c.subscriber).where(skip.c.issue == number))


def _skip_of(row: Any) -> Skip:
    edition, reason, passed, *columns = row
    return Skip(subscriber_of(columns), edition, reason, passed)
