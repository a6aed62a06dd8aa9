"""Which cell of a row is which: our fields, those of one newsletter, topics to tick, and columns that are kept."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from newsletter import text
from newsletter.model import Status
from newsletter.preferences.choices import Fault
from newsletter.preferences.offer import Offer
from newsletter.preferences.variations import FIELDS as VARYING
from newsletter.preferences.variations import Column

LONGEST = 100
"""Characters of a column's name and of a subscriber's."""
FIELDS = ("email", "name", "topics", "newsletters", "frequency", "language", "timezone", "format", "status",
          "paused_until", "note", "quiet")
"""Our fields in the order in which they are written."""

_SYNONYMS = {
    "email": ("emailaddress", "mail", "mailaddress", "emailadresse", "deineemailadresse", "adresseemail"),
    "name": ("fullname", "displayname", "subscribername"),
    "topics": ("topic", "interests", "interest", "subjects", "tags"),
    "newsletters": ("newsletter",),
    "frequency": ("howoften", "cadence"),
    "language": ("lang", "locale"),
    "timezone": ("tz", "zone"),
    "format": ("emailformat", "mailformat"),
    "status": ("state", "subscriptionstatus"),
    "paused_until": ("pauseuntil", "pausedtill", "pausetill"),
    "note": ("notes", "comment", "comments"),
}
_FIELD_OF = {word: field for field, words in _SYNONYMS.items() for word in words} | {
    field.replace("_", ""): field for field in FIELDS}
_GONE: Mapping[str, Status] = {
    "unsubscribed": "unsubscribed", "unsubscribedat": "unsubscribed", "unsubscribedate": "unsubscribed",
    "unsubscribeddate": "unsubscribed", "unsubscribedon": "unsubscribed", "unsubtime": "unsubscribed",
    "optedout": "unsubscribed", "optout": "unsubscribed", "optouttime": "unsubscribed", "optoutdate": "unsubscribed",
    "bounced": "bounced", "bouncedat": "bounced", "cleanedat": "bounced", "cleantime": "bounced",
    "complained": "complained", "complainedat": "complained", "markedasspamat": "complained",
    "deletedat": "removed", "removedat": "removed",
}
"""Columns by which other programs' exports say since when somebody gets no more mail, or whether."""
_ONE_FOR_ALL = ("newsletters", "language", "timezone", "format", "paused_until", "quiet")
"""Fields that hold for every newsletter of a subscriber."""
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """A reading of the names of a row's cells."""

    ours: dict[str, int]
    """Each of our fields and the index of its cell; -1 where there is none."""
    variations: tuple[Column, ...]
    """The columns of one newsletter."""
    topics: tuple[tuple[int, str], ...]
    """Indices of columns that tick a topic, with its slug."""
    gone: tuple[tuple[int, Status], ...]
    """Indices of columns that say of somebody that they are gone, and how."""
    extra: tuple[tuple[int, str], ...]
    """Indices of the columns that are not ours, each with a name of its own."""
    faults: tuple[Fault, ...]
    """What is wrong with the names."""


def columns(names: tuple[str, ...], offer: Offer) -> Columns:
    """Reads a header. Our own name for a field goes before a synonym, the first synonym before the next."""
    plain = [_plain(name) for name in names]
    ours = {}
    for field in FIELDS:
        meant = [index for index, word in enumerate(plain) if _FIELD_OF.get(word) == field]
        ours[field] = next((index for index in meant if plain[index] == _plain(field)), meant[0] if meant else -1)
    others = [index for index in range(len(names)) if index not in ours.values()]
    headings = [each for index in others if (each := _heading(index, names[index], offer))]
    ticks = tuple((index, slug) for index in others if plain[index] and (slug := offer.topic(names[index].strip())))
    read = {index for index, _ in ticks} | {each.column.position for each in headings
                                            if each.column and not each.fault}
    kept = [index for index in others if index not in read]
    return Columns(
        ours,
        tuple(each.column for each in headings if each.column),
        ticks,
        tuple((index, _GONE[plain[index]]) for index in kept if plain[index] in _GONE),
        tuple(zip(kept, _distinct(names, kept), strict=True)),
        tuple(each.fault for each in headings if each.fault),
    )


def field_of(name: str) -> str:
    """Which of our fields a column's name means; empty for none."""
    return _FIELD_OF.get(_plain(name), "")


def nearest(names: Collection[str], field: str) -> str:
    """the name among a header's that may have been meant for a field; empty if none looks like it."""
    by_word = {_plain(name): name for name in names}
    return by_word.get(text.nearest(field, by_word), "").strip()


class _Heading(NamedTuple):
    """The name of a column that is, or may be meant, for one newsletter."""

    column: Column | None
    """None if it is not read as one."""
    fault: Fault | None = None
    """With a fault the column is also kept as it is."""


def _heading(index: int, name: str, offer: Offer) -> _Heading | None:
    """None for any other column. A status for an unknown newsletter silences the one that is probably meant."""
    left, _, right = unicodedata.normalize("NFKC", name).partition(":")
    field, newsletter, near = field_of(left), offer.newsletter(right), offer.newsletter_like(right)
    if field in VARYING and newsletter:
        return _Heading(Column(index, field, newsletter))
    if field in VARYING and right.strip():
        cure = text.meant(near and f"{field}:{near}") or "Name a newsletter of newsletter.toml after the colon."
        column = Column(index, field, near) if near and field == "status" else None
        return _Heading(column, Fault(f"the column {text.quoted(name.strip())} names no newsletter", cure))
    if newsletter and (field in _ONE_FOR_ALL or text.nearest(left.strip(), VARYING)):
        cure = f"Name it {', '.join(f'“{each}:{newsletter}”' for each in VARYING)}: only these can differ."
        return _Heading(None, Fault(f"the column {text.quoted(name.strip())} has no meaning", cure))
    return None


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
