"""The rows that formats read, the fields that they write, and the port that every format fits."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, TextIO

from newsletter.model import Problem


class Row(NamedTuple):
    """One subscriber's cells as the file has them, not yet interpreted."""

    line: int
    """The line on which the row begins, counted from 1; 0 if unknown."""
    names: tuple[str, ...]
    """The names of the cells: a table's header, or an entry's keys."""
    cells: list[str]
    """One cell for each name. The items of a list are separated by line feeds."""
    header: int = 0
    """The line of the names; 0 if each row has its own names."""


Fields = Mapping[str, str | list[str]]
"""One subscriber to write: values by field or column, ours first. Topics and newsletters are lists."""


class Format(Protocol):
    """The port: a file format for subscribers. Each module that fits it is one format."""

    def read(self, text: TextIO, place: str) -> Iterator[Row | Problem]:
        """The rows in order. Raises `DataError` with place and cure for a text that cannot be used as a whole."""

    def write(self, subscribers: Iterable[Fields], out: TextIO) -> None:
        """Writes a text from which `read` gives rows of the same cells."""


def listed(values: Iterable[str]) -> str:
    """A list as one cell: its items, separated by line feeds."""
    return "\n".join(values)


def at(place: str, line: int) -> str:
    """A place with its line; only the place if the line is 0, for unknown."""
    return f"{place}:{line}" if line else place
