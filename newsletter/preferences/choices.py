"""Single cells: what a person wrote, the value it means, and what to tell them if it means none."""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Generic, Literal, NamedTuple, TypeVar

from babel.core import Locale, UnknownLocaleError, parse_locale

from newsletter.model import Frequency, Quiet, Status

T = TypeVar("T")


class Fault(NamedTuple):
    """What is wrong with a cell: a `Problem` that does not know its place yet."""

    found: str
    cure: str


class Reading(NamedTuple, Generic[T]):
    """The value of a cell, and what was wrong with it."""

    value: T
    faults: tuple[Fault, ...] = ()


class Choice(NamedTuple):
    """The topics of one cell."""

    topics: tuple[str, ...]
    excluded: tuple[str, ...]


_FREQUENCIES: Mapping[str, Frequency] = {
    "every": "every", "each": "every", "weekly": "weekly", "fortnightly": "fortnightly", "biweekly": "fortnightly",
    "bi-weekly": "fortnightly", "monthly": "monthly", "never": "never", "none": "never",
}
_STATUSES: Mapping[str, Status] = {
    "active": "active", "subscribed": "active", "paused": "paused", "pending": "pending", "unconfirmed": "pending",
    "unsubscribed": "unsubscribed", "bounced": "bounced", "cleaned": "bounced", "complained": "complained",
    "removed": "removed",
}
_FORMATS: Mapping[str, Literal["html", "text"]] = {
    "html": "html", "text": "text", "plain": "text", "plain-text": "text", "plaintext": "text",
}
_QUIETS: Mapping[str, Quiet] = {"skip": "skip", "roll-over": "roll-over", "rollover": "roll-over", "note": "note"}
_TICKS = {"x": True, "✓": True, "✔": True, "yes": True, "y": True, "true": True, "1": True, "on": True,
          "": False, "no": False, "n": False, "false": False, "0": False, "off": False}


@lru_cache(maxsize=1024)
def frequency(cell: str) -> Reading[Frequency]:
    """How often; `every` for an empty cell."""
    return _choice(cell, _FREQUENCIES, "frequency", empty="every", unknown="every")


@lru_cache(maxsize=1024)
def status(cell: str) -> Reading[Status]:
    """Active for an empty cell, but silence for a word nobody knows: no mail goes out by accident."""
    return _choice(cell, _STATUSES, "status", empty="active", unknown="paused")


@lru_cache(maxsize=1024)
def format(cell: str) -> Reading[Literal["html", "text"]]:
    """`html` for an empty cell."""
    return _choice(cell, _FORMATS, "format", empty="html", unknown="html")


@lru_cache(maxsize=1024)
def quiet(cell: str) -> Reading[Quiet | Literal[""]]:
    """Empty means as the newsletter says."""
    words: Mapping[str, Quiet | Literal[""]] = {**_QUIETS}
    return _choice(cell, words, "way with a quiet issue", empty="", unknown="")


@lru_cache(maxsize=1024)
def ticked(cell: str) -> Reading[bool]:
    """Whether a topic's own column has a tick."""
    return _choice(cell, _TICKS, "tick", empty=False, unknown=False)


def holds(cell: str) -> bool:
    """Whether a cell says that something is so, or since when: anything but nothing, a no and a nought."""
    return _TICKS.get(cell.strip().casefold(), True)


@lru_cache(maxsize=1024)
def zone(cell: str) -> Reading[str]:
    """The IANA name of a time zone, in any case; empty for an empty cell."""
    word = cell.strip()
    if not word:
        return Reading("")
    folded = word.replace(" ", "_").casefold()
    if name := _zones().get(folded):
        return Reading(name)
    city = next((name for name in _zones().values() if name.casefold().endswith("/" + folded)), "")
    near = city or next((_zones()[key] for key in get_close_matches(folded[:60], _zones(), n=1)), "")
    return Reading("", (Fault(f"{_shown(word)} is no time zone", _meant(near) or "Write one such as Europe/London."),))


@lru_cache(maxsize=1024)
def language(cell: str) -> Reading[str]:
    """A BCP 47 tag that the Unicode CLDR knows, written as RFC 5646, section 2.1.1, has it: "pt-BR", "zh-Hant"."""
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
        return Reading("", (Fault(f"{_shown(word)} is no language", 'Write its code, such as "en" or "pt-BR".'),))
    return Reading("-".join(filter(None, (spoken, script, territory, variant and variant.lower()))))


def topics(cell: str, topic: Callable[[str], str | None], suggestion: Callable[[str], str]) -> Reading[Choice]:
    """The topics chosen in a cell, in its order, and those excluded with a leading "-".

    Unknown words are left out, but for exclusions, which exclude what they probably mean.
    """
    chosen: dict[str, None] = {}
    excluded: dict[str, None] = {}
    faults = []
    for word in _words(cell, topic):
        name = word.removeprefix("-").strip()
        slug = "*" if word == "*" else topic(name)
        if slug is None:
            near = suggestion(name)
            faults.append(_unknown_topic(name, near))
            if word.startswith("-") and (meant := near and topic(near)):
                excluded[meant] = None  # rather a topic too few than one that somebody does not want
        else:
            (excluded if word.startswith("-") else chosen)[slug] = None
    return Reading(Choice(tuple(chosen), tuple(excluded)), tuple(faults))


def clean_line(text: str, longest: int = 100) -> str:
    """Text of one line for headers and tables: no control and no bidirectional characters, and not too long."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()[:longest].rstrip()
    visible = " ".join(_BREAKS.sub(" ", _INVISIBLE.sub("", text)).split())
    return unicodedata.normalize("NFC", visible)[:longest].rstrip(_TRAILING)


def clean_text(text: str) -> str:
    """Text of any length and many lines, as it is but for control and half characters and the space around it."""
    if text.isprintable():
        return text.strip()
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                        "\ud800-\udfff\ufffe\uffff]+")
_TRAILING = " \N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_AROUND = ' \t"'  # some export a list as "one","two" in one cell


def _choice(cell: str, words: Mapping[str, T], what: str, *, empty: T, unknown: T) -> Reading[T]:
    word = cell.strip().casefold().replace("_", "-").replace(" ", "-")
    if not word:
        return Reading(empty)
    if word in words:
        return Reading(words[word])
    near = next(iter(get_close_matches(word[:60], words, n=1)), "")
    allowed = ", ".join(dict.fromkeys(str(value) for value in words.values()))
    cure = _meant(near and str(words[near])) or f"Write one of: {allowed}."
    return Reading(unknown, (Fault(f"{_shown(cell)} is no {what}", cure),))


def _words(cell: str, topic: Callable[[str], str | None]) -> list[str]:
    """The words of a topics cell; a comma that belongs to a topic's own label does not part it."""
    words = []
    for item in re.split(r"[;\n]", cell):
        item = item.strip(_AROUND)
        words += [item] if topic(item.removeprefix("-").strip()) else re.split(r"[,|]", item)
    return [word for written in words if (word := written.strip(_AROUND))]


def _unknown_topic(name: str, near: str) -> Fault:
    if name == "*":
        return Fault('"-*" would exclude everything', 'Write "paused" as the status of who shall get nothing.')
    if name.casefold() in ("all", "everything", "any"):
        return Fault(f"{_shown(name)} is no topic", 'Write "*" for all topics.')
    return Fault(f"{_shown(name)} is no topic", _meant(near) or "Write a topic of topics.toml, or add this one there.")


@cache
def _zones() -> Mapping[str, str]:
    """Every IANA zone by its case-folded name."""
    return {name.casefold(): name for name in sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})}


def _meant(near: str) -> str:
    return f'Did you mean "{near}"?' if near else ""


def _shown(word: str) -> str:
    """A word quoted for a message, unreadable characters escaped."""
    return ascii(word[:60]) if not word[:60].isprintable() else f'"{word[:60]}"'
