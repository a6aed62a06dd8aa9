"""The values of single cells, and the fault to report for a cell that means nothing."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Literal, NamedTuple, TypeVar

from babel.core import Locale, UnknownLocaleError, parse_locale

from newsletter import timezones
from newsletter.model import Frequency, Quiet, Status
from newsletter.preferences.offer import Offer
from newsletter.text import DASHES, hyphened, line, meant, nearest, quoted

T = TypeVar("T")


class Fault(NamedTuple):
    """A mistake in a cell: a `Problem` without its place."""

    found: str
    cure: str


class Reading(NamedTuple, Generic[T]):
    """The value of a cell, and the mistakes in it."""

    value: T
    faults: tuple[Fault, ...] = ()


class Choice(NamedTuple):
    """The topics or newsletters chosen in one cell, and those excluded."""

    chosen: tuple[str, ...]
    excluded: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary(Generic[T]):
    """The words of one column, and their values."""

    what: str
    """The name of such a word in messages: "frequency"."""
    words: Mapping[str, T]
    empty: T
    """The value of an empty cell."""
    unknown: T
    """The value of a word that resembles none of the words, or one with the loudest value."""
    loudest: T | None
    """The value that leads to more mail than the others, if there is one: never guessed, never proposed."""

    def read(self, cell: str) -> Reading[T]:
        """The value of a cell. An unknown word has the value of the word it resembles, except for the loudest: one
        mail too few is better than one too many."""
        word = _folded(cell)
        if not word:
            return Reading(self.empty)
        if word in self.words:
            return Reading(self.words[word])
        near = nearest(word, self.words, never=[known for known, value in self.words.items() if value == self.loudest])
        allowed = ", ".join(dict.fromkeys(str(value) for value in self.words.values()))
        cure = meant(near and str(self.words[near])) or f"Write one of: {allowed}."
        value = self.words[near] if near else self.unknown
        return Reading(value, (Fault(f"unknown {self.what} {quoted(cell)}", cure),))


_NO = ("never", "none", "no", "n", "0", "off", "false", "stop", "stopped", "nothing", "unsubscribe", "unsubscribed",
       "cancel", "canceled", "cancelled", "pause", "paused", "inactive", "disabled")
"""Words that ask for no mail."""
_NO_MORE = re.compile(r"(?:no|not|never|stop|off|do-not|don.?t)(?:-.*)?")

_FREQUENCIES = Vocabulary[Frequency]("frequency", {
    "every": "every", "each": "every", "weekly": "weekly", "fortnightly": "fortnightly", "biweekly": "fortnightly",
    "bi-weekly": "fortnightly", "monthly": "monthly", **dict.fromkeys(_NO, "never"),
}, empty="every", unknown="every", loudest="every")
_STATUSES = Vocabulary[Status]("status", {
    "active": "active", "subscribed": "active", "paused": "paused", "pending": "pending", "unconfirmed": "pending",
    "unsubscribed": "unsubscribed", "bounced": "bounced", "cleaned": "bounced", "complained": "complained",
    "removed": "removed",
}, empty="active", unknown="paused", loudest="active")
_FORMATS = Vocabulary[Literal["html", "text"]]("format", {
    "html": "html", "text": "text", "plain": "text", "plain-text": "text", "plaintext": "text",
}, empty="html", unknown="html", loudest=None)
_QUIETS = Vocabulary[Quiet | Literal[""]]("choice for quiet issues", {
    "skip": "skip", "roll-over": "roll-over", "rollover": "roll-over", "note": "note",
}, empty="", unknown="", loudest="note")
_TICKS = Vocabulary[bool]("tick", {
    "x": True, "✓": True, "✔": True, "yes": True, "y": True, "true": True, "1": True, "on": True,
    "no": False, "n": False, "false": False, "0": False, "off": False,
}, empty=False, unknown=False, loudest=True)


@lru_cache(maxsize=1024)
def frequency(cell: str) -> Reading[Frequency]:
    """The frequency; `every` for an empty cell, and `never` for every kind of no."""
    word = _folded(cell)
    if word not in _NO and _NO_MORE.fullmatch(word):
        return Reading("never", (Fault(f"unknown frequency {quoted(cell)}", meant("never")),))
    return _FREQUENCIES.read(cell)


@lru_cache(maxsize=1024)
def status(cell: str) -> Reading[Status]:
    """The status: `active` for an empty cell, `paused` for an unknown word, so that no mail goes out by accident."""
    return _STATUSES.read(cell)


@lru_cache(maxsize=1024)
def format(cell: str) -> Reading[Literal["html", "text"]]:
    """The format; `html` for an empty cell."""
    return _FORMATS.read(cell)


@lru_cache(maxsize=1024)
def quiet(cell: str) -> Reading[Quiet | Literal[""]]:
    """The handling of quiet issues; an empty cell leaves it to the newsletter."""
    return _QUIETS.read(cell)


@lru_cache(maxsize=1024)
def ticked(cell: str) -> Reading[bool]:
    """Whether a topic's own column has a tick."""
    return _TICKS.read(cell)


def holds(cell: str) -> bool:
    """Whether a cell of another program's column confirms its name, by a yes or a date: anything but an empty cell, a
    no or a zero."""
    word = cell.strip().casefold()
    return bool(word) and _TICKS.words.get(word, True)


@lru_cache(maxsize=1024)
def zone(cell: str) -> Reading[str]:
    """The IANA name of a time zone, in any case; empty for an empty cell."""
    if not cell.strip():
        return Reading("")
    if name := timezones.zone(cell):
        return Reading(name)
    cure = meant(timezones.nearest(cell)) or "Write an IANA name such as “Europe/London”."
    return Reading("", (Fault(f"unknown time zone {quoted(cell.strip())}", cure),))


@lru_cache(maxsize=1024)
def language(cell: str) -> Reading[str]:
    """A BCP 47 tag that the Unicode CLDR knows, in the letter case of RFC 5646, section 2.1.1: "pt-BR", "zh-Hant"."""
    word = cell.strip()
    if not word:
        return Reading("")
    tag = word.replace("_", "-")
    try:
        if not _TAG.fullmatch(tag):
            raise ValueError(tag)
        Locale.parse(tag, sep="-")
        spoken, territory, script, variant = parse_locale(tag, sep="-")[:4]
    except (ValueError, UnknownLocaleError):
        return Reading("", (Fault(f"unknown language {quoted(word)}", 'Write its code, such as "en" or "pt-BR".'),))
    return Reading("-".join(filter(None, (spoken, script, territory, variant and variant.lower()))))


def topics(cell: str, topic: Callable[[str], str | None], suggestion: Callable[[str], str]) -> Reading[Choice]:
    """The topics chosen in a cell, in its order, and those excluded with a leading hyphen, dash or minus sign.

    Unknown words are left out; an unknown word that is excluded excludes the topic that it probably means.
    """
    chosen: dict[str, None] = {}
    excluded: dict[str, None] = {}
    faults = []
    for word in _words(cell, topic):
        excludes, name = bool(_EXCLUDING.match(word)), _bare(word)
        slug = "*" if word == "*" else topic(name)
        if slug is not None:
            (excluded if excludes else chosen)[slug] = None
            continue
        excludes, name = bool(_DENIAL.match(word)), _DENIAL.sub("", word)
        near = (topic(name) and name) or suggestion(name)
        faults.append(_unknown_topic(word, name, f"-{near}" if near and excludes else near))
        if excludes and (probable := near and topic(near)):
            excluded[probable] = None  # a topic too few is better than an unwanted one
    return Reading(Choice(tuple(chosen), tuple(excluded)), tuple(faults))


_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_EXCLUDING = re.compile(rf"\s*[{DASHES}][{DASHES}\s]*")
_DENIAL = re.compile(rf"""\A(?:[\s"]*(?:[{DASHES}!]|(?:no|not|without|except)\s)[\s"]*)+""", re.IGNORECASE)
"""The words and marks in front of an unknown word that exclude it."""
_ALL = ("all", "everything", "any")
_AROUND = ' \t"'  # some programs export a list as "one","two" in one cell


def _folded(cell: str) -> str:
    return hyphened(cell).strip().casefold().replace("_", "-").replace(" ", "-")


def _bare(word: str) -> str:
    """A word of a topics cell without the mark that excludes it."""
    return _EXCLUDING.sub("", word, 1).strip() if _EXCLUDING.match(word) else word


def _words(cell: str, topic: Callable[[str], str | None]) -> list[str]:
    """The words of a topics cell; a comma inside a topic's own label does not separate words."""
    words = []
    for item in re.split(r"[;\n]", cell):
        item = item.strip(_AROUND)
        words += [item] if topic(_bare(item)) else re.split(r"[,|]", item)
    return [word for written in words if (word := written.strip(_AROUND))]


def _unknown_topic(word: str, name: str, near: str) -> Fault:
    """`name` is the word without the mark that excludes it, `near` the topic that may be meant."""
    if name == "*":
        return Fault(f"{quoted(word)} would exclude everything", "Write “paused” as the status of this subscriber.")
    if word.casefold() in _ALL:
        return Fault(f"unknown topic {quoted(word)}", "Write “*” for all topics.")
    cure = meant(near) or "Write a topic from topics.toml, or add this one to it."
    return Fault(f"unknown topic {quoted(word)}", cure)


# --- Newsletters ----------------------------------------------------------------------------------------------


def newsletters(cell: str, offer: Offer) -> Reading[Choice]:
    """The newsletters named in a cell, in its order, and those excluded as topics are; `-*` is none at all.

    An unknown name is reported and kept: a cell that names something never means the same as an empty one. An unknown
    name that is excluded also excludes the newsletter that it probably means.
    """
    chosen: dict[str, None] = {}
    excluded: dict[str, None] = {}
    faults = []
    for word in map(line, _words(cell, offer.newsletter)):
        excludes, name = bool(_EXCLUDING.match(word)), _bare(word).strip(_AROUND)
        known = "*" if name == "*" else offer.newsletter(name)
        if known is None and word:
            excludes, name = bool(_DENIAL.match(word)), _DENIAL.sub("", word).strip(_AROUND)
            near = offer.newsletter(name) or offer.newsletter_like(name)
            faults.append(_unknown_newsletter(word, f"-{near}" if near and excludes else near))
            if excludes and near:
                excluded[near] = None
        if word:
            (excluded if excludes else chosen)[known or name or "*"] = None
    return Reading(Choice(tuple(chosen), tuple(excluded)), tuple(faults))


def listing(chosen: Iterable[str], excluded: Iterable[str]) -> list[str]:
    """The items of a cell of topics or newsletters."""
    return [*chosen, *(f"-{name}" for name in excluded)]


def is_blank(cell: str) -> bool:
    """Whether a cell names nothing: spaces and separators are not a choice."""
    return not cell.strip(f"{_AROUND}\r\n;,|")


def _unknown_newsletter(word: str, near: str) -> Fault:
    if word.casefold() in _ALL:
        return Fault(f"unknown newsletter {quoted(word)}", "Write “*” for all newsletters.")
    cure = meant(near) or "Write a newsletter from newsletter.toml, “*” for all of them or “-*” for none."
    return Fault(f"unknown newsletter {quoted(word)}", cure)
