"""CSV (RFC 4180, and what spreadsheets make of it), separated by comma, semicolon or tab, which the header shows.

Empty lines and lines that begin with "#" are skipped. A quotation mark that is never closed costs only its own line.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TextIO

from newsletter.errors import DataError
from newsletter.model import Problem
from newsletter.preferences.columns import FIELDS, field_of, nearest
from newsletter.preferences.row import Fields, Row, at
from newsletter.text import quoted


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """The rows below the header. Raises `DataError` if the header is missing, or has no column for the address."""
    lines = _Lines(text)
    header, delimiter = _header(lines, place)
    header_line = lines.start
    for record in _records(lines, delimiter, place):
        if isinstance(record, Problem):
            yield record
        elif len(record) > len(header) and any(record[len(header):]):
            yield Problem(at(place, lines.start), f"the row has {len(record)} cells, the header {len(header)}",
                          f'Put a cell that contains "{delimiter}" in quotation marks.')
        elif any(map(str.strip, record)):
            cells = record[:len(header)] + [""] * (len(header) - len(record))
            yield Row(lines.start, header, cells, header_line)


def write(subscribers: Iterable[Fields], out: TextIO) -> None:
    """Writes a header, and a line for each subscriber that a spreadsheet shows and does not run (OWASP, "CSV
    injection")."""
    rows = list(subscribers)
    used = dict.fromkeys(name for row in rows for name in row)
    ours = [name for name in FIELDS if name in used or name not in _RARE]
    names = ours + [name for name in used if name not in FIELDS]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_shielded, names))
    for row in rows:
        writer.writerow([_shielded(_cell(row.get(name, ""))) for name in names])


_RARE = ("newsletters", "paused_until", "quiet")
"""Columns that are left out if no subscriber has a value for them; an empty cell means the same."""


class _Lines:
    """Hands lines to csv.reader, which takes several for a cell in quotation marks, and counts them."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._number = 0
        self.record: list[str] = []
        """The lines of the record that is being read."""
        self.start = 0
        """The number of the record's first line."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.record) >= _LONGEST:
            raise StopIteration
        line = self._line()
        if not self.record:
            while line.startswith("#") or not line.strip():
                line = self._line()
            self.start = self._number
        self.record.append(line)
        return line

    def begin(self) -> None:
        """Starts a record at the next line."""
        self.record = []

    def resume(self) -> None:
        """Gives up a broken record: all its lines but the first are read again."""
        again = self.record[1:]
        self._again.extendleft(reversed(again))
        self._number -= len(again)

    def _line(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self._number += 1
        return line


_LONGEST = 100
"""Maximum lines of one record: a note may have many, but a forgotten quotation mark must not swallow the file."""


def _header(lines: _Lines, place: str) -> tuple[tuple[str, ...], str]:
    line = next(lines, "")
    if declared := re.fullmatch(r"sep=(.)\s*", line.lower()):  # Excel's own first line
        lines.begin()
        line = next(lines, "")
    delimiter = declared[1] if declared else max(",;\t", key=re.sub(r'"[^"]*"', "", line).count)
    if not line:
        raise DataError("the file has no rows", place=place, cure=_FIRST_LINE)
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(f"the header cannot be read: {error}", place=at(place, lines.start),
                        cure=_FIRST_LINE) from error
    names = tuple(_bare(name).strip() for name in cells)
    if "email" not in map(field_of, names):
        raise _no_address(names, at(place, lines.start))
    return names, delimiter


_FIRST_LINE = 'Begin the file with a line such as "email,name,topics".'


def _no_address(names: tuple[str, ...], place: str) -> DataError:
    if any("@" in name for name in names):
        return DataError("the first line is an entry, not a header", place=place, cure=_FIRST_LINE)
    near = nearest(names, "email")
    cure = f"Rename the column {quoted(near)} to “email”." if near else "Name the column of the addresses “email”."
    found = ", ".join(quoted(name, 40) for name in names[:12])
    return DataError(f"no column holds the address; the columns are {found}", place=place, cure=cure)


def _records(lines: _Lines, delimiter: str, place: str) -> Iterator[list[str] | Problem]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(at(place, lines.start), f"the row cannot be read: {error}",
                          "Close each quotation mark, and write one inside a quoted cell twice.")
            lines.resume()
        else:
            yield [_bare(cell) for cell in cells] if any("'" in line for line in lines.record) else cells


def _cell(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "; ".join(value)


_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""The beginning of a cell that a spreadsheet takes for a formula, as it is or after `_shielded`."""


def _shielded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    """The cell without the apostrophe that `_shielded`, or a careful spreadsheet, put in front of it."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell
