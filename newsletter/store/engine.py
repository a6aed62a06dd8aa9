"""The database behind the store: where it is, its two kinds of transaction, and its version.

All that differs between databases is here and in `tables`. SQLite runs in WAL mode with `synchronous=FULL`: a claim
that was committed is still there after a power loss, or a mail would go twice in silence.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from newsletter.errors import ConfigError, NewsletterError, TryLater

VERSION = "0001"
"""The newest migration's number; a store of this version is opened without loading Alembic."""

STREAMED: Final = {"stream_results": True, "yield_per": 2000}
"""As a query's `execution_options`: its rows come in pieces, and memory does not grow with them."""

_BUSY_SECONDS = 60
"""How long one writer waits for another: longer than freezing an issue for a million takes."""


class Database:
    """An engine, and the two kinds of transaction there are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging view of everything committed so far."""
        with _faults_in_words(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing, and alone: the next writer waits until this one is done.

        Raises TryLater if another writer does not get done, or the disk does not take it.
        """
        with (_faults_in_words(), self._engine.connect() as connection,
              connection.execution_options(writing=True).begin()):
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def open_database(url: str, root: Path) -> Database:
    """Opens the database, makes it if it is not there, and brings it to this program's version.

    A relative SQLite path is relative to `root`. Raises ConfigError for a URL that cannot be used and for a store
    written by a newer program.
    """
    database = Database(_sqlite_engine(_sqlite_path(url, root)))
    try:
        with database.reading() as connection:
            found = _version(connection)
        if found != VERSION:
            _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _sqlite_path(url: str, root: Path) -> Path:
    cure = 'Write url = "sqlite:///newsletter.db" under [store] in newsletter.toml.'
    try:
        parsed = make_url(url)
    except ArgumentError:  # its text repeats the URL, which may hold a password
        raise ConfigError("store.url is not a database URL", cure=cure) from None
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(f"store.url names a database this version cannot use: {parsed.drivername}", cure=cure)
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError("store.url names no file: a store in memory forgets who got what", cure=cure)
    return root / str(parsed.database)


def _sqlite_engine(path: Path) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)  # it holds addresses; SQLite gives its -wal and -shm files the same mode
    except OSError as error:
        raise ConfigError(f"the store cannot be opened: {error.strerror}", place=str(path)) from error
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": _BUSY_SECONDS},
                           hide_parameters=True)  # an error's text must not show addresses
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes late and never says IMMEDIATE
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -32000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that first reads and then writes could not be made to wait."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing") else "BEGIN")


def _version(connection: Connection) -> str:
    """The store's version; empty if it has no tables yet. Raises ConfigError if it is newer than this program."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
    if found > VERSION:
        raise ConfigError(f"the store has version {found}, this program knows versions up to {VERSION}",
                          cure="Install the newer program that wrote the store, or open a copy made before.")
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


@contextmanager
def _faults_in_words() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        fault = _fault(error)
        if fault is None:
            raise
        raise fault from error


def _fault(error: DatabaseError) -> NewsletterError | None:
    """What a database's fault means for the person at the keyboard; None for what is a bug of ours."""
    name = getattr(error.orig, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return TryLater("the store is busy: another process is writing", cure="Run the command again in a moment.")
    if name.startswith("SQLITE_FULL"):
        return TryLater("the disk of the store is full", cure="Free some space and run the command again.")
    if name.startswith(("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return TryLater(f"the store cannot be read or written: {error.orig}",
                        cure="Look at its disk and its file's permissions, then run the command again.")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return ConfigError(f"the store cannot be read: {error.orig}", cure="Put a copy made before in its place.")
    return None
