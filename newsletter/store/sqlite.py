"""SQLite: one file, and one writer at a time.

The mode is WAL with `synchronous=FULL`, so that a committed claim survives a power loss: if it did not, a mail could be
sent twice, unnoticed.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from newsletter.errors import ConfigError, NewsletterError, TryLater

BUSY_SECONDS = 60
"""How long one writer waits for another: longer than it takes to freeze an issue for a million subscribers."""


def connect(url: URL, root: Path) -> Engine:
    """The engine of a file, which is created if it does not exist; a relative path is relative to `root`.

    Raises ConfigError for a URL without a file and for a file that cannot be created.
    """
    if url.database in (None, "", ":memory:"):
        raise ConfigError("store.url names no file: a store in memory is lost when the command ends",
                          cure='Write url = "sqlite:///newsletter.db" under [store] in newsletter.toml.')
    path = root / str(url.database)
    _make_file(path)
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS},
                           paramstyle="named",  # values go by name on both databases
                           hide_parameters=True)  # an error's text must not show addresses
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def fault(error: DBAPIError) -> NewsletterError | None:
    """The error to report for a fault of the database; None if the fault is a bug in this program."""
    name = getattr(error.orig, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return TryLater("the store is busy: another process is writing", cure="Run the command again in a moment.")
    if name.startswith("SQLITE_FULL"):
        return TryLater("the disk of the store is full", cure="Free some space, then run the command again.")
    if name.startswith(("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return TryLater(f"the store cannot be read or written: {error.orig}",
                        cure="Check its disk and its file's permissions, then run the command again.")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return ConfigError(f"the store cannot be read: {error.orig}", cure="Restore it from a backup.")
    return None


def clock(_: Connection) -> datetime:
    """This machine's time: no other machine uses the store."""
    return datetime.now(UTC)


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)  # it holds addresses; SQLite gives its -wal and -shm files the same mode
    except OSError as error:
        raise ConfigError(f"the store cannot be opened: {error.strerror}", place=str(path)) from error


def _set_up(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes late and never says IMMEDIATE
    _use_wal(connection)
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "cache_size = -32000"):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Waits for its turn: SQLite itself refuses at once while another process sets the mode of a new file."""
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or monotonic() > deadline:
                raise
        sleep(0.01)


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: SQLite would not let a transaction that first reads and then writes wait."""
    reading = connection.get_execution_options()["purpose"] == "reading"
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
