"""The meaning of each column: one of our fields, one newsletter's field, a topic to tick, or a column that is kept."""

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
"""Maximum number of characters in the name of a column or a subscriber."""
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
_IMPLIED: Mapping[str, Status] = {
    "unsubscribed": "unsubscribed", "unsubscribedat": "unsubscribed", "unsubscribedate": "unsubscribed",
    "unsubscribeddate": "unsubscribed", "unsubscribedon": "unsubscribed", "unsubtime": "unsubscribed",
    "optedout": "unsubscribed", "optout": "unsubscribed", "optouttime": "unsubscribed", "optoutdate": "unsubscribed",
    "bounced": "bounced", "bouncedat": "bounced", "cleanedat": "bounced", "cleantime": "bounced",
    "complained": "complained", "complainedat": "complained", "markedasspamat": "complained",
    "deletedat": "removed", "removedat": "removed",
}
"""Columns of other programs' exports that hold a yes or a date for subscribers who get no more mail, and the status
that they imply."""
_ONE_FOR_ALL = ("newsletters", "language", "timezone", "format", "paused_until", "quiet")
"""Fields with one value for all newsletters of a subscriber."""
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a row, by their meaning."""

    ours: dict[str, int]
    """The index of each of our fields' cells; -1 for a field without one."""
    variations: tuple[Column, ...]
    """The columns that hold for one newsletter."""
    topics: tuple[tuple[int, str], ...]
    """Indices of columns that tick a topic, each with the topic's slug."""
    implied: tuple[tuple[int, Status], ...]
    """Indices of other programs' columns that imply a status, each with the status."""
    extra: tuple[tuple[int, str], ...]
    """Indices of the columns that are not ours, each with a unique name."""
    faults: tuple[Fault, ...]
    """The mistakes in the names."""


def columns(names: tuple[str, ...], offer: Offer) -> Columns:
    """The meaning of each name in a header. Our own name for a field takes precedence over synonyms, and the first
    synonym over the others."""
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
        tuple((index, _IMPLIED[plain[index]]) for index in kept if plain[index] in _IMPLIED),
        tuple(zip(kept, _distinct(names, kept), strict=True)),
        tuple(each.fault for each in headings if each.fault),
    )


def field_of(name: str) -> str:
    """The one of our fields that a column's name means; empty if it means none."""
    return _FIELD_OF.get(_plain(name), "")


def nearest(names: Collection[str], field: str) -> str:
    """The name in a header that may be meant for a field; empty if none resembles it."""
    by_word = {_plain(name): name for name in names}
    return by_word.get(text.nearest(field, by_word), "").strip()


class _Heading(NamedTuple):
    """The name of a column that is, or may be meant, for one newsletter."""

    column: Column | None
    """None if the column is not read as one newsletter's."""
    fault: Fault | None = None
    """The mistake in the name; a column with one is also kept as it is."""


def _heading(index: int, name: str, offer: Offer) -> _Heading | None:
    """The heading of a column that names one newsletter; None for any other column. A status for an unknown newsletter
    silences the newsletter that is probably meant."""
    left, _, right = unicodedata.normalize("NFKC", name).partition(":")
    field, newsletter, near = field_of(left), offer.newsletter(right), offer.newsletter_like(right)
    if field in VARYING and newsletter:
        return _Heading(Column(index, field, newsletter))
    if field in VARYING and right.strip():
        cure = text.meant(near and f"{field}:{near}") or "Write a newsletter from newsletter.toml after the colon."
        column = Column(index, field, near) if near and field == "status" else None
        return _Heading(column, Fault(f"the column {text.quoted(name.strip())} names an unknown newsletter", cure))
    if newsletter and (field in _ONE_FOR_ALL or text.nearest(left.strip(), VARYING)):
        allowed = ", ".join(f"“{each}:{newsletter}”" for each in VARYING)
        cure = f"Rename it to one of {allowed}: only these can differ."
        return _Heading(None, Fault(f"unknown column {text.quoted(name.strip())} for one newsletter", cure))
    return None


def _plain(name: str) -> str:
    """ "E-Mail Address" → "emailaddress"."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", name).casefold())


def _distinct(names: tuple[str, ...], indices: list[int]) -> Iterator[str]:
    """Clean and unique names for the columns that are kept: "Group", "Group (2)", "column 7"."""
    taken: set[str] = set()
    for index in indices:
        name = given = text.line(names[index], LONGEST) or f"column {index + 1}"
        count = 1
        while name in taken:
            count += 1
            name = f"{given} ({count})"
        taken.add(name)
        yield name
