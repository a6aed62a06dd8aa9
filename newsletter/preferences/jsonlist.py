"""JSON (RFC 8259): a list of objects, or an object with that list as "subscribers"."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from newsletter.errors import DataError
from newsletter.model import Problem
from newsletter.preferences.row import Fields, Row, at, listed

DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Numbers stay text as they are written: 1.50 does not become 1.5."""


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """A row for each object of the list. Raises `DataError` for invalid JSON, or a document without a list."""
    source = text.read()
    try:
        start = _list_start(source, DECODER.decode(source), place)
    except json.JSONDecodeError as error:
        raise DataError(f"invalid JSON: {error.msg}", place=at(place, error.lineno),
                        cure="Correct it there or just before; each entry but the last ends with a comma.") from error
    except RecursionError as error:
        raise DataError("invalid JSON: nested too deeply", place=place, cure=_SHAPE) from error
    line, counted = 1, 0
    for position, value in _entries(source, start):
        line += source.count("\n", counted, position)
        counted = position
        yield row(line, value, place)


def write(subscribers: Iterable[Fields], out: TextIO) -> None:
    """Writes a list with each subscriber on one line, so that a change to one changes one line."""
    out.write("[")
    for number, subscriber in enumerate(subscribers):
        out.write((",\n" if number else "\n") + json.dumps(subscriber, ensure_ascii=False))
    out.write("\n]\n")


def row(line: int, value: object, place: str) -> Row | Problem:
    """A decoded JSON object as a row."""
    if not isinstance(value, dict):
        return Problem(at(place, line), "the entry is not an object", 'Write {"email": "…", "topics": ["…"]}.')
    return Row(line, tuple(value), [cell(item) for item in value.values()])


def cell(value: object) -> str:
    """A value of a document as a cell: a list of plain values as the items of the cell, anything deeper as JSON."""
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return listed(map(cell, value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return str(value)


_SHAPE = 'Write a list of objects: [{"email": "…"}, …].'
_NAMES = ("subscribers", "subscriber")
_BLANK = re.compile(r"[ \t\r\n]*")


def _list_start(source: str, document: object, place: str) -> int:
    """The position at which the list of subscribers begins in a text that is valid JSON."""
    if isinstance(document, list):
        return _blank(source, 0)
    name = next((name for name in _NAMES if isinstance(document, dict) and isinstance(document.get(name), list)), "")
    if not name:
        raise DataError("the file has no list of subscribers", place=place, cure=_SHAPE)
    position = _blank(source, 0) + 1
    while True:
        key, position = DECODER.raw_decode(source, _blank(source, position))
        position = _blank(source, _blank(source, position) + 1)
        if key == name and source[position] == "[":
            return position
        _, position = DECODER.raw_decode(source, position)
        position = _blank(source, position) + 1


def _entries(source: str, start: int) -> Iterator[tuple[int, object]]:
    """The items of the list that begins at `start`, each with its position, which `json` alone does not report."""
    position = _blank(source, start + 1)
    while source[position] != "]":
        value, end = DECODER.raw_decode(source, position)
        yield position, value
        position = _blank(source, end)
        if source[position] == ",":
            position = _blank(source, position + 1)


def _blank(source: str, position: int) -> int:
    found = _BLANK.match(source, position)
    return found.end() if found else position
