"""JSON (RFC 8259): a list of objects, or an object that has the list as "subscribers"."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from newsletter.errors import DataError
from newsletter.model import Problem
from newsletter.preferences.row import Fields, Row, at, listed

DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Numbers stay as they are written: a member's number 007 is text here."""


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """A row for each object of the list. Raises `DataError` for what is no JSON, or no list."""
    source = text.read()
    try:
        start = _list_start(source, DECODER.decode(source), place)
    except json.JSONDecodeError as error:
        raise DataError(f"the file is no JSON: {error.msg}", place=at(place, error.lineno),
                        cure="Mend it there or just before; each entry but the last ends in a comma.") from error
    except RecursionError as error:
        raise DataError("the file is nested too deep", place=place, cure=_SHAPE) from error
    line, counted = 1, 0
    for position, value in _entries(source, start):
        line += source.count("\n", counted, position)
        counted = position
        yield row(line, value, place)


def write(people: Iterable[Fields], out: TextIO) -> None:
    """A list, each person in a line of its own: a change to one changes one line."""
    out.write("[")
    for number, person in enumerate(people):
        out.write((",\n" if number else "\n") + json.dumps(person, ensure_ascii=False))
    out.write("\n]\n")


def row(line: int, value: object, place: str) -> Row | Problem:
    """A decoded JSON object as a row."""
    if not isinstance(value, dict):
        return Problem(at(place, line), "the entry is no object", 'Write {"email": "…", "topics": ["…"]}.')
    return Row(line, tuple(value), [cell(item) for item in value.values()])


def cell(value: object) -> str:
    """A value of a document as a cell: a list of plain values as its items, anything deeper as JSON."""
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
    """Where the list of people begins in a text that is known to be good JSON."""
    if isinstance(document, list):
        return _blank(source, 0)
    name = next((name for name in _NAMES if isinstance(document, dict) and isinstance(document.get(name), list)), "")
    if not name:
        raise DataError('the file has no list, and no list called "subscribers"', place=place, cure=_SHAPE)
    position = _blank(source, 0) + 1
    while True:
        key, position = DECODER.raw_decode(source, _blank(source, position))
        position = _blank(source, _blank(source, position) + 1)
        if key == name and source[position] == "[":
            return position
        _, position = DECODER.raw_decode(source, position)
        position = _blank(source, position) + 1


def _entries(source: str, start: int) -> Iterator[tuple[int, object]]:
    """The items of the list that begins at `start`, each with its position: json tells none."""
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
