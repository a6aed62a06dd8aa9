"""JSON Lines (jsonlines.org): an object a line. Empty lines and lines that begin with "#" are passed over."""

import json
from collections.abc import Iterable, Iterator
from typing import TextIO

from newsletter.model import Problem
from newsletter.preferences.jsonlist import DECODER, row
from newsletter.preferences.row import Fields, Row, at


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """A row for each line, a problem for a line that is no JSON object."""
    for number, line in enumerate(text, start=1):
        if line.strip() and not line.startswith("#"):
            try:
                yield row(number, DECODER.decode(line), place)
            except (json.JSONDecodeError, RecursionError) as error:
                reason = getattr(error, "msg", "nested too deep")
                yield Problem(at(place, number), f"the line is no JSON: {reason}", 'Write {"email": "…"} in one line.')


def write(people: Iterable[Fields], out: TextIO) -> None:
    """A line for each."""
    for person in people:
        out.write(json.dumps(person, ensure_ascii=False) + "\n")
