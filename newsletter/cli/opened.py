"""The project that a command works on, opened before it and closed after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.app import App

opening: ContextVar["Callable[[], App] | None"] = ContextVar("opening", default=None)
"""The function by which commands open the project. None means `App.open`; a program that calls commands may set its
own."""


@contextmanager
def project() -> Iterator["App"]:
    """The project of the working directory. Raises ConfigError if that is not inside a project."""
    from newsletter.app import App

    app = (opening.get() or App.open)()
    try:
        yield app
    finally:
        app.close()
