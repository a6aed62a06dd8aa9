"""On which line of a TOML text each key stands: tomllib tells values, and no lines."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]
"""("delivery", "window"), or ("relay", 0, "host") in the first table of an array."""


def places(text: str) -> dict[Path, int]:
    """The line, from 1, of every key and table header of a valid TOML text (https://toml.io/en/v1.0.0)."""
    found: dict[Path, int] = {}
    tables = Counter[Path]()
    header: Path = ()
    for number, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            header = next(_branches(content), ())
            if statement.lstrip().startswith("[["):
                tables[header] += 1
                header = (*header, tables[header] - 1)
            found.setdefault(header, number)
        else:
            for branch in _branches(content):
                found.setdefault((*header, *branch), number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header or `key = value` with the number of its first line.

    A value of many lines is complete as soon as it parses by itself.
    """
    statement, start = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        statement, start = (f"{statement}\n{line}", start) if statement else (line, number)
        try:
            content = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if content:
            yield start, statement
        statement = ""


def _branches(content: Mapping[str, object]) -> Iterator[Path]:
    """Every path of nested tables, the deepest of each branch first."""
    for key, value in content.items():
        inner = value[0] if isinstance(value, list) and value == [{}] else value
        if isinstance(inner, dict):
            for branch in _branches(inner):
                yield (key, *branch)
        yield (key,)
