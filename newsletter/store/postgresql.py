"""PostgreSQL: one server that several processes use.

Readers see one snapshot (REPEATABLE READ), writers everything that is committed (READ COMMITTED). `writing` first takes
an advisory lock, so there is one writer at a time. Claims do not: they lock the rows they take, and pass over rows that
other senders have locked. A committed claim is on the server's disk, whatever the server's own `synchronous_commit`.
"""

import re
from datetime import UTC, datetime
from typing import cast

import psycopg
from psycopg import IsolationLevel
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from newsletter.errors import ConfigError, NewsletterError, TryLater

BUSY_SECONDS = 60
"""How long one writer waits for another: longer than it takes to freeze an issue for a million subscribers."""

_CONNECT_SECONDS = 10
"""How long to wait for each address of a server that does not answer; `connect_timeout` in the URL overrides it."""

_ALONE = 0x6E6577736C657474
"""The number of the only writer's advisory lock, the same in every version: "newslett" in ASCII."""

_URL_CURE = "Check url under [store] in newsletter.toml; a password comes from NEWSLETTER_STORE__URL or ~/.pgpass."
_GRANT_CURE = ("Make this user the owner: ALTER DATABASE … OWNER TO …; or create another database: "
               "createdb --owner USER NAME.")

_TURNED_AWAY = re.compile(r"does not exist|authentication failed|no password supplied|pg_hba\.conf|permission denied")
"""A server's message when it denies access. libpq passes on the text without a code. A text in another language than
English counts as "cannot be reached"; the message shows it either way."""


def connect(url: URL) -> Engine:
    """The engine of a database on a server. Raises ConfigError for another driver than psycopg."""
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise ConfigError(f"store.url names a driver this program does not use: {url.drivername}",
                          cure='Write url = "postgresql://USER@HOST/NAME" under [store] in newsletter.toml.')
    waiting = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_SECONDS}
    engine = create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True,
                           connect_args={"fallback_application_name": "newsletter", **waiting})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def fault(error: DBAPIError) -> NewsletterError | None:
    """The error to report for a fault of the database; None if the fault is a bug in this program.

    Codes: PostgreSQL's manual, appendix A.
    """
    reason = " ".join(str(error.orig).split())
    state = getattr(error.orig, "sqlstate", None) or ""
    if not state:
        return _fault_of_connection(error, reason)
    if state in ("55P03", "57014") or state.startswith("40"):
        return TryLater("the store is busy: another process is writing", cure="Run the command again in a moment.")
    if state == "53100":
        return TryLater("the disk of the store's server is full", cure="Free some space, then run the command again.")
    if state.startswith(("08", "53", "57", "58")) or state == "25006":
        return TryLater(f"the store's server cannot be used now: {reason}",
                        cure="Check the server and its log, then run the command again.")
    if state == "42501":
        return ConfigError(f"the store's server denies permission: {reason}", cure=_GRANT_CURE)
    if state.startswith("XX00") and state != "XX000":
        return ConfigError(f"the store cannot be read: {reason}", cure="Restore it from a backup.")
    return None


def clock(connection: Connection) -> datetime:
    """The server's time: the clocks of the machines that use it may differ."""
    now: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return now.astimezone(UTC)


def _fault_of_connection(error: DBAPIError, reason: str) -> NewsletterError | None:
    """For an error without a code, which comes from libpq or the driver. Their texts never repeat a password."""
    if isinstance(error.orig, psycopg.ProgrammingError):
        return ConfigError(f"store.url cannot be used: {reason}", cure=_URL_CURE)
    if not isinstance(error.orig, (psycopg.OperationalError, psycopg.InterfaceError)):
        return None
    if _TURNED_AWAY.search(reason):
        return ConfigError(f"the store's server denies access: {reason}", cure=_URL_CURE)
    return TryLater(f"the store's server cannot be reached: {reason}",
                    cure="Start it and run the command again, or correct url under [store] in newsletter.toml.")


def _set_up(connection: "psycopg.Connection[object]", _: ConnectionPoolEntry) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigError(f"the store's database is encoded as {encoding}, which cannot hold every name",
                          cure="Create another one: createdb --encoding UTF8 --template template0 NAME.")
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.execute("SET synchronous_commit = on")  # a lost claim would be a mail sent twice, unnoticed
    connection.autocommit = False


def _begin(connection: Connection) -> None:
    """Sets what the driver's BEGIN will ask for, and takes the only writer's lock."""
    purpose = connection.get_execution_options()["purpose"]
    reading = purpose == "reading"
    driver = cast("psycopg.Connection[object]", connection.connection.driver_connection)
    driver.isolation_level = IsolationLevel.REPEATABLE_READ if reading else IsolationLevel.READ_COMMITTED
    driver.read_only = reading
    if purpose == "writing":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ALONE})")
