"""Opening a store: where it is, its version, and what is said when it cannot be used."""

import json
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, MetaData, Table, create_engine, insert

from newsletter import store as package
from newsletter.errors import ConfigError, TryLater
from newsletter.model import Subscriber
from newsletter.store import Store, engine, open_store, postgresql, sqlite, tables
from tests import oldstore
from tests.storing import READING, crowd, database_of, fill, opened, person

URL = "sqlite:///data/newsletter.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store that was opened once."""
    open_store(URL, root=tmp_path).close()
    return tmp_path / "data" / "newsletter.db"


def test_a_new_store_is_made_under_the_root_for_its_owner_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_current_store_is_opened_without_loading_alembic(path: Path) -> None:
    program = ("import sys; from pathlib import Path; from newsletter.store import open_store; "
               f"open_store({URL!r}, root=Path({str(path.parent.parent)!r})).close(); "
               "sys.exit('alembic' in sys.modules or 'pydantic_core' not in sys.modules)")
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_migrations_lead_to_the_tables(url: str) -> None:
    database = engine.open_database(url, Path())
    with closing(database), database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_on_sqlite_the_migrations_lead_to_the_tables_to_the_letter(path: Path, tmp_path: Path) -> None:
    """Also in what Alembic does not compare, such as defaults and AUTOINCREMENT."""
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    tables.metadata.create_all(other)
    other.dispose()
    assert _definitions(path) == _definitions(tmp_path / "other.db")


def test_the_version_is_that_of_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [engine.VERSION]


def test_a_store_written_by_a_newer_program_is_refused(url: str) -> None:
    with closing(engine.open_database(url, Path())) as database, database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="version 9999, this program knows versions up to"):
        opened(url)


def test_a_migration_that_fails_leaves_nothing(blank_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            opened(blank_url)
    with opened(blank_url) as store:
        assert store.issues.all() == []


def test_a_store_of_version_2_is_brought_up_to_date_with_all_it_holds(blank_url: str) -> None:
    _write_version_2(blank_url)
    with opened(blank_url) as store:
        assert {each.id: store.outbox.sums(each.id)["sent"] for each in store.issues.all()} == {
            issue: len(sent) for issue, sent in oldstore.SENT.items()}
        assert [each.link_version for each in store.issues.all()] == [1] * 5
        assert store.subscribers.remembered("links by row up to") == "6"
        newest = store.issues.manifest(oldstore.WEEKS[-1])
        for subscriber in store.subscribers.all():
            member = store.issues.member(replace(newest, issue_id="weekly-next"), subscriber.id)
            assert member is not None
            earlier = {story for issue in oldstore.WEEKS if subscriber.email in oldstore.SENT[issue]
                       for story in oldstore.STORIES[issue][subscriber.email]}
            waiting = set(oldstore.STORIES[oldstore.WEEKS[-1]][subscriber.email])
            assert member.past.had == (earlier | waiting) & {each.story.id for each in newest.candidates}


def _write_version_2(url: str) -> None:
    """The old store's rows in this database, which an older Alembic version made."""
    engine_ = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    with engine_.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        metadata = MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            if (rows := oldstore.rows()[table.name]) and table.name != "alembic_version":
                connection.execute(insert(table), [_typed(table, row) for row in rows])
    engine_.dispose()


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """SQLite has numbers for truths, and text for JSON."""
    kinds = {column.name: column.type for column in table.columns}
    return {name: bool(value) if isinstance(kinds[name], Boolean) else
            json.loads(value) if isinstance(kinds[name], JSON) and isinstance(value, str) else value
            for name, value in row.items()}


def test_two_processes_may_make_the_same_store_at_once(blank_url: str) -> None:
    faults: list[BaseException] = []

    def make() -> None:
        try:
            with opened(blank_url):
                pass
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


@pytest.mark.parametrize("url", ["newsletter.db", "mysql://ann:secret@host/db", "sqlite://", "sqlite:///:memory:",
                                 "postgresql://ann:secret@host:port/db", "postgresql+asyncpg://ann:secret@host/db"])
def test_a_url_that_cannot_be_used_is_refused_without_repeating_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_store(url, root=tmp_path)
    assert "secret" not in str(refusal.value)
    assert "newsletter.toml" in refusal.value.cure


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear all,\n" * 1000)
    with pytest.raises(ConfigError, match="not a database"):
        open_store("sqlite:///letter.db", root=tmp_path)


def test_a_folder_in_the_place_of_the_store_is_a_fault_in_words(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").mkdir()
    with pytest.raises(TryLater, match="cannot be read or written"):
        open_store("sqlite:///newsletter.db", root=tmp_path)


def test_a_committed_claim_is_on_the_disk(path: Path) -> None:
    """`synchronous=FULL` in WAL mode, with foreign keys watched, on every connection."""
    database = engine.open_database(URL, path.parent.parent)
    with closing(database), database.reading() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                  for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]


def test_who_reads_sees_nothing_of_a_transaction_that_is_not_done(store: Store) -> None:
    other = store.subscribers

    def rows() -> Iterator[Subscriber]:
        yield person("ann")
        assert other.count()["active"] == 0
        yield person("bob")

    store.subscribers.sync(rows(), READING)
    assert other.count()["active"] == 2


def test_who_reads_sees_one_unchanging_view(store: Store) -> None:
    """However long it takes: more people than one piece of a stream has."""
    fill(store, crowd(5000))
    everyone = store.subscribers.all()
    first = next(everyone)
    fill(store, [*crowd(5000), *(person(f"later{number}") for number in range(3000))])
    assert sum(1 for _ in everyone) == 4999
    assert first.name == "Reader0"


def test_a_writer_that_does_not_get_its_turn_is_told_to_try_later(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (sqlite, postgresql):
        monkeypatch.setattr(kind, "BUSY_SECONDS", 0.01)
    with opened(url) as store, database_of(url) as other:
        with other.writing(), pytest.raises(TryLater, match="busy"):
            store.subscribers.remember("digest", "1")
        store.subscribers.remember("digest", "2")
        assert store.subscribers.remembered("digest") == "2"


def test_an_address_is_not_shown_by_an_error_of_the_database(store: Store, url: str) -> None:
    with database_of(url) as other, other.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE subscriber RENAME TO lost")
    with pytest.raises(Exception, match="subscriber") as fault:
        store.subscribers.get("ann@example.org")
    assert "ann" not in str(fault.value)


def _definitions(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'").fetchall()
    return {name: _columns(sql) for name, sql in rows}


def _columns(sql: str) -> list[str]:
    """What stands between the outer brackets, in any order: a column that was added later stands last."""
    parts = re.split(r",(?![^()]*\))", sql.partition("(")[2].rpartition(")")[0])
    return sorted(" ".join(part.split()) for part in parts)
