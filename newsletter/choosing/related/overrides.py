"""The editor's word on which stories tell the same news: `related.toml`."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from newsletter.errors import DataError


@dataclass(frozen=True, slots=True)
class Together:
    """Stories that tell the same news, whatever they look like."""

    stories: tuple[str, ...]
    """Each by its id, link or title."""
    pick: str = ""
    """Which of them stands for all; empty leaves the choice to the rule."""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Apart:
    """Stories that tell different news, however alike they are."""

    stories: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the editor decided in `related.toml`."""

    together: tuple[Together, ...] = ()
    apart: tuple[Apart, ...] = ()

    @classmethod
    def parse(cls, text: str, *, place: str) -> "Overrides":
        """Reads the text of a `related.toml`; `place` is its name for errors. Raises DataError with file and line.

            [[together]]
            stories = ["https://news.example.org/a", "The title of b"]
            pick = "The title of b"

            [[apart]]
            stories = ["id-c", "id-d"]
        """
        try:
            tables = tomllib.loads(text.removeprefix("\ufeff"))
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            line = found[1] if found else len(text.splitlines())
            raise DataError(f"this is not TOML: {error}", place=f"{place}:{line}",
                            cure="Correct the line; strings stand in double quotes.") from error
        for name in tables:
            _known(name, ("together", "apart"), place)
        return cls(
            tuple(Together(_stories(entry, at), _pick(entry, at), at)
                  for entry, at in _entries(tables, "together", ("stories", "pick"), text, place)),
            tuple(Apart(_stories(entry, at), at)
                  for entry, at in _entries(tables, "apart", ("stories",), text, place)),
        )


def _entries(
    tables: Mapping[str, Any], kind: str, keys: Sequence[str], text: str, place: str
) -> Iterator[tuple[dict[str, Any], str]]:
    entries = tables.get(kind, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f'"{kind}" is not a list of tables', place=place, cure=f"Write [[{kind}]] with two brackets.")
    header = re.compile(rf"^[ \t]*\[\[[ \t]*{kind}[ \t]*\]\]", re.MULTILINE)
    lines = [text.count("\n", 0, found.start()) + 1 for found in header.finditer(text)]
    for index, entry in enumerate(entries):
        at = f"{place}:{lines[index]}" if index < len(lines) else place
        for key in entry:
            _known(key, keys, at)
        yield entry, at


def _known(name: str, names: Sequence[str], place: str) -> None:
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        cure = f'Did you mean "{close[0]}"?' if close else f"Use {' or '.join(names)}."
        raise DataError(f'unknown key "{name}"', place=place, cure=cure)


def _stories(entry: Mapping[str, Any], place: str) -> tuple[str, ...]:
    stories = entry.get("stories")
    if not isinstance(stories, list) or not all(isinstance(name, str) and name.strip() for name in stories):
        raise DataError('"stories" is not a list of texts', place=place,
                        cure='Write stories = ["…", "…"] with ids, links or titles.')
    if len(set(stories)) < 2:
        raise DataError("fewer than two stories", place=place, cure="Name at least two different stories.")
    return tuple(dict.fromkeys(stories))


def _pick(entry: Mapping[str, Any], place: str) -> str:
    pick = entry.get("pick", "")
    if not isinstance(pick, str) or (pick and pick not in entry["stories"]):
        raise DataError(f'the pick "{pick}" is not one of the entry\'s stories', place=place,
                        cure="Write it as it stands in the list, or leave it out.")
    return pick
