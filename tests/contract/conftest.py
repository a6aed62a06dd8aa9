"""Stores for the contract tests: every test that asks for one runs on each kind of database."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from itertools import count
from pathlib import Path

import pytest

from newsletter.store import Store, open_store

NewStore = Callable[[], AbstractContextManager[Store]]


@pytest.fixture(scope="session", params=["sqlite"])
def new_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewStore:
    """Opens an empty store, each time another one; made once and then copied, since migrations take their time."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    open_store("sqlite:///empty.db", root=folder).close()
    numbers = count()

    def opened() -> AbstractContextManager[Store]:
        name = f"{next(numbers)}.db"
        shutil.copy(folder / "empty.db", folder / name)
        return closing(open_store(f"sqlite:///{name}", root=folder))

    return opened


@pytest.fixture
def store(new_store: NewStore) -> Iterator[Store]:
    with new_store() as opened:
        yield opened
