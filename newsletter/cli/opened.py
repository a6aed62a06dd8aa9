"""The project a command works on, opened and closed around it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.app import App

opening: ContextVar["Callable[[], App] | None"] = ContextVar("opening", default=None)
"""How commands open the project. None is `App.open`; a program around the commands may set another way."""


@contextmanager
def project() -> Iterator["App"]:
    """The project around the working directory. Raises ConfigError, with the cure, if there is none."""
    from newsletter.app import App

    app = (opening.get() or App.open)()
    try:
        yield app
    finally:
        app.close()
