"""Stories in all their versions, the current one marked, and the state of their sources."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from newsletter.errors import UsageError
from newsletter.model import FeedState, Story
from newsletter.store.engine import Database
from newsletter.store.records import STORY_COLUMNS, story_of, story_row
from newsletter.store.tables import source as source_table
from newsletter.store.tables import story as table


@dataclass(frozen=True, slots=True)
class Kept:
    """How many stories of one harvest were new, changed, unchanged and held."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0
    """Stories that are new, but not used until they are released."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A story in a list."""

    story: Story
    available: datetime
    """When subscribers could first have had it."""
    held: bool


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The state of a source."""

    name: str
    last_fetch: datetime
    state: FeedState | None
    """None for files."""
    stories: int
    """How many stories it has given so far, held ones included."""
    held: int


_STATE_COLUMNS = tuple(source_table.c[name] for name in ("url", "etag", "last_modified", "not_before", "paused"))


NOBODY = ""
"""The source of a story that its own source has withdrawn, or whose source is no longer read: no newsletter uses it."""


class Stories:
    """Queries about stories and their sources."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_fetch(self, source: str) -> datetime | None:
        """When the source was last read; None if never."""
        with self._database.reading() as connection:
            return _last_fetch(connection, source)

    def feed_state(self, source: str) -> FeedState | None:
        """The state of a URL after its last answer; None for files and for a URL that was never fetched."""
        query = select(*_STATE_COLUMNS).where(source_table.c.name == source)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _state_of(row)

    def sources(self) -> list[SourceStatus]:
        """Every source that was ever read, by name."""
        counts = (
            select(table.c.source, func.count().label("stories"), func.count().filter(table.c.held).label("held"))
            .where(table.c.current).group_by(table.c.source).subquery())
        query = (
            select(source_table.c.name, source_table.c.last_fetch, counts.c.stories, counts.c.held, *_STATE_COLUMNS)
            .join(counts, counts.c.source == source_table.c.name, isouter=True).order_by(source_table.c.name))
        with self._database.reading() as connection:
            return [SourceStatus(name, fetched, _state_of(state), stories or 0, held or 0)
                    for name, fetched, stories, held, *state in connection.execute(query)]

    def known(self, source: str) -> frozenset[str]:
        """Ids of all stories that this source has given so far."""
        with self._database.reading() as connection:
            return frozenset(connection.scalars(select(table.c.id).where(table.c.source == source, table.c.current)))

    def keep(self, source: str, fresh: Sequence[Story], held: Sequence[Story], *, now: datetime,
             state: FeedState | None, complete: bool = False) -> Kept:
        """Stores the stories of one reading of a source, and the URL's new state, in one transaction.

        A new story is available from the later of its date and now; at the first fetch of a source from its date, so
        that old items are old. An edited story keeps that time, unless its tags changed: then it may be new to
        subscribers of other topics and is available from now. Of two stories with one id the first counts, within a
        harvest and between sources. A held story stays held, whatever comes later, until it is released. With
        `complete`, stories of the source that are not among these were withdrawn: their source becomes NOBODY until a
        source gives them again.
        """
        with self._database.writing() as connection:
            keeping = _Keeping(connection, source, now)
            kept = keeping.keep([(story, False) for story in fresh] + [(story, True) for story in held])
            if complete:
                keeping.retire({story.id for story in (*fresh, *held)})
            _record_fetch(connection, source, now, state)
        return kept

    def retain(self, sources: Sequence[str]) -> None:
        """Gives the stories of all other sources to NOBODY, so that a source that was renamed can claim its stories.
        """
        gone = update(table).where(table.c.current, table.c.source.not_in([*sources, NOBODY]))
        with self._database.writing() as connection:
            connection.execute(gone.values(source=NOBODY))

    def current(self, since: datetime) -> list[tuple[Story, datetime]]:
        """Stories with the time at which they became available, `since` or later, the oldest first."""
        query = (select(*STORY_COLUMNS, table.c.available)
                 .where(table.c.available >= since, table.c.current, ~table.c.held)
                 .order_by(table.c.available, table.c.id))
        with self._database.reading() as connection:
            return [(story_of(row[:-1]), row[-1]) for row in connection.execute(query)]

    def find(self, limit: int, *, source: str | None = None) -> list[Listed]:
        """The newest stories by date, held ones included; of all sources or of one."""
        query = select(*STORY_COLUMNS, table.c.available, table.c.held).where(table.c.current)
        if source is not None:
            query = query.where(table.c.source == source)
        query = query.order_by(table.c.date.desc(), table.c.id).limit(limit)
        with self._database.reading() as connection:
            return [Listed(story_of(row[:-2]), row[-2], row[-1]) for row in connection.execute(query)]

    def version(self, id: str, version: str) -> Story:
        """That version of the story. Raises UsageError if there is none."""
        query = select(*STORY_COLUMNS).where(table.c.id == id, table.c.version == version)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise UsageError(f"there is no version {version} of the story {id}", cure="newsletter stories list")
        return story_of(row)

    def held(self, source: str | None = None) -> list[Story]:
        """Stories that wait to be released, the newest first; of all sources or of one."""
        query = select(*STORY_COLUMNS).where(table.c.current, table.c.held)
        if source is not None:
            query = query.where(table.c.source == source)
        with self._database.reading() as connection:
            return [story_of(row) for row in connection.execute(query.order_by(table.c.date.desc(), table.c.id))]

    def release(self, source: str) -> int:
        """Releases the source's held stories, and returns how many there were."""
        waiting = and_(table.c.source == source, table.c.current, table.c.held)
        with self._database.writing() as connection:
            return connection.execute(update(table).where(waiting).values(held=False)).rowcount


class _Keeping:
    """One transaction that keeps a harvest."""

    def __init__(self, connection: Connection, source: str, now: datetime) -> None:
        self._connection, self._source, self._now = connection, source, now
        self._first_fetch = _last_fetch(connection, source) is None
        self._rows: list[dict[str, Any]] = []

    def keep(self, stories: Sequence[tuple[Story, bool]]) -> Kept:
        new = changed = unchanged = held = 0
        first: dict[str, tuple[Story, bool]] = {}
        for story, hold in stories:
            first.setdefault(story.id, (story, hold))
        known = self._known(first)
        for story, hold in first.values():
            old = known.get(story.id)
            if old is None:
                self._add(story, hold)
                held += hold
                new += not hold
            elif old.source in (self._source, NOBODY) and self._edit(story, old):
                changed += 1
            else:
                unchanged += 1
        orphans = [id for id, old in known.items() if old.source == NOBODY]
        for some in _pieces(orphans, 500):
            mine = update(table).where(table.c.current, table.c.id.in_(some))
            self._connection.execute(mine.values(source=self._source))
        if self._rows:
            self._connection.execute(insert(table), self._rows)
        return Kept(new, changed, unchanged + len(stories) - len(first), held)

    def retire(self, given: set[str]) -> None:
        """Gives this source's stories to NOBODY, except those with the ids `given`."""
        mine = select(table.c.id).where(table.c.current, table.c.source == self._source)
        gone = [id for id in self._connection.scalars(mine) if id not in given]
        for some in _pieces(gone, 500):
            self._connection.execute(update(table).where(table.c.current, table.c.id.in_(some)).values(source=NOBODY))

    def _known(self, ids: Iterable[str]) -> dict[str, Any]:
        columns = (table.c[name] for name in ("id", "version", "source", "date", "tags", "held", "available"))
        query = select(*columns).where(table.c.current)
        return {row.id: row for some in _pieces(list(ids), 500)
                for row in self._connection.execute(query.where(table.c.id.in_(some)))}

    def _add(self, story: Story, hold: bool) -> None:
        first_seen = min(self._now, story.date) if self._first_fetch else self._now
        self._insert(story, hold, max(story.date, first_seen))

    def _edit(self, story: Story, old: Any) -> bool:
        """Makes the story's version the current one. Returns false if it is the current one already."""
        if not story.dated:
            story = replace(story, date=old.date)
        if story.version == old.version:
            return False
        same_tags = set(story.tags) == set(old.tags)
        available = old.available if same_tags else max(old.available, self._now)
        self._connection.execute(update(table).where(table.c.id == story.id, table.c.current).values(current=False))
        # An edit that was undone brings back a version that is stored already.
        again = update(table).where(table.c.id == story.id, table.c.version == story.version)
        if not self._connection.execute(again.values(current=True, held=old.held, available=available)).rowcount:
            self._insert(story, old.held, available)
        return True

    def _insert(self, story: Story, held: bool, available: datetime) -> None:
        self._rows.append({**story_row(story), "source": self._source, "current": True, "held": held,
                           "available": available, "kept_at": self._now})


def _last_fetch(connection: Connection, source: str) -> datetime | None:
    fetched: datetime | None = connection.scalar(
        select(source_table.c.last_fetch).where(source_table.c.name == source))
    return fetched


def _record_fetch(connection: Connection, source: str, now: datetime, state: FeedState | None) -> None:
    values: dict[str, Any] = {"last_fetch": now}
    if state is not None:
        values |= {"url": state.url, "etag": state.etag, "last_modified": state.last_modified,
                   "not_before": state.not_before, "paused": state.paused}
    if not connection.execute(update(source_table).where(source_table.c.name == source).values(**values)).rowcount:
        connection.execute(insert(source_table).values(name=source, **values))


def _state_of(row: Sequence[Any]) -> FeedState | None:
    return None if row[0] is None else FeedState(*row)


def _pieces(values: list[str], size: int) -> Iterator[list[str]]:
    return (values[start:start + size] for start in range(0, len(values), size))
