"""What every kind of document is read into, and what all readers check alike.

A reader yields `Item`s as it finds them and `Problem`s where it finds none; `harvest` makes stories of the items.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.model import Picture, Problem
from newsletter.sources.plain import plain

MAX_ITEMS = 500
"""Entries read of one feed or one pasted text."""
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Item:
    """What a source says of one story, not yet cleaned."""

    place: str
    """Where it stands: "stories/ai.md:1", "https://news.example.org/feed.xml entry 3"."""
    title: str
    """Text without markup; may be empty, then the body's beginning is the title."""
    html: str
    id: str = ""
    """What the source itself calls the story; empty means: by its link, else by title and day."""
    link: str = ""
    """Absolute http(s) address; empty if there is none."""
    base: str = ""
    """What relative links are resolved against; empty means `link`."""
    date: datetime | None = None
    summary: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    picture: Picture | None = None
    weight: int = 0
    pinned: bool = False


def language(tag: str) -> str:
    """A language tag in the usual letter case (RFC 5646, section 2.1.1); empty if it is none."""
    first, *rest = plain(tag).replace("_", "-").split("-")
    fits = all(part.isascii() and part.isalnum() and len(part) <= 8 for part in rest)
    if not (first.isascii() and first.isalpha() and 2 <= len(first) <= 3 and fits):
        return ""
    cased = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 and part.isalpha() else part.lower()
             for part in rest]
    return "-".join([first.lower(), *cased])


def far_ahead(date: datetime | None, place: str, now: datetime) -> Iterator[Problem]:
    """A problem if a feed dates an entry more than a day into the future; until that day it is in no issue."""
    if date and date > now + _AHEAD:
        yield Problem(place, f"is dated {date:%Y-%m-%d %H:%M} UTC, in the future",
                      "Ask the feed's publisher to mend the date.")


def too_many(count: int, place: str) -> Iterator[Problem]:
    """A problem if a source has more entries than are read."""
    if count > MAX_ITEMS:
        yield Problem(place, f"has {count} stories; the first {MAX_ITEMS} are read",
                      "Give it fewer: the newest are enough.")


def scoped(name: str, source: str) -> str:
    """A feed's own name for an entry, made unique: "17" means something in this feed only, a URI means it anywhere."""
    name = plain(name)
    return name if not name or ":" in name else f"{source}#{name}"
