"""The editor's overrides of which stories report the same news: `related.toml`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from newsletter import toml
from newsletter.errors import DataError
from newsletter.text import meant, nearest, quoted


@dataclass(frozen=True, slots=True)
class Together:
    """Stories that report the same news, however unlike they are."""

    stories: tuple[str, ...]
    """Each by its id, link or title."""
    pick: str = ""
    """The one that stands for all; empty leaves the choice to the rule."""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Apart:
    """Stories that report different news, however alike they are."""

    stories: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True, slots=True)
class Overrides:
    """The editor's decisions in `related.toml`."""

    together: tuple[Together, ...] = ()
    apart: tuple[Apart, ...] = ()

    @classmethod
    def parse(cls, text: str, *, place: str) -> "Overrides":
        """Reads the text of a `related.toml`; `place` is its name for errors. Raises `DataError` with file and line.

            [[together]]
            stories = ["https://news.example.org/a", "The title of b"]
            pick = "The title of b"

            [[apart]]
            stories = ["id-c", "id-d"]
        """
        document = toml.parse(text, place)
        for name in document.values:
            _known(name, ("together", "apart"), document.at(name))
        return cls(
            tuple(Together(_stories(entry, at), _pick(entry, at), at)
                  for entry, at in _entries(document, "together", ("stories", "pick"))),
            tuple(Apart(_stories(entry, at), at) for entry, at in _entries(document, "apart", ("stories",))),
        )


def _entries(document: toml.Document, kind: str, keys: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each table of a kind, with its place."""
    entries = document.values.get(kind, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{quoted(kind)} is not a list of tables", place=document.at(kind),
                        cure=f"Write [[{kind}]] with two brackets.")
    for index, entry in enumerate(entries):
        for key in entry:
            _known(key, keys, document.at(kind, index, key))
        yield entry, document.at(kind, index)


def _known(name: str, names: Sequence[str], place: str) -> None:
    if name not in names:
        cure = meant(nearest(name, names)) or f"Use {' or '.join(names)}."
        raise DataError(f"unknown key {quoted(name)}", place=place, cure=cure)


def _stories(entry: Mapping[str, Any], place: str) -> tuple[str, ...]:
    stories = entry.get("stories")
    if not isinstance(stories, list) or not all(isinstance(name, str) and name.strip() for name in stories):
        raise DataError("“stories” is not a list of texts", place=place,
                        cure='Write stories = ["…", "…"] with ids, links or titles.')
    if len(set(stories)) < 2:
        raise DataError("the entry names fewer than two stories", place=place,
                        cure="Name at least two different stories.")
    return tuple(dict.fromkeys(stories))


def _pick(entry: Mapping[str, Any], place: str) -> str:
    pick = entry.get("pick", "")
    if not isinstance(pick, str) or (pick and pick not in entry["stories"]):
        raise DataError(f"the pick {quoted(str(pick))} is not one of the entry's stories", place=place,
                        cure="Write it as it stands in the list, or leave it out.")
    return pick
