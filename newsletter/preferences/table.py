"""CSV and its kin (RFC 4180, and what spreadsheets make of it): comma, semicolon or tab, told by the header.

Empty lines and lines that begin with "#" are passed over. A quotation mark that is never closed costs its own line
alone.
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


def read(text: TextIO, place: str) -> Iterator[Row | Problem]:
    """The rows under the header. Raises `DataError` if no header is there, or none of its columns is the address."""
    lines = _Lines(text)
    header, delimiter = _header(lines, place)
    header_line = lines.start
    for record in _records(lines, delimiter, place):
        if isinstance(record, Problem):
            yield record
        elif len(record) > len(header) and any(record[len(header):]):
            yield Problem(at(place, lines.start), f"the row has {len(record)} cells, the header {len(header)}",
                          f'Put a cell with "{delimiter}" in it in quotation marks.')
        elif any(map(str.strip, record)):
            cells = record[:len(header)] + [""] * (len(header) - len(record))
            yield Row(lines.start, header, cells, header_line)


def write(people: Iterable[Fields], out: TextIO) -> None:
    """A header and a line for each; one that a spreadsheet shows and does not run (OWASP, "CSV injection")."""
    rows = list(people)
    used = dict.fromkeys(name for row in rows for name in row)
    ours = [name for name in FIELDS if name in used or name not in _RARE]
    names = ours + [name for name in used if name not in FIELDS]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_shielded, names))
    for row in rows:
        writer.writerow([_shielded(_cell(row.get(name, ""))) for name in names])


_RARE = ("newsletters", "paused_until", "quiet")
"""Columns that are left out where nobody uses them; an empty cell means the same."""


class _Lines:
    """Hands lines to csv.reader. Inside quotation marks it asks for more; so a record's first is known."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._number = 0
        self.record: list[str] = []
        """The lines of the record that is being read."""
        self.start = 0
        """The number of the first of them."""

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
        """The next line begins a record."""
        self.record = []

    def resume(self) -> None:
        """The record was none: its lines but the first are read again."""
        again = self.record[1:]
        self._again.extendleft(reversed(again))
        self._number -= len(again)

    def _line(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self._number += 1
        return line


_LONGEST = 100
"""Lines of one record: a note may have many, a forgotten quotation mark must not swallow the file."""


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
    cure = f'Rename the column "{near}" to "email".' if near else 'Name the column of the addresses "email".'
    shown = ", ".join(f'"{name[:40]}"' for name in names[:12])
    return DataError(f"no column holds the address; there is {shown}", place=place, cure=cure)


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
"""What a spreadsheet takes for a formula, and what `_shielded` makes of that."""


def _shielded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    """The cell without the apostrophe that `_shielded`, or a careful spreadsheet, put before it."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell
