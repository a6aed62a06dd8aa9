"""The preference file: the subscribers and their choices, in a file that a desk edits, imports and exports.

    path ─▶ encoding ─▶ a format (table, jsonlines, jsonlist, yamllist, tomltables) ─▶ Row ─▶ subscribers ─▶ Subscriber

A format knows lines and cells and nothing of newsletters; `columns` finds the field that each cell belongs to;
`choices` reads single cells, `variations` the cells of one newsletter and `pause` those of a pause; `subscribers` makes
subscribers of them. A mistake in a row is a `Problem` with the row's line, a mistake in a header one with the header's
line. The file is read from front to back; a table and JSON Lines take the same memory however long they are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from newsletter.errors import DataError, UsageError
from newsletter.model import Problem, Subscriber
from newsletter.preferences import encoding, jsonlines, jsonlist, table, tomltables, yamllist
from newsletter.preferences import subscribers as rows
from newsletter.preferences.offer import Offer
from newsletter.preferences.row import Format
from newsletter.text import meant, nearest, quoted

_BY_SUFFIX: Mapping[str, Format] = {
    ".csv": table, ".tsv": table, ".jsonl": jsonlines, ".ndjson": jsonlines, ".json": jsonlist,
    ".yaml": yamllist, ".yml": yamllist, ".toml": tomltables,
}
_BY_NAME: Mapping[str, Format] = {
    "csv": table, "jsonl": jsonlines, "json": jsonlist, "yaml": yamllist, "toml": tomltables,
}


def _no_suggestion(word: str) -> str:
    return ""


def read(
    path: Path, *,
    topic: Callable[[str], str | None],
    suggestion: Callable[[str], str] = _no_suggestion,
    newsletters: Collection[str] = (),
    place: str = "",
) -> Iterator[Subscriber | Problem]:
    """The subscribers of a preference file, in its order, each after the problems of its row.

    `topic` gives the slug of the topic that a word names, or None (`Topics.slug`); `suggestion` the topic that an
    unknown word may mean, or "" (`Topics.suggestion`). `newsletters` are the names in newsletter.toml. `place` is the
    file's name in messages; if empty, its path. The extension decides the format. A subscriber with two rows is
    yielded twice. Raises `DataError`, at the first step of the iteration, for a file that cannot be used as a whole.
    """
    place = place or path.as_posix()
    form = _BY_SUFFIX.get(path.suffix.lower())
    if form is None:
        raise DataError(f"the extension {quoted(path.suffix)} is not supported", place=place,
                        cure=f"Save the file with one of these extensions: {', '.join(_BY_SUFFIX)}.")
    with encoding.opened(path, place) as text:
        yield from rows.read(form.read(text, place), place, Offer(topic, suggestion, newsletters))


def write(subscribers: Iterable[Subscriber], format: str, out: TextIO) -> None:
    """Writes a preference file from which `read` gives the same subscribers, except for `line` and `id`.

    `format` is csv, jsonl, json, yaml or toml. A file behind `out` must be open with `newline=""`. Writing CSV holds
    all subscribers in memory, since the header names every column that any of them has; the other formats are written
    one subscriber at a time. A CSV cell that a spreadsheet would run as a formula gets a leading apostrophe, which
    `read` removes. Raises `UsageError` for an unknown format.
    """
    form = _BY_NAME.get(format)
    if form is None:
        cure = f"{meant(nearest(format, _BY_NAME))} Choose one of: {', '.join(_BY_NAME)}.".strip()
        raise UsageError(f"unknown format {quoted(format)}", cure=cure)
    form.write(map(rows.fields, subscribers), out)
