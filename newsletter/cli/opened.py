"""The project a command works on, opened and closed around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.app import App


@contextmanager
def project() -> Iterator["App"]:
    """The project around the working directory. Raises ConfigError, with the cure, if there is none."""
    from newsletter.app import App

    app = App.open()
    try:
        yield app
    finally:
        app.close()
