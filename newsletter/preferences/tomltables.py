"""TOML 1.0: a `[[subscriber]]` table for each person."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import TextIO

from newsletter.errors import DataError
from newsletter.model import Problem
from newsletter.preferences.jsonlist import row
from newsletter.preferences.row import Fields, Row, at


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """A row for each table. Raises `DataError` for what is no TOML, or has no such tables."""
    source = text.read()
    try:
        document = tomllib.loads(source, parse_float=str)
        entries = document.get("subscriber", document.get("subscribers"))
        if not isinstance(entries, list):
            raise DataError("the file has no [[subscriber]]", place=place, cure=_SHAPE)
        # Within the try: a number of thousands of digits is good TOML, but Python refuses to write it down.
        rows = [row(line, entry, place) for line, entry in zip(_lines(source, len(entries)), entries, strict=True)]
    except RecursionError as error:
        raise DataError("the file is nested too deep", place=place, cure=_SHAPE) from error
    except ValueError as error:
        found = re.fullmatch(r"(.*?) \(at line (\d+), column \d+\)", str(error))
        line, reason = (int(found[2]), found[1]) if found else (0, str(error))
        raise DataError(f"the file is no TOML: {reason}", place=at(place, line), cure="Mend it there.") from error
    yield from rows


def write(people: Iterable[Fields], out: TextIO) -> None:
    """A table for each, parted by empty lines."""
    for number, person in enumerate(people):
        out.write(("\n" if number else "") + "[[subscriber]]\n")
        out.writelines(f"{_key(name)} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in person.items())


_HEADER = re.compile(r"[ \t]*\[\[[ \t]*subscribers?[ \t]*\]\]")
_SHAPE = "Write [[subscriber]] and the person's fields under it."


def _lines(source: str, count: int) -> list[int]:
    """The lines of the headers, as tomllib tells none; zeros where they are not one for each entry."""
    lines = [number for number, line in enumerate(source.split("\n"), start=1) if _HEADER.match(line)]
    return lines if len(lines) == count else [0] * count


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
