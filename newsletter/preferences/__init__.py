"""The preference file: who gets what, in a file that people edit, import and export.

    path ─▶ encoding ─▶ a format (table, jsonlines, jsonlist, yamllist, tomltables) ─▶ Row ─▶ people ─▶ Subscriber

A format knows lines and cells and nothing of newsletters; `columns` says which cell is which of our fields; `choices`
judges single cells, `variations` and `pause` those that speak of one newsletter and of a pause; `people` makes
subscribers. What is wrong with one row is a `Problem` with the row's line, and with a header one with the header's. The
file is read from front to back; a table and JSON Lines take the same memory however long they are.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from newsletter.errors import DataError, UsageError
from newsletter.model import Problem, Subscriber
from newsletter.preferences import encoding, jsonlines, jsonlist, people, table, tomltables, yamllist
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
    """The people of a preference file, in its order, each after the problems of its row.

    `topic` gives the slug for a word a person wrote, or None (`Topics.slug`); `suggestion` a topic that an unknown word
    may have meant, or "" (`Topics.suggestion`). `newsletters` are the names that newsletter.toml has. `place` is what
    messages call the file, its path if empty. The format goes by the extension. The same person twice comes twice.
    Raises `DataError`, at the first step of the iteration, for a file that cannot be used as a whole.
    """
    place = place or path.as_posix()
    form = _BY_SUFFIX.get(path.suffix.lower())
    if form is None:
        raise DataError(f'the extension "{path.suffix}" names no format that is read here', place=place,
                        cure=f"Save it with one of these extensions: {', '.join(_BY_SUFFIX)}.")
    with encoding.opened(path, place) as text:
        yield from people.read(form.read(text, place), place, Offer(topic, suggestion, newsletters))


def write(subscribers: Iterable[Subscriber], format: str, out: TextIO) -> None:
    """Writes a preference file that `read` gives back, but for `line` and `id`.

    `format` is csv, jsonl, json, yaml or toml. A file behind `out` must be open with `newline=""`. A CSV takes all
    subscribers into memory, as its first line names the columns of every one; the others write as they go. A cell of a
    CSV that a spreadsheet would run as a formula gets a leading apostrophe, which `read` takes away.
    Raises `UsageError` for an unknown format.
    """
    form = _BY_NAME.get(format)
    if form is None:
        cure = f"{meant(nearest(format, _BY_NAME))} Choose {', '.join(_BY_NAME)}.".strip()
        raise UsageError(f"{quoted(format)} is no format", cure=cure)
    form.write(map(people.fields, subscribers), out)
