"""Time zones by their IANA names: all valid names, and the one that an unknown word may mean."""

import zoneinfo
from collections.abc import Mapping
from functools import cache

from newsletter import text


@cache
def names() -> frozenset[str]:
    """Every name in the time zone database (RFC 6557) that means the same on every machine."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def zone(word: str) -> str:
    """The time zone of a word, in any case and with spaces or underscores; empty if there is none."""
    return _by_fold().get(_folded(word), "")


def nearest(word: str) -> str:
    """The time zone that an unknown word may mean: that of a city, else the most similar one; empty if there is none.

    Names that contain an offset are never proposed, and nothing is proposed for a word with an offset: "Etc/GMT+1" is
    the POSIX name of the zone that is otherwise called GMT-1.
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
