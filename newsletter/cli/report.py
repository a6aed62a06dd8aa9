"""The output of commands: results on standard output as tables or JSON, problems and progress on standard error."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from newsletter.model import Problem

IssueName = Annotated[str, typer.Argument(metavar="ISSUE", help="An issue's id, or latest.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

SHOWN_PROBLEMS = 20
PLAIN_LINE_EVERY = 5.0
"""Seconds between progress lines where there is no terminal."""


def example(*lines: str) -> str:
    """The examples below a command's help, one a line."""
    return "Examples:\n\n" + "\n\n".join(f"  {line}" for line in lines)


def result(
    data: object, *, as_json: bool, words: Callable[[], None], problems: Iterable[Problem] = (),
    then: Sequence[str] = (),
) -> None:
    """Prints a command's result: by calling `words`, or with `as_json` as one document.

    `problems` stopped nothing and are reported next to the result; `then` are commands that the reader may type next.
    """
    problems = tuple(problems)
    if as_json:
        document = {"ok": True, "data": data, "warnings": [str(each) for each in problems], "next": list(then)}
        print(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        return
    complain(problems)
    words()
    for command in then:
        say(f"next: {command}")


def say(message: str) -> None:
    """Prints a message on standard error, so that standard output stays data."""
    print(message, file=sys.stderr)


def complain(problems: Sequence[Problem]) -> None:
    """Prints problems that stopped nothing, at most `SHOWN_PROBLEMS` of them, on standard error."""
    for problem in problems[:SHOWN_PROBLEMS]:
        say(f"! {problem}")
    if len(problems) > SHOWN_PROBLEMS:
        say(f"! … and {len(problems) - SHOWN_PROBLEMS} more (--json lists all)")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table on standard output, separated by tabs if that is no terminal, so that cut and awk can read it."""
    if not sys.stdout.isatty():
        for row in (headings, *rows):
            print("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*(Text(str(cell)) for cell in row))
    Console().print(drawn)


def facts(pairs: Mapping[str, object]) -> None:
    """Prints names and values on standard output, one pair a line, aligned."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {value}")


@contextmanager
def progress(words: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Shows progress on standard error: a bar with rate and time left on a terminal, else a line every few seconds.

    Yields a function to be called with the count so far. `words` names the work.
    """
    if sys.stderr.isatty():
        yield from _bar(words, total)
    else:
        yield _lines(words, total)


def _bar(words: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=total, rate="")
        began = time.monotonic()

        def advance(done: int) -> None:
            rate = done / max(time.monotonic() - began, 0.001)
            bar.update(task, completed=done, rate=f"{rate:,.0f}/s")

        yield advance


def _lines(words: str, total: int | None) -> Callable[[int], None]:
    began = last = time.monotonic()

    def advance(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PLAIN_LINE_EVERY:
            last, rate = now, done / (now - began)
            left = f", {(total - done) / rate:,.0f} s left" if total and rate else ""
            say(f"{words}: {done:,}{f' of {total:,}' if total else ''}, {rate:,.0f}/s{left}")

    return advance
