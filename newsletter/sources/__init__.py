"""Sources: Markdown folders, feeds and pasted texts, read into clean stories.

What a source is shows by its content, whatever it is called. A source that cannot be read is a problem, never an
exception: one bad feed must not keep back the others.
"""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePath
from urllib.parse import urlsplit

import lxml.html

from newsletter.model import FeedState, Harvest, Problem
from newsletter.sources import feed, jsonfeed, markdown, pasted
from newsletter.sources.encoding import decode
from newsletter.sources.item import Item, gather
from newsletter.sources.link import on_web
from newsletter.sources.plain import legible
from newsletter.sources.web import Answer, Web, shown

__all__ = ["Sources", "Web"]

MAX_FILE = 10_000_000
"""Bytes of one file, as of one answer from the web."""

_ASIDE = frozenset({"readme", "_index", "license", "changelog", "contributing"})  # they explain the folder
_FEED = re.compile(r"\s*<(?:\?xml\b|!--|!DOCTYPE\s+(?!html)|(?:\w+:)?(?:rss|feed|RDF)\b)", re.IGNORECASE)
_PAGE = re.compile(r"\s*<(?:!DOCTYPE\s+html|html|head|body)\b", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:rss\+xml|atom\+xml|feed\+json)")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where bytes come from, as far as the readers need to know it."""

    place: str
    """Its name in problems."""
    path: str = ""
    """The file below the root, a Markdown story's last identity; empty for the web and standard input."""
    url: str = ""
    content_type: str = ""

    @property
    def suffix(self) -> str:
        return PurePath(self.path or urlsplit(self.url).path).suffix.lower()


class Sources:
    """Reads sources by name: a folder or file below `root`, or an http(s) address."""

    def __init__(self, root: Path, web: Web) -> None:
        self._root, self._web = root, web

    def harvest(self, name: str, *, now: datetime, state: FeedState | None) -> Harvest:
        """Everything one source has now. `state` is what its last harvest said of its address, None for files."""
        if name.lower().startswith(("http://", "https://")):
            return self._fetched(name, self._web.get(name, state=state, now=now), now)
        path = self._root / name
        try:
            if path.is_dir():
                return _whole(gather(self._folder(path, name, now), source=name, now=now))
            if path.is_file():
                return gather(self._file(path, PurePath(name).as_posix(), now), source=name, now=now)
        except (OSError, ValueError) as error:  # ValueError: a name with NUL in it
            return Harvest(problems=(Problem(name, f"cannot be read: {error}", "Check its name and permissions."),))
        return Harvest(problems=(_missing(name, path),))

    def harvest_bytes(self, data: bytes, *, name: str, now: datetime) -> Harvest:
        """The stories in what came from standard input; `name` becomes their source."""
        return gather(_read(data, _Origin(name), now), source=name, now=now)

    def _fetched(self, name: str, answer: Answer, now: datetime) -> Harvest:
        if answer.problem or answer.unchanged:
            problems = (answer.problem,) if answer.problem else ()
            return Harvest(problems=problems, state=answer.state, unchanged=answer.unchanged)
        origin = _Origin(shown(name), url=answer.url, content_type=answer.content_type)
        return replace(gather(_read(answer.data, origin, now), source=name, now=now), state=answer.state)

    def _folder(self, folder: Path, name: str, now: datetime) -> Iterator[Item | Problem]:
        """The Markdown files in a folder and the folders in it; hidden ones and Jekyll's `_drafts` are passed by."""
        for path in sorted(folder.rglob("*")):
            below = path.relative_to(folder)
            hidden = any(part.startswith(".") or part == "_drafts" for part in below.parts)
            if path.suffix.lower() in markdown.SUFFIXES and not hidden and path.stem.lower() not in _ASIDE:
                yield from self._file(path, (PurePath(name) / below).as_posix(), now)

    def _file(self, path: Path, name: str, now: datetime) -> Iterator[Item | Problem]:
        try:
            size = path.stat().st_size
            data = path.read_bytes() if size <= MAX_FILE else b""
        except OSError as error:
            yield Problem(name, f"cannot be read: {error.strerror}", "Check its permissions.")
            return
        if size > MAX_FILE:
            yield Problem(name, f"has {size:,} bytes, more than the {MAX_FILE:,} that are read", "Split it.")
            return
        yield from _read(data, _Origin(name, path=name), now)


def _read(data: bytes, origin: _Origin, now: datetime) -> Iterator[Item | Problem]:
    """What is in some bytes: read as what their name says, else as what they look like, else as pasted text."""
    head, kind = decode(data[:2000])[0], origin.content_type.lower()
    if origin.suffix in markdown.SUFFIXES or (head.startswith(("---", "+++")) or "markdown" in kind):
        yield from markdown.read(data, file=origin.place, path=origin.path, now=now)
    elif _PAGE.match(head):
        yield _web_page(data, origin)
    elif head.lstrip().startswith("{") and origin.suffix != ".json" and "json" not in kind and _is_story(data):
        yield from markdown.read(data, file=origin.place, path=origin.path, now=now)
    elif head.lstrip().startswith("{") or origin.suffix == ".json" or "json" in kind:
        yield from jsonfeed.read(data, source=origin.place, url=origin.url, now=now)
    elif _FEED.match(head) or origin.suffix in (".xml", ".rss", ".atom") or "xml" in kind:
        charset = _CHARSET.search(origin.content_type)
        yield from feed.read(data, source=origin.place, url=origin.url, charset=charset[1] if charset else "", now=now)
    else:
        yield from pasted.read(data, source=origin.place)


def _is_story(data: bytes) -> bool:
    """Whether JSON is the front matter of a story rather than a feed."""
    try:
        values, _ = json.JSONDecoder().raw_decode(decode(data)[0].lstrip())
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and "title" in values and "items" not in values


def _web_page(data: bytes, origin: _Origin) -> Problem:
    """A page instead of a feed; many pages name their feed (HTML, section 4.6.7.1, link type "alternate")."""
    parser = lxml.html.HTMLParser(encoding="utf-8")
    page = lxml.html.document_fromstring(legible(decode(data)[0]).encode(), parser=parser)
    for link in page.iterfind(".//link"):
        address = on_web(link.get("href") or "", origin.url)
        if "alternate" in (link.get("rel") or "").split() and address and _FEED_TYPE.match(link.get("type") or ""):
            return Problem(origin.place, "is a web page, not a feed", f"Did you mean its feed, {address}?")
    return Problem(origin.place, "is a web page, not a feed", "Give the address of its RSS, Atom or JSON feed.")


def _missing(name: str, path: Path) -> Problem:
    """A name that is neither a folder nor a file, with its nearest neighbour."""
    near = difflib.get_close_matches(path.name, _names(path.parent), 1)
    meant = (PurePath(name).parent / near[0]).as_posix() if near else ""
    return Problem(name, "there is no such folder or file",
                   f'Did you mean "{meant}"?' if meant else "Make it, or correct the name among the sources.")


def _names(folder: Path) -> list[str]:
    try:
        return [each.name for each in folder.iterdir()]
    except (OSError, ValueError):
        return []


def _whole(harvest: Harvest) -> Harvest:
    """A folder has all there is, unless something could not be read: then nobody knows what is gone."""
    return replace(harvest, complete=not harvest.problems)
