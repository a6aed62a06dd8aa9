"""What every kind of source is read into, and how a harvest is made of it.

A reader yields `Item`s as it finds them and `Problem`s where it finds none. `gather` cleans the items, gives each its
identity and lets the first of two with the same identity stand.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.model import Harvest, Picture, Problem, Story, digest
from newsletter.sources.clean import clean
from newsletter.sources.link import canonical
from newsletter.sources.plain import beginning, cut, plain, words_of

MAX_ITEMS = 500
"""Entries read of one feed or one pasted text."""
MAX_TITLE = 300
"""Characters of a title."""
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


def gather(found: Iterable[Item | Problem], *, source: str, now: datetime) -> Harvest:
    """The harvest of one reading: clean stories in the order found, and every problem met."""
    stories: dict[str, Story] = {}
    places: dict[str, str] = {}
    problems: list[Problem] = []
    for each in found:
        # Those without a date keep their order: each is older than the one before it by a hair.
        seen = now - timedelta(microseconds=len(stories))
        story = each if isinstance(each, Problem) else _story(each, source, seen)
        if isinstance(story, Problem):
            problems.append(story)
        elif story.id in stories:
            problems.append(_twice(story, each.place, places[story.id]))
        else:
            stories[story.id], places[story.id] = story, each.place
    return Harvest(tuple(stories.values()), tuple(problems))


def _story(item: Item, source: str, now: datetime) -> Story | Problem:
    body, picture = clean(item.html, item.base or item.link)
    text = words_of(body)
    title = cut(plain(item.title), MAX_TITLE) or beginning(text, 12)
    if not title:
        return Problem(item.place, "a story without title or text", "Give it a title.")
    tags = dict.fromkeys(tag for tag in map(plain, item.tags) if tag)
    return Story(
        id=_identity(item, title), title=title, date=item.date or now, source=source, dated=item.date is not None,
        link=item.link, body=body, text=text, summary=beginning(item.summary, 120) or beginning(text), tags=tuple(tags),
        language=language(item.language), picture=item.picture or picture, weight=item.weight, pinned=item.pinned)


def _identity(item: Item, title: str) -> str:
    """Its own name, else its canonical link, else a hash of title and day (no day if it is undated)."""
    name = plain(item.id) or (canonical(item.link) if item.link else "")
    if name:
        return name if len(name) <= 500 else digest(name)
    return digest((title.casefold(), item.date.date().isoformat() if item.date else ""))


def _twice(story: Story, place: str, first: str) -> Problem:
    same = f'"{story.title}" has the same id, "{story.id}", as the story in {first}; only the first is kept'
    return Problem(place, same, "Give it an id of its own, or remove one of the two.")


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
