"""A harvest made from items: each is cleaned and gets its identity; of two with one identity the first is kept."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from newsletter.model import Harvest, Problem, Story, digest
from newsletter.sources.clean import clean
from newsletter.sources.item import Item, language
from newsletter.sources.link import canonical
from newsletter.sources.plain import beginning, cut, plain, text_of
from newsletter.text import quoted

MAX_TITLE = 300
"""Maximum characters of a title."""


def gather(found: Iterable[Item | Problem], *, source: str, now: datetime) -> Harvest:
    """The harvest of one reading: clean stories in the order found, and all problems."""
    stories: dict[str, Story] = {}
    places: dict[str, str] = {}
    problems: list[Problem] = []
    for each in found:
        # Stories without a date keep their order: each is a microsecond older than the one before it.
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
    text = text_of(body)
    title = cut(plain(item.title), MAX_TITLE) or beginning(text, 12)
    if not title:
        return Problem(item.place, "the story has no title or text", "Give it a title.")
    tags = dict.fromkeys(tag for tag in map(plain, item.tags) if tag)
    return Story(
        id=_identity(item, title), title=title, date=item.date or now, source=source, dated=item.date is not None,
        link=item.link, body=body, text=text, summary=beginning(item.summary, 120) or beginning(text), tags=tuple(tags),
        language=language(item.language), picture=item.picture or picture, weight=item.weight, pinned=item.pinned)


def _identity(item: Item, title: str) -> str:
    """The item's own id, else its canonical link, else a hash of title and day (without the day if it is undated)."""
    name = plain(item.id) or (canonical(item.link) if item.link else "")
    if name:
        return name if len(name) <= 500 else digest(name)
    return digest((title.casefold(), item.date.date().isoformat() if item.date else ""))


def _twice(story: Story, place: str, first: str) -> Problem:
    same = f"{quoted(story.title)} has the same id, {quoted(story.id, 200)}, as the story in {first}"
    return Problem(place, f"{same}; only the first is kept", "Give it an id of its own, or remove one of the two.")
