"""Time zones by their IANA names: the names there are, and the one that somebody may have meant."""

import zoneinfo
from collections.abc import Mapping
from functools import cache

from newsletter import text


@cache
def names() -> frozenset[str]:
    """Every name of the time zone database (RFC 6557) that names a place or UTC on any machine."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def zone(word: str) -> str:
    """The name that a word is, in any case and with spaces for underscores; empty if it is none."""
    return _by_fold().get(_folded(word), "")


def nearest(word: str) -> str:
    """The name that may be meant by a word that is none: the zone of a city, else the most alike; empty if none is.

    No name with an offset in it is proposed, nor anything for a word with one: "Etc/GMT+1" is POSIX's name for what
    everybody else calls GMT-1.
    """
    folded = _folded(word)
    if any(character.isdigit() for character in folded):
        return ""
    if exact := _by_fold().get(folded, "") or _by_city().get(folded, ""):
        return exact
    if near := text.nearest(folded, _proposed(), alike=0.75):
        return near
    return _by_city().get(text.nearest(folded, _by_city(), alike=0.75), "")


def _folded(word: str) -> str:
    return word.strip().replace(" ", "_").casefold()


@cache
def _by_fold() -> Mapping[str, str]:
    return {name.casefold(): name for name in sorted(names())}


@cache
def _by_city() -> Mapping[str, str]:
    return {name.rpartition("/")[2].casefold(): name for name in reversed(_proposed())}


@cache
def _proposed() -> tuple[str, ...]:
    return tuple(name for name in _by_fold().values() if not any(character.isdigit() for character in name))
