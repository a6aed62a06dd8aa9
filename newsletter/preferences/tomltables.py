"""TOML 1.0: a `[[subscriber]]` table for each subscriber."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from newsletter import toml
from newsletter.errors import DataError
from newsletter.model import Problem
from newsletter.preferences.jsonlist import row
from newsletter.preferences.row import Fields, Row


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """A row for each table. Raises `DataError` for invalid TOML, or without such tables."""
    document = toml.parse(text.read(), place, floats=str)
    name = "subscriber" if "subscriber" in document.values else "subscribers"
    entries = document.values.get(name)
    if not isinstance(entries, list):
        raise DataError("the file has no [[subscriber]] table", place=place, cure=_SHAPE)
    try:
        rows = [row(document.line(name, index), entry, place) for index, entry in enumerate(entries)]
    except ValueError as error:  # a hexadecimal number of thousands of digits, which Python does not write down
        raise DataError(str(error), place=place, cure=_SHAPE) from error
    yield from rows


def write(subscribers: Iterable[Fields], out: TextIO) -> None:
    """Writes a table for each subscriber, separated by empty lines."""
    for number, subscriber in enumerate(subscribers):
        out.write(("\n" if number else "") + "[[subscriber]]\n")
        out.writelines(f"{_key(name)} = {json.dumps(value, ensure_ascii=False)}\n"
                       for name, value in subscriber.items())


_SHAPE = "Write [[subscriber]] and the subscriber's fields below it."


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
