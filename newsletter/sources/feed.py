"""RSS and Atom, by feedparser.

feedparser accepts almost anything, so harmful input is kept from it: entities that the document declares, thousands of
nested elements, more entries than are read. Its own cleaning is switched off; ours follows in `harvest`.
"""

import calendar
import io
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser

from newsletter.model import Picture, Problem
from newsletter.sources.clean import clean, crowded, paragraphs
from newsletter.sources.document import Document
from newsletter.sources.encoding import decode
from newsletter.sources.item import MAX_ITEMS, Item, far_ahead, scoped, too_many
from newsletter.sources.link import on_web
from newsletter.sources.plain import legible, plain, text_of, unmarked
from newsletter.text import quoted

MAX_OPEN = 10_000
"""Maximum number of elements open at once; feedparser's time grows with its square."""
MAX_TAGS = 200_000
"""Maximum number of tags in a feed, not counting those in CDATA; feedparser takes some seconds for so many."""

_START = re.compile(r"\s*<(?:\?xml\b|!--|!DOCTYPE\s+(?!html)|(?:\w+:)?(?:rss|feed|RDF)\b)", re.IGNORECASE)
_ENTITY = re.compile(r"<!ENTITY|<!DOCTYPE[^<>\[]*\[", re.IGNORECASE)
_ROOT = re.compile(r"<\w")
_EMPTY = re.compile(r"<[^<>]*/>")
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding=[\"']([A-Za-z0-9._-]+)[\"']")
_OPENING = re.compile(r"<(?:\w+:)?(?:item|entry)[\s/>]")
_CLOSING = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>")


def recognises(document: Document) -> bool:
    xml = document.suffix in (".xml", ".rss", ".atom") or document.is_of_type("xml")
    return xml or bool(_START.match(document.head))


def read(document: Document, now: datetime) -> Iterator[Item | Problem]:
    """The entries of a feed."""
    declared = _DECLARED.search(document.data[:1000])
    text, _ = decode(document.data, declared=document.charset or (declared[1].decode() if declared else ""))
    text = legible(text)
    openings = [found.start() for found in _OPENING.finditer(text)]
    kept = _first(text, openings)
    root = _ROOT.search(kept)
    prolog, kept = (kept[:root.start()], kept[root.start():]) if root else (kept, "")
    refusal = _harmful(prolog, kept)
    if refusal:
        yield Problem(document.place, f"{refusal}; it is not read", "Ask its publisher for a plain feed.")
        return
    yield from too_many(len(openings), document.place)
    yield from _entries(kept, document.place, document.url, now)


def _harmful(prolog: str, text: str) -> str:
    """The reason to keep a document from feedparser; empty if there is none. The prolog is never passed to feedparser,
    so that no DTD has an effect."""
    if _ENTITY.search(prolog):
        return "declares entities of its own, which can exhaust memory"
    first, *others = text.split("<![CDATA[")
    markup = first + "".join(each.partition("]]>")[2] for each in others)
    if markup.count("<") > MAX_TAGS:
        return f"has more than {MAX_TAGS:,} tags"
    deep = crowded(_EMPTY.sub("", markup), MAX_OPEN)
    return f"has more than {MAX_OPEN:,} nested elements" if deep else ""


def _entries(text: str, source: str, url: str, now: datetime) -> Iterator[Item | Problem]:
    parsed = _parsed(text, url)
    if parsed is None or not (parsed.entries or parsed.get("version")):
        yield Problem(source, "is neither RSS nor Atom", "Give the address of the feed itself.")
        return
    general = str(parsed.feed.get("language") or "")
    for number, entry in enumerate(parsed.entries[:MAX_ITEMS], 1):
        # A plain dict: feedparser's own gives values for missing keys.
        yield from _Entry(dict(entry.items()), f"{source} entry {number}", source, url, general).item(now)


def _first(text: str, openings: list[int]) -> str:
    """The document without the entries after the first `MAX_ITEMS`; the text after the last entry is kept."""
    if len(openings) <= MAX_ITEMS:
        return text
    ends = [found.end() for found in _CLOSING.finditer(text, openings[MAX_ITEMS])]
    return text[:openings[MAX_ITEMS]] + (text[ends[-1]:] if ends else "")


def _parsed(text: str, url: str) -> Any:
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    try:
        return feedparser.parse(io.BytesIO(text.encode()), sanitize_html=False, resolve_relative_uris=False,
                                response_headers=headers)
    except Exception:
        # feedparser uses Python's SGML and date parsers, which raise any exception on broken input.
        return None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry as feedparser gives it."""

    fields: Mapping[str, Any]
    place: str
    source: str
    url: str
    general_language: str

    def item(self, now: datetime) -> Iterator[Item | Problem]:
        link = on_web(self._text("link"), self.url)
        markup, base, language = self._content()
        date = yield from self._date()
        yield from far_ahead(date, self.place, now)
        title = self._text("title")
        title = unmarked(title) if _is_html(self.fields.get("title_detail")) else title
        described = self._text("summary") if self.fields.get("content") else ""
        item = Item(
            place=self.place, title=title, html=markup, id=scoped(self._text("id"), self.source), link=link,
            base=on_web(base, self.url) or link or self.url, date=date, summary=text_of(clean(described).body),
            tags=self._tags(), language=language or self.general_language, picture=self._picture(link))
        yield item if title or markup else Problem(self.place, "the entry has no title or text",
                                                   "Ask the feed's publisher to give it one.")

    def _content(self) -> tuple[str, str, str]:
        """The entry's HTML, the base of its links, its language; the longest content, else the summary."""
        contents = [each for each in self.fields.get("content") or () if isinstance(each.get("value"), str)]
        # The value of `summary_detail` may be that of a media element, so only its type is used.
        summary = {**(self.fields.get("summary_detail") or {}), "value": self._text("summary")}
        chosen = max(contents, key=lambda each: len(each["value"]), default=summary)
        value, base = chosen["value"], str(chosen.get("base") or "")
        markup = value if _is_html(chosen) or "</" in value else paragraphs(value)
        return markup, "" if base == self.url else base, str(chosen.get("language") or "")

    def _date(self) -> Generator[Problem, None, datetime | None]:
        keys = ("published", "created", "updated")
        for parsed in filter(None, (self.fields.get(f"{key}_parsed") for key in keys)):
            try:
                return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=calendar.timegm(parsed))
            except (ValueError, OverflowError):  # a year that no calendar has
                continue
        for written in filter(None, map(self._text, keys)):
            yield Problem(self.place, f"{quoted(plain(written))} is not a date; the story counts as undated",
                          "Ask the feed's publisher to write dates as in RFC 5322 (RSS) or RFC 3339 (Atom).")
        return None

    def _tags(self) -> tuple[str, ...]:
        tags = (each.get("label") or each.get("term") for each in self.fields.get("tags") or ())
        return tuple(tag for tag in tags if isinstance(tag, str))

    def _picture(self, link: str) -> Picture | None:
        media = filter(_is_picture, self.fields.get("media_content") or ())
        enclosed = filter(_is_picture, self.fields.get("links") or ())
        for each in (*media, *enclosed, *(self.fields.get("media_thumbnail") or ())):
            url = on_web(str(each.get("url") or each.get("href") or ""), link)
            if url.startswith("https://"):
                return Picture(url)
        return None

    def _text(self, key: str) -> str:
        value = self.fields.get(key)
        return value if isinstance(value, str) else ""


def _is_html(detail: Mapping[str, Any] | None) -> bool:
    return "html" in str((detail or {}).get("type"))


def _is_picture(media: Mapping[str, Any]) -> bool:
    return media.get("medium") == "image" or str(media.get("type")).startswith("image/")
