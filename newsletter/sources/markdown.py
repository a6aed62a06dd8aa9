"""Markdown stories: one story in each file, with front matter as Hugo, Jekyll and Eleventy write it.

Drafts, expired stories and stories with a later publication date are left out. A date without a zone is in UTC. The
identity of a story is its `id` or `guid`, else its link, else its file's path: titles are edited, files seldom move.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.errors import DataError
from newsletter.model import Picture, Problem
from newsletter.sources import dates
from newsletter.sources.clean import clean
from newsletter.sources.document import Document
from newsletter.sources.encoding import decode
from newsletter.sources.frontmatter import FrontMatter, is_json, split
from newsletter.sources.item import Item, language
from newsletter.sources.link import on_web
from newsletter.sources.plain import plain, text_of
from newsletter.text import quoted

SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mkd"})
MAX_SIZE = 200_000
"""Maximum bytes of one file."""

_MORE = re.compile(r"<!--\s*more\s*-->", re.IGNORECASE)
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)-.")
_COLLECTIONS = frozenset({"post", "posts", "all"})  # tags that name collections in Eleventy
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_MARKDOWN = MarkdownIt("commonmark")


def recognises(document: Document) -> bool:
    """Whether a document is Markdown, by its name, its type, or front matter at the top."""
    head = document.head
    named = document.suffix in SUFFIXES or document.is_of_type("markdown") or head.startswith(("---", "+++"))
    may_be_json = head.lstrip().startswith("{") and document.suffix != ".json" and not document.is_of_type("json")
    return named or (may_be_json and is_json(decode(document.data)[0]))


def read(document: Document, now: datetime) -> Iterator[Item | Problem]:
    """The story of one Markdown file, unless it is a draft, expired or not yet published."""
    data, file = document.data, document.place
    if len(data) > MAX_SIZE:
        yield Problem(file, f"has {len(data):,} bytes, but a story may have only {MAX_SIZE:,}",
                      "Split it, or link to the rest.")
        return
    text, sure = decode(data, otherwise="utf-8")
    if not sure:
        line = text[:text.find("\ufffd")].count("\n") + 1
        yield Problem(f"{file}:{line}", "has bytes that are not UTF-8, shown as \ufffd", "Save the file as UTF-8.")
    try:
        front = split(text, file)
        yield from front.misspelt(file)
        yield from _File(file, document.path, front).story(now)
    except DataError as error:
        yield Problem(error.place, error.found, error.cure)


@dataclass(frozen=True, slots=True)
class _File:
    """A file split into front matter and body."""

    name: str
    path: str
    """The path that identifies the story if nothing else does; may be empty."""
    front: FrontMatter

    def story(self, now: datetime) -> Iterator[Item | Problem]:
        publish, expiry = self._date("publishdate"), self._date("expirydate")
        live = not self._switch("draft", False) and self._switch("published", True)
        if not live or (publish and publish > now) or (expiry and expiry <= now):
            return
        title = plain(self._text("title")) or self._heading()
        if not title:
            yield Problem(f"{self.name}:1", "the story has no title or heading",
                          'Write "title: …" in its front matter.')
            return
        link = yield from self._link()
        yield Item(
            place=f"{self.name}:{self.front.line('title')}", title=title, id=self._id(link), link=link,
            html=self._html(_MORE.sub("", self.front.body, count=1), title), summary=self._summary(title),
            date=publish or self._date("date") or self._date("pubdate") or self._day_of_name(), tags=self._tags(),
            language=(yield from self._language()), picture=(yield from self._picture(link)),
            weight=(yield from self._weight()), pinned=self._switch("pinned", False) or self._switch("featured", False))

    def _heading(self) -> str:
        """The text of the first heading."""
        tokens = _MARKDOWN.parse(self.front.body)
        return next((text for token, inline in pairwise(tokens)
                     if token.type == "heading_open" and (text := plain(_text_of(inline)))), "")

    def _html(self, text: str, title: str) -> str:
        """Markdown as HTML, without a first heading that only repeats the title."""
        tokens = _MARKDOWN.parse(text)
        if tokens and tokens[0].type == "heading_open" and plain(_text_of(tokens[1])).casefold() == title.casefold():
            del tokens[:3]
        return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))

    def _id(self, link: str) -> str:
        return self._text("id", "guid") or ("" if link else self.path)

    def _summary(self, title: str) -> str:
        """The summary in the front matter, else the text above `<!--more-->`."""
        above, *below = _MORE.split(self.front.body, maxsplit=1)
        written = self._text("summary", "description", "excerpt")
        return written or (text_of(clean(self._html(above, title)).body) if below else "")

    def _date(self, key: str) -> datetime | None:
        value = self.front.values.get(key)
        if value is None or value == "":
            return None
        moment = dates.read(value)
        if moment is None:
            # Without its date the story could be sent on the wrong day, and mail cannot be called back.
            raise DataError(f"{key} {_shown(value)} is not a date", place=self._at(key),
                            cure='Write it as "2026-11-23" or "2026-11-23T08:00:00+01:00".')
        return moment

    def _day_of_name(self) -> datetime | None:
        found = _DAY.match(PurePosixPath(self.path or self.name).name)
        return dates.read(found[1]) if found else None

    def _switch(self, key: str, otherwise: bool) -> bool:
        value = self.front.values.get(key)
        if value is None:
            return otherwise
        meant = value if isinstance(value, bool) else _SWITCH.get(str(value).strip().lower())
        if meant is None:
            raise DataError(f"{key} {_shown(value)} is neither true nor false", place=self._at(key),
                            cure=f'Write "{key}: true" or "{key}: false".')
        return meant

    def _link(self) -> Generator[Problem, None, str]:
        """The first web address given; Hugo's `url` and Jekyll's `permalink` may be paths, which are useless in a
        mail."""
        for key in ("external_url", "link", "canonical", "canonical_url", "url", "permalink"):
            written = self._text(key)
            link = on_web(written)
            if link:
                return link
            if written and key not in ("url", "permalink"):
                yield Problem(self._at(key), f"{key} {_shown(written)} is not a web address",
                              'Begin it with "https://".')
        return ""

    def _picture(self, link: str) -> Generator[Problem, None, Picture | None]:
        for key in ("image", "cover", "images"):
            written, alt = _source_and_alt(self.front.values.get(key))
            url = on_web(written, link)
            if url.startswith("https://"):
                return Picture(url, plain(alt or self._text("alt", "image_alt")))
            if written:
                yield Problem(self._at(key), f"{key} {_shown(written)} is not an https address, so no mail can show it",
                              'Put the picture on the web and write its address, beginning with "https://".')
        return None

    def _language(self) -> Generator[Problem, None, str]:
        written = self._text("language", "lang")
        if written and not language(written):
            yield Problem(self._at("language", "lang"), f"language {_shown(written)} is not a language tag",
                          'Write one such as "en", "de" or "pt-BR".')
        return written

    def _weight(self) -> Generator[Problem, None, int]:
        value = self.front.values.get("weight", 0)
        if isinstance(value, int) and abs(value) < 2**31:
            return int(value)
        yield Problem(self._at("weight"), f"weight {_shown(value)} is not a whole number", 'Write "weight: 10".')
        return 0

    def _tags(self) -> tuple[str, ...]:
        tags = [tag for key in ("tags", "tag", "categories", "category") for tag in _listed(self.front.values.get(key))]
        return tuple(tag for tag in tags if tag.lower() not in _COLLECTIONS)

    def _text(self, *keys: str) -> str:
        """The value of the first of these keys that has a text (or a number, as YAML reads "2026")."""
        values = (self.front.values.get(key) for key in keys)
        return next((str(value) for value in values if isinstance(value, str | int | float) and str(value).strip()), "")

    def _at(self, *keys: str) -> str:
        return f"{self.name}:{self.front.line(next((key for key in keys if key in self.front.values), keys[0]))}"


def _listed(value: object) -> list[str]:
    """Tags from a list, or from a string split at commas or semicolons, else at spaces, as Jekyll does."""
    if isinstance(value, str):
        return re.split(r"\s*[,;]\s*", value.strip()) if re.search("[,;]", value) else value.split()
    if isinstance(value, list):
        return [str(each) for each in value if isinstance(each, str | int | float)]
    return []


def _source_and_alt(value: object) -> tuple[str, str]:
    """A picture's address and alternative text from a string, a list of them, or a table with both."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        source = next((value[key] for key in ("image", "src", "url", "path") if isinstance(value.get(key), str)), "")
        return source, str(value.get("alt") or "")
    return (value, "") if isinstance(value, str) else ("", "")


def _text_of(inline: Token) -> str:
    """The text of an inline token, without its markup."""
    return "".join(child.content if child.type in ("text", "code_inline") else " " if "break" in child.type else ""
                   for child in inline.children or ())


def _shown(value: object) -> str:
    return quoted(plain(str(value) if isinstance(value, str | int | float) else type(value).__name__))
