"""The database behind the store: its engine, its three kinds of transaction, and its version.

Everything that differs between databases is in `sqlite`, `postgresql` and `tables`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, Select, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from newsletter.errors import ConfigError, NewsletterError
from newsletter.store import sqlite

VERSION = "0003"
"""The newest migration's number; a store of this version is opened without loading Alembic."""

_PIECE = 2000
"""How many rows of a stream are in memory at a time."""

_URL_CURE = 'Write url = "sqlite:///newsletter.db" or "postgresql://USER@HOST/NAME" under [store] in newsletter.toml.'


class Database:
    """An engine, and its three kinds of transaction: `reading`, `writing` and `claiming`.

    Each raises TryLater if the database cannot be reached, if another writer does not finish in time, or if the disk
    cannot be written.
    """

    def __init__(
        self, engine: Engine, fault: Callable[[DBAPIError], NewsletterError | None],
        clock: Callable[[Connection], datetime], *, is_shared: bool,
    ) -> None:
        self._engine, self._fault = engine, fault
        self.clock = clock
        """The time by the database's clock, which all senders share."""
        self.is_shared = is_shared
        """Whether senders on several machines may use it."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction with an unchanging view of everything committed so far."""
        with self._connection("reading") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of the only writer: the next one waits until it ends. Claims may go on meanwhile."""
        with self._connection("writing") as connection, connection.begin():
            yield connection

    @contextmanager
    def claiming(self) -> Iterator[Connection]:
        """A transaction that runs at the same time as other claims and a writer, if the database locks single rows;
        else the same as `writing`.

        Each statement may see more than the one before it. So the rows that a decision depends on must be locked, or
        read by the same statement.
        """
        with self._connection("claiming") as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _connection(self, purpose: Literal["reading", "writing", "claiming"]) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(purpose=purpose)
        except DBAPIError as error:
            fault = self._fault(error)
            if fault is None:
                raise
            raise fault from error


def streamed(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """The query's rows, fetched in pieces so that memory does not grow with them. A caller that stops early closes the
    cursor."""
    with connection.execute(query, execution_options={"stream_results": True, "yield_per": _PIECE}) as rows:
        yield from rows


def open_database(url: str, root: Path) -> Database:
    """Opens the database, creates it if it does not exist, and migrates it to this program's version.

    A relative SQLite path is relative to `root`. Raises ConfigError for a URL that cannot be used, a missing driver and
    a store written by a newer program; TryLater if the server cannot be reached.
    """
    database = _database(_parsed(url), root)
    try:
        with database.reading() as connection:
            found = _version(connection)
        if found != VERSION:
            _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # their texts repeat the URL, which may contain a password
        raise ConfigError("store.url is not a database URL", cure=_URL_CURE) from None


def _database(url: URL, root: Path) -> Database:
    kind = url.get_backend_name()
    if kind == "sqlite":
        return Database(sqlite.connect(url, root), sqlite.fault, sqlite.clock, is_shared=False)
    if kind != "postgresql":
        raise ConfigError(f"store.url names a database this version cannot use: {url.drivername}", cure=_URL_CURE)
    try:
        from newsletter.store import postgresql  # the driver is an extra
    except ImportError as error:
        raise ConfigError(f"the driver for PostgreSQL is missing: {error}",
                          cure="pip install 'newsletter-desk[postgres]'") from error
    return Database(postgresql.connect(url), postgresql.fault, postgresql.clock, is_shared=True)


def _version(connection: Connection) -> str:
    """The store's version; empty if it has no tables yet. Raises ConfigError if it is newer than this program."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
    if found > VERSION:
        raise ConfigError(f"the store has version {found}, this program knows versions up to {VERSION}",
                          cure="Install the newer program that wrote the store, or restore an older backup.")
    return found


def _migrate(database: Database) -> None:
    from alembic import command  # slow to import, and hardly ever needed
    from alembic.config import Config

    with database.writing() as connection:
        if _version(connection) == VERSION:
            return  # another process was faster
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, VERSION)
