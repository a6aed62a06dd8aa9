"""The output of a benchmark: progress on standard error, figures on standard output."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence

Row = Mapping[str, str | float]
"""One row of the table, by column; all rows of a table have the same columns."""


def arguments(description: str | None) -> ArgumentParser:
    """A parser with the options that most benchmarks have."""
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=30, help="stories of the issue (30)")
    parser.add_argument("--sets", type=int, default=2000, help="distinct sets of topics (2000)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, one object a row")
    return parser


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """Prints the rows as a table for people, or as JSON for programs."""
    print(json.dumps(rows, indent=1) if as_json else _table(rows))


def _table(rows: Sequence[Row]) -> str:
    columns = list(rows[0])
    cells = [columns, *([_cell(row[name]) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numbers = [isinstance(value, int | float) for value in rows[0].values()]
    return "\n".join("  ".join(
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(line, widths, numbers, strict=True)).rstrip() for line in cells)


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,}"
