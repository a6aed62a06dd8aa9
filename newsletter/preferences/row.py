"""What the formats and the rest of the package say to each other."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, TextIO

from newsletter.model import Problem


class Row(NamedTuple):
    """One person's cells as the file has them, before anything is judged."""

    line: int
    """Where it begins, counted from 1; 0 if the format cannot tell."""
    names: tuple[str, ...]
    """The names of the cells; a table's header, an entry's keys."""
    cells: list[str]
    """As many as there are names. The items of a list are parted by line feeds."""
    header: int = 0
    """The line of the names; 0 where each row has its own."""


Fields = Mapping[str, str | list[str]]
"""One person for writing: field or column and its value, ours first. Topics and newsletters are lists."""


class Format(Protocol):
    """The port: a way to write people down. Each module that fits it is one format."""

    def read(self, text: TextIO, place: str) -> Iterator[Row | Problem]:
        """The rows in order. Raises `DataError` with place and cure for a text that cannot be used as a whole."""

    def write(self, people: Iterable[Fields], out: TextIO) -> None:
        """Writes what `read` gives back as rows of the same cells."""


def listed(values: Iterable[str]) -> str:
    """A list as one cell: its items parted by line feeds."""
    return "\n".join(values)


def at(place: str, line: int) -> str:
    """A place with its line; the place alone where the line is not known."""
    return f"{place}:{line}" if line else place
