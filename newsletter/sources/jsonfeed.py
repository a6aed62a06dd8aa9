"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/); everything that is read here is the same in 1.0."""

import json
from collections.abc import Generator, Iterator, Mapping
from datetime import datetime

from newsletter.model import Picture, Problem
from newsletter.sources import dates
from newsletter.sources.clean import paragraphs
from newsletter.sources.document import Document
from newsletter.sources.encoding import decode
from newsletter.sources.item import MAX_ITEMS, Item, far_ahead, scoped, too_many
from newsletter.sources.link import on_web
from newsletter.sources.plain import plain
from newsletter.text import quoted


def recognises(document: Document) -> bool:
    return document.head.lstrip().startswith("{") or document.suffix == ".json" or document.is_of_type("json")


def read(document: Document, now: datetime) -> Iterator[Item | Problem]:
    """The items of a JSON Feed."""
    source = document.place
    try:
        feed = json.loads(decode(document.data)[0])
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        yield Problem(f"{source}:{line}", f"invalid JSON: {error}", "Ask the feed's publisher to fix it.")
        return
    except RecursionError:
        yield Problem(source, "invalid JSON: nested too deeply", "Give the address of a JSON Feed.")
        return
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        yield Problem(source, 'JSON, but not a JSON Feed: it has no list "items"', "Give the address of a JSON Feed.")
        return
    yield from too_many(len(items), source)
    general = _text(feed, "language")
    for number, fields in enumerate(items[:MAX_ITEMS], 1):
        place = f"{source} item {number}"
        if isinstance(fields, dict):
            yield from _item(fields, place, source, document.url, general, now)
        else:
            yield Problem(place, "is not an object with keys and values", "Ask the feed's publisher to fix it.")


def _item(fields: Mapping[str, object], place: str, source: str, url: str, general: str,
          now: datetime) -> Iterator[Item | Problem]:
    link = on_web(_text(fields, "url"), url) or on_web(_text(fields, "external_url"), url)
    markup = _text(fields, "content_html") or paragraphs(_text(fields, "content_text"))
    title = _text(fields, "title")
    if not (title or markup or _text(fields, "summary")):
        yield Problem(place, "the item has no title or text", "Ask the feed's publisher to give it one.")
        return
    date = yield from _date(fields, place)
    yield from far_ahead(date, place, now)
    tags = fields.get("tags")
    yield Item(
        place=place, title=title, html=markup or paragraphs(_text(fields, "summary")),
        id=scoped(_text(fields, "id"), source), link=link, base=link or url, date=date,
        summary=_text(fields, "summary"),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        language=_text(fields, "language") or general, picture=_picture(fields, link or url))


def _date(fields: Mapping[str, object], place: str) -> Generator[Problem, None, datetime | None]:
    written = [_text(fields, key) for key in ("date_published", "date_modified")]
    date = next(filter(None, map(dates.read, written)), None)
    if any(written) and date is None:
        yield Problem(place, f"{quoted(plain(written[0] or written[1]))} is not a date; the story counts as undated",
                      "Ask the feed's publisher to write dates as in RFC 3339.")
    return date


def _picture(fields: Mapping[str, object], base: str) -> Picture | None:
    attached = fields.get("attachments")
    pictures = [_text(each, "url") for each in attached if isinstance(each, dict)
                and _text(each, "mime_type").startswith("image/")] if isinstance(attached, list) else []
    for written in (_text(fields, "image"), _text(fields, "banner_image"), *pictures):
        url = on_web(written, base)
        if url.startswith("https://"):
            return Picture(url)
    return None


def _text(fields: Mapping[str, object], key: str) -> str:
    """A string, or a number written in its place; version 1.1 asks readers to accept both for ids."""
    value = fields.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
