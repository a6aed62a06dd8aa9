"""JSON Lines (jsonlines.org): one object on each line. Empty lines and lines that begin with "#" are skipped."""

import json
from collections.abc import Iterable, Iterator
from typing import TextIO

from newsletter.model import Problem
from newsletter.preferences.jsonlist import DECODER, row
from newsletter.preferences.row import Fields, Row, at


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """A row for each line, or a problem for a line that is not a JSON object."""
    for number, line in enumerate(text, start=1):
        if line.strip() and not line.startswith("#"):
            try:
                yield row(number, DECODER.decode(line), place)
            except (json.JSONDecodeError, RecursionError) as error:
                reason = getattr(error, "msg", "nested too deeply")
                yield Problem(at(place, number), f"invalid JSON: {reason}", 'Write {"email": "…"} on one line.')


def write(subscribers: Iterable[Fields], out: TextIO) -> None:
    """Writes a line for each subscriber."""
    for subscriber in subscribers:
        out.write(json.dumps(subscriber, ensure_ascii=False) + "\n")
