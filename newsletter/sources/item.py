"""An item, which every reader makes from its kind of document, and the checks that all readers share.

A reader yields an `Item` for each entry, and a `Problem` for each mistake; `harvest` makes stories of the items.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.model import Picture, Problem
from newsletter.sources.plain import plain

MAX_ITEMS = 500
"""Maximum number of entries that are read of one feed or one pasted text."""
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Item:
    """One story as its source gives it, not yet cleaned."""

    place: str
    """Its place in messages: "stories/ai.md:1", "https://news.example.org/feed.xml entry 3"."""
    title: str
    """Text without markup; if empty, the beginning of the body becomes the title."""
    html: str
    id: str = ""
    """The source's own id of the story; if empty, its link identifies it, else its title and day."""
    link: str = ""
    """Absolute http(s) address; empty if there is none."""
    base: str = ""
    """The address against which relative links are resolved; empty means `link`."""
    date: datetime | None = None
    summary: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    picture: Picture | None = None
    weight: int = 0
    pinned: bool = False


def language(tag: str) -> str:
    """A language tag in the usual letter case (RFC 5646, section 2.1.1); empty if it is not one."""
    first, *rest = plain(tag).replace("_", "-").split("-")
    fits = all(part.isascii() and part.isalnum() and len(part) <= 8 for part in rest)
    if not (first.isascii() and first.isalpha() and 2 <= len(first) <= 3 and fits):
        return ""
    cased = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 and part.isalpha() else part.lower()
             for part in rest]
    return "-".join([first.lower(), *cased])


def far_ahead(date: datetime | None, place: str, now: datetime) -> Iterator[Problem]:
    """A problem if an entry's date is more than a day in the future; no issue contains it before that day."""
    if date and date > now + _AHEAD:
        yield Problem(place, f"is dated {date:%Y-%m-%d %H:%M} UTC, in the future",
                      "Ask the feed's publisher to correct the date.")


def too_many(count: int, place: str) -> Iterator[Problem]:
    """A problem if a source has more entries than are read."""
    if count > MAX_ITEMS:
        yield Problem(place, f"has {count} stories; only the first {MAX_ITEMS} are read",
                      "Keep only the newest ones in it.")


def scoped(name: str, source: str) -> str:
    """A feed's own id of an entry, made unique: "17" identifies it in this feed only, a URI everywhere."""
    name = plain(name)
    return name if not name or ":" in name else f"{source}#{name}"
