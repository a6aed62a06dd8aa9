"""TOML 1.0 (https://toml.io/en/v1.0.0): values with their lines, and one message for invalid text.

`tomllib` gives values without lines. The lines are found by a second pass through a text that is known to be valid: a
header or a `key = value` begins where the previous one has ended, outside of strings and brackets.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from newsletter.errors import DataError, NewsletterError
from newsletter.text import shown

Path = tuple[str | int, ...]
"""("delivery", "window"), or ("relay", 0, "host") in the first table of an array."""


@dataclass(frozen=True)
class Document:
    """A valid TOML text."""

    values: Mapping[str, Any]
    text: str
    place: str
    """The name of the file in messages."""
    first: int = 1
    """The line of the file on which the text begins."""

    def line(self, *path: str | int) -> int:
        """The line of a key or a table's header; else the line of the nearest table around it, else 0."""
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), 0)

    def at(self, *path: str | int) -> str:
        """The place of a key for a message, "topics.toml:12"; only the file if the key has no line."""
        line = self.line(*path)
        return f"{self.place}:{line}" if line else self.place

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        """The line of every key and header."""
        found: dict[Path, int] = {}
        tables = Counter[Path]()
        table: Path = ()
        for number, statement in _statements(self.text, self.first):
            if header := _HEADER.match(statement):
                table = _inside(_path(header["key"]), tables, found, number)
                if header["array"]:
                    tables[table] += 1
                    table = (*table, tables[table] - 1)
                found.setdefault(table, number)
            elif key := _KEY.match(statement):
                _inside(_path(key["key"]), tables, found, number, table)
        return found


def parse(
    text: str, place: str, *, first: int = 1, floats: Callable[[str], Any] = float,
    error: type[NewsletterError] = DataError,
) -> Document:
    """The document of a text, which may begin with a byte order mark. `floats` converts numbers with a decimal point.

    Raises `error` with file and line for invalid TOML.
    """
    text = text.removeprefix("\ufeff")
    try:
        return Document(tomllib.loads(text, parse_float=floats), text, place, first)
    except (ValueError, RecursionError) as wrong:  # ValueError: a number of thousands of digits too
        reason, line = _reason(wrong, text)
        where = f"{place}:{first + line - 1}" if line else place
        raise error(f"invalid TOML: {reason}", place=where, cure=_CURE) from None


_CURE = "Write texts in double quotes, lists in square brackets, and each key on a line of its own."


def _reason(error: Exception, text: str) -> tuple[str, int]:
    """The message of tomllib, and the line of the text that it names; 0 if it names none."""
    found = re.fullmatch(r"(?s)(.*?) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
    if found:
        return shown(found[1], 200), int(found[2] or len(text.splitlines()) or 1)
    return ("nested too deeply" if isinstance(error, RecursionError) else shown(str(error), 200)), 0


# --- Lines of keys --------------------------------------------------------------------------------------------

_STRINGS = r"""
    \"{3} (?: \\. | "{1,2}(?!") | [^"\\] )*+ "{3,5}
  | '{3} (?: '{1,2}(?!') | [^'] )*+ '{3,5}
  | " (?: \\. | [^"\\\n] )*+ "
  | ' [^'\n]*+ '
"""
_TOKEN = re.compile(rf"(?P<string>{_STRINGS}) | (?P<comment>\#[^\n]*+) | [\[\]{{}}] | \n | [^\"'\#\n\[\]{{}}]++",
                    re.DOTALL | re.VERBOSE)
_PART = r"""(?: "(?:\\.|[^"\\\n])*+" | '[^'\n]*+' | [A-Za-z0-9_-]++ )"""
_DOTTED = rf"(?P<key> {_PART} (?: [ \t]*\.[ \t]* {_PART} )* )"
_HEADER = re.compile(rf"\[ (?P<array>\[)? [ \t]* {_DOTTED}", re.VERBOSE)
_KEY = re.compile(_DOTTED, re.VERBOSE)


def _statements(text: str, number: int) -> Iterator[tuple[int, str]]:
    """Each header and each `key = value`, with the number of its first line."""
    begin, began, depth = -1, 0, 0
    for token in _TOKEN.finditer(text):
        piece = token[0]
        if piece == "\n" and not depth and begin >= 0:
            yield began, text[begin:token.start()]
            begin = -1
        elif begin < 0 and token["comment"] is None and piece.strip():
            begin, began = token.end() - len(piece.lstrip()), number
        if token["string"] is None and token["comment"] is None:
            depth += (piece in "[{") - (piece in "]}")
        number += piece.count("\n")
    if begin >= 0:
        yield began, text[begin:]


def _inside(
    path: Path, tables: Mapping[Path, int], found: dict[Path, int], number: int, table: Path = (),
) -> Path:
    """Records the line of each key on the way from a table to a path. Returns the path with the index of each table
    that it passes in an array."""
    for part in path:
        if tables.get(table):
            table = (*table, tables[table] - 1)
        table = (*table, part)
        found.setdefault(table, number)
    return table


@lru_cache(maxsize=4096)
def _path(key: str) -> Path:
    """The parts of a dotted key: `site."a b".c`."""
    value, path = tomllib.loads(f"{key} = 0"), []
    while isinstance(value, dict):
        part, value = next(iter(value.items()))
        path.append(part)
    return tuple(path)
