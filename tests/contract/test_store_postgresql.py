"""What is true of the store on PostgreSQL alone: claims beside other work, and what is said when the server fails."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from newsletter.errors import ConfigError, TryLater
from newsletter.model import Delivery
from newsletter.store import Settled, Store, postgresql
from newsletter.store.engine import Database
from tests.storing import NOW, SENT, Server, crowd, database_of, fill, freeze, opened

ISSUE = "weekly-0"
ONE = "SELECT id FROM delivery ORDER BY id LIMIT 1 FOR UPDATE"


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    with postgresql.ready() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store with an issue for seven readers."""
    with opened(url) as opened_store:
        fill(opened_store, crowd(7))
        freeze(opened_store)
        yield opened_store


@pytest.fixture
def other(url: str) -> Iterator[Database]:
    """What others do to the same database."""
    with database_of(url) as found:
        yield found


def take(store: Store, limit: int = 99, *settled: Settled) -> list[Delivery]:
    return store.outbox.take(ISSUE, limit=limit, settled=settled, now=NOW, token="one")


def test_a_claim_passes_over_rows_that_another_is_about_to_take(store: Store, other: Database) -> None:
    with other.claiming() as connection:
        [locked] = connection.exec_driver_sql(ONE).scalars()
        taken = take(store)
        assert len(taken) == 6
        assert locked not in {each.id for each in taken}
    assert [each.id for each in take(store)] == [locked]


def test_claims_go_on_while_somebody_writes(store: Store, other: Database) -> None:
    """The next issue is frozen, or the preference file is read: neither holds up the mail."""
    with other.writing():
        first, second, *_ = take(store, 3)
        take(store, 0, Settled(first.id, SENT), Settled(second.id, SENT))
    assert store.outbox.sums(ISSUE)["sent"] == 2


def test_a_claim_that_is_not_done_is_not_withdrawn_by_a_cancel_beside_it(
    store: Store, other: Database, postgresql: Server,
) -> None:
    thread = threading.Thread(target=store.issues.cancel, args=(ISSUE, NOW))
    with other.claiming() as worker:
        [claimed] = worker.exec_driver_sql(ONE).scalars()
        worker.exec_driver_sql("UPDATE delivery SET state = 'claimed' WHERE id = %s", (claimed,))
        thread.start()
        _until_somebody_waits(postgresql)
    thread.join()
    sums = store.outbox.sums(ISSUE)
    assert (sums["claimed"], sums["withdrawn"]) == (1, 6)


def test_an_issue_is_not_cancelled_while_a_worker_rests_on_its_being_sent(
    store: Store, other: Database, postgresql: Server,
) -> None:
    thread = threading.Thread(target=store.issues.cancel, args=(ISSUE, NOW))
    with other.claiming() as worker:
        worker.exec_driver_sql("SELECT state FROM issue FOR SHARE")
        thread.start()
        _until_somebody_waits(postgresql)
        issue = store.issues.get(ISSUE)
        assert issue is not None
        assert issue.state == "sending"
    thread.join()
    assert store.outbox.sums(ISSUE)["withdrawn"] == 7


def test_a_cancelled_issue_has_nothing_to_claim_even_before_that_is_committed(store: Store, other: Database) -> None:
    with other.writing() as connection:
        connection.exec_driver_sql("UPDATE delivery SET state = 'withdrawn'")
        assert take(store) == []
    assert take(store) == []


def test_rows_come_in_pieces_from_the_server(store: Store, postgresql: Server, url: str) -> None:
    fill(store, crowd(5000))
    people = store.subscribers.all()
    assert [next(people).name, next(people).name] == ["Reader0", "Reader1"]
    database = make_url(url).database
    last = "SELECT query FROM pg_stat_activity WHERE datname = %s AND state = 'idle in transaction'"
    [(statement,)] = postgresql.connection.execute(last, (database,)).fetchall()
    assert statement.startswith("FETCH FORWARD 2000 ")
    assert sum(1 for _ in people) == 4998


def test_a_committed_claim_is_on_the_disk_whatever_the_server_is_set_to(url: str, postgresql: Server) -> None:
    database = make_url(url).database
    postgresql.connection.execute(f"ALTER DATABASE {database} SET synchronous_commit = off".encode())
    with database_of(url) as committing, committing.claiming() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_reader_cannot_write(other: Database) -> None:
    with pytest.raises(TryLater, match="read-only"), other.reading() as connection:
        connection.exec_driver_sql("DELETE FROM memory")


def test_after_a_restart_of_the_server_one_tries_later_and_goes_on(store: Store, postgresql: Server) -> None:
    first = take(store, 1)[0]
    postgresql.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL")
    with pytest.raises(TryLater, match="server cannot be"):
        take(store, 0, Settled(first.id, SENT))
    take(store, 0, Settled(first.id, SENT))
    assert store.outbox.sums(ISSUE)["sent"] == 1


def test_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    with pytest.raises(TryLater, match=r"cannot be reached: .*127\.0\.0\.1.* refused") as fault:
        opened("postgresql://ann:secret@127.0.0.1:1/newsletter")
    assert "secret" not in _all_said(fault.value)
    assert fault.value.cure.startswith("Start it")


def test_a_database_that_is_not_there_is_a_fault_of_the_url(postgresql: Server) -> None:
    password = postgresql.url.password or "secret"
    url = postgresql.url.set(database="nowhere", password=password).render_as_string(hide_password=False)
    with pytest.raises(ConfigError, match='"nowhere" does not exist') as fault:
        opened(url)
    assert str(password) not in _all_said(fault.value)


def test_an_unknown_option_in_the_url_is_a_fault_of_the_url() -> None:
    with pytest.raises(ConfigError, match='"sslmod"') as fault:
        opened("postgresql://ann:secret@127.0.0.1/newsletter?sslmod=require")
    assert "secret" not in _all_said(fault.value)


def test_a_database_that_cannot_hold_every_name_is_refused(postgresql: Server) -> None:
    with postgresql.blank() as url:
        name = make_url(url).database
        postgresql.connection.execute(f"DROP DATABASE {name}".encode())
        postgresql.connection.execute(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".encode())
        with pytest.raises(ConfigError, match="encoded as LATIN1"):
            opened(url)


def test_a_user_who_may_make_no_tables_is_told_what_to_do(postgresql: Server) -> None:
    with postgresql.blank() as url:
        guest = make_url(url).set(username="newsletter_test_guest", password="guest")
        postgresql.connection.execute("CREATE ROLE newsletter_test_guest LOGIN PASSWORD 'guest'")
        try:
            with pytest.raises(ConfigError, match=r"denies permission: .*permission denied") as fault:
                opened(guest.render_as_string(hide_password=False))
            assert "OWNER" in fault.value.cure
        finally:
            postgresql.connection.execute("DROP ROLE newsletter_test_guest")


@pytest.mark.parametrize(("code", "kind", "words"), [
    ("40P01", TryLater, "busy"), ("55P03", TryLater, "busy"), ("53100", TryLater, "disk"),
    ("53300", TryLater, "server"), ("57P03", TryLater, "server"), ("58030", TryLater, "server"),
    ("XX001", ConfigError, "cannot be read"),
])
def test_each_fault_of_the_server_is_put_in_words(code: str, kind: type[Exception], words: str) -> None:
    fault = postgresql.fault(_as_raised(psycopg.errors.lookup(code)("the server's own words")))
    assert isinstance(fault, kind)
    assert words in str(fault)
    assert fault.cure


@pytest.mark.parametrize(("words", "kind"), [
    ('FATAL:  password authentication failed for user "ann"', ConfigError), ("no password supplied", ConfigError),
    ('FATAL:  no pg_hba.conf entry for host "::1"', ConfigError), ("timeout expired", TryLater),
])
def test_who_is_turned_away_has_a_wrong_url_and_who_hears_nothing_tries_later(
        words: str, kind: type[Exception]) -> None:
    assert isinstance(postgresql.fault(_as_raised(psycopg.OperationalError(words))), kind)


@pytest.mark.parametrize("error", [psycopg.errors.UndefinedColumn("x"), psycopg.DataError("x")])
def test_a_bug_of_ours_is_no_fault_of_the_server(error: psycopg.Error) -> None:
    assert postgresql.fault(_as_raised(error)) is None


def test_without_its_driver_the_line_that_installs_it_is_named() -> None:
    program = ("import sys; sys.modules['psycopg'] = None; from pathlib import Path; "
               "from newsletter.store import open_store; open_store('postgresql://ann:secret@h/db', root=Path())")
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert "ConfigError: the driver for PostgreSQL is missing" in done.stderr
    assert "pip install 'newsletter-desk[postgres]'" in done.stderr
    assert "secret" not in done.stderr.replace(program, "")


def _until_somebody_waits(postgresql: Server) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while postgresql.connection.execute(waiting).fetchone() == (0,):
        pass  # each look is a round trip to the server


def _all_said(error: BaseException | None) -> str:
    """What a traceback would show."""
    return f"{error!r} {error} {_all_said(error.__cause__ or error.__context__)}" if error else ""


def _as_raised(error: psycopg.Error) -> OperationalError:
    return OperationalError("SELECT 1", {}, error)
