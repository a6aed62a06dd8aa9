"""The errors that the program raises, each with its exit code.

    NewsletterError            1   the root: never raised itself
    ├── UsageError             2   the command line asks for something that is not there
    ├── ConfigError            3   newsletter.toml cannot be used
    ├── DataError              3   a story, topic or preference file cannot be used as a whole
    │   └── TemplateError      3   a template cannot be compiled
    ├── CheckFailed            4   a check that must hold before a send does not hold
    └── TryLater              75   a lock, a relay or a database is busy (sysexits' EX_TEMPFAIL)

A fault in *one* row, entry or file next to good ones is no exception but a `model.Problem`: it is reported and the rest
goes on. Exit code 5 (finished, but some recipients failed) is a result, and 130 belongs to the interrupt key.
"""

from typing import ClassVar


class NewsletterError(Exception):
    """An error that the person at the keyboard can fix: what is wrong, where, and what to do.

    `place` is a file with its line ("topics.toml:12"), an address or a command; empty where there is none.
    `found` says what is wrong. `cure` says what to do: a sentence that starts with a verb, or a command to type.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, found: str, *, place: str = "", cure: str = "") -> None:
        super().__init__(found)
        self.found, self.place, self.cure = found, place, cure

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        cure = f"\n  → {self.cure}" if self.cure else ""
        return f"{where}{self.found}{cure}"


class UsageError(NewsletterError):
    """The command names something that does not exist (an issue, a newsletter, a subscriber)."""

    exit_code = 2


class ConfigError(NewsletterError):
    """`newsletter.toml`, or an environment variable that stands in for one of its keys, cannot be used."""

    exit_code = 3


class DataError(NewsletterError):
    """A file of stories, topics or preferences cannot be used at all; continuing would send something wrong."""

    exit_code = 3


class TemplateError(DataError):
    """A template cannot be compiled; `place` is its file and line."""


class CheckFailed(NewsletterError):
    """A check that must hold before a send does not hold."""

    exit_code = 4


class TryLater(NewsletterError):
    """A lock, a relay or a database is busy; the same command can succeed later."""

    exit_code = 75
