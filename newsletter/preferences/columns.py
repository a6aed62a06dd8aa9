"""Which cell of a row is which: our fields, topics to tick, and columns of others that are kept."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from newsletter import text
from newsletter.model import Status

LONGEST = 100
"""Characters of a column's name and of a subscriber's."""
FIELDS = ("email", "name", "topics", "frequency", "language", "timezone", "format", "status", "note", "quiet")
"""Our fields in the order in which they are written."""

_SYNONYMS = {
    "email": ("emailaddress", "mail", "mailaddress", "emailadresse", "deineemailadresse", "adresseemail"),
    "name": ("fullname", "displayname", "subscribername"),
    "topics": ("topic", "interests", "interest", "subjects", "tags"),
    "frequency": ("howoften", "cadence"),
    "language": ("lang", "locale"),
    "timezone": ("tz", "zone"),
    "format": ("emailformat", "mailformat"),
    "status": ("state", "subscriptionstatus"),
    "note": ("notes", "comment", "comments"),
}
_FIELD_OF = {word: field for field, words in _SYNONYMS.items() for word in words} | {field: field for field in FIELDS}
_GONE: Mapping[str, Status] = {
    "unsubscribed": "unsubscribed", "unsubscribedat": "unsubscribed", "unsubscribedate": "unsubscribed",
    "unsubscribeddate": "unsubscribed", "unsubscribedon": "unsubscribed", "unsubtime": "unsubscribed",
    "optedout": "unsubscribed", "optout": "unsubscribed", "optouttime": "unsubscribed", "optoutdate": "unsubscribed",
    "bounced": "bounced", "bouncedat": "bounced", "cleanedat": "bounced", "cleantime": "bounced",
    "complained": "complained", "complainedat": "complained", "markedasspamat": "complained",
    "deletedat": "removed", "removedat": "removed",
}
"""Columns by which other programs' exports say since when somebody gets no more mail, or whether."""
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """A reading of the names of a row's cells."""

    ours: dict[str, int]
    """Each of our fields and the index of its cell; -1 where there is none."""
    topics: tuple[tuple[int, str], ...]
    """Indices of columns that tick a topic, with its slug."""
    gone: tuple[tuple[int, Status], ...]
    """Indices of columns that say of somebody that they are gone, and how."""
    extra: tuple[tuple[int, str], ...]
    """Indices of the columns that are not ours, each with a name of its own."""


def columns(names: tuple[str, ...], topic: Callable[[str], str | None]) -> Columns:
    """Reads a header. Our own name for a field goes before a synonym, the first synonym before the next."""
    plain = [_plain(name) for name in names]
    ours = {}
    for field in FIELDS:
        synonyms = (index for index, word in enumerate(plain) if _FIELD_OF.get(word) == field)
        ours[field] = plain.index(field) if field in plain else next(synonyms, -1)
    others = [index for index in range(len(names)) if index not in ours.values()]
    ticks = tuple((index, slug) for index in others if plain[index] and (slug := topic(names[index].strip())))
    ticked = {index for index, _ in ticks}
    kept = [index for index in others if index not in ticked]
    gone = tuple((index, _GONE[plain[index]]) for index in kept if plain[index] in _GONE)
    return Columns(ours, ticks, gone, tuple(zip(kept, _distinct(names, kept), strict=True)))


def field_of(name: str) -> str:
    """Which of our fields a column's name means; empty for none."""
    return _FIELD_OF.get(_plain(name), "")


def nearest(names: Collection[str], field: str) -> str:
    """the name among a header's that may have been meant for a field; empty if none looks like it."""
    by_word = {_plain(name): name for name in names}
    return by_word.get(text.nearest(field, by_word), "").strip()


def _plain(name: str) -> str:
    """ "E-Mail Address" → "emailaddress"."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", name).casefold())


def _distinct(names: tuple[str, ...], indices: list[int]) -> Iterator[str]:
    """Names for columns that are kept, clean and never twice the same: "Group", "Group (2)", "column 7"."""
    taken: set[str] = set()
    for index in indices:
        name = given = text.line(names[index], LONGEST) or f"column {index + 1}"
        count = 1
        while name in taken:
            count += 1
            name = f"{given} ({count})"
        taken.add(name)
        yield name
