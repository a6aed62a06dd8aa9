"""A web page in place of a feed. Many pages name their feed (HTML, section 4.6.7.1, link type "alternate")."""

import re
from collections.abc import Iterator
from datetime import datetime

import lxml.html

from newsletter.model import Problem
from newsletter.sources.document import Document
from newsletter.sources.encoding import decode
from newsletter.sources.item import Item
from newsletter.sources.link import on_web
from newsletter.sources.plain import legible

_START = re.compile(r"\s*<(?:!DOCTYPE\s+html|html|head|body)\b", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:rss\+xml|atom\+xml|feed\+json)")


def recognises(document: Document) -> bool:
    return bool(_START.match(document.head))


def read(document: Document, now: datetime) -> Iterator[Item | Problem]:
    """A problem, which names the feed if the page does; a page has no stories."""
    address = _feed(document)
    cure = f"Did you mean its feed, {address}?" if address else "Give the address of its RSS, Atom or JSON feed."
    yield Problem(document.place, "is a web page, not a feed", cure)


def _feed(document: Document) -> str:
    parser = lxml.html.HTMLParser(encoding="utf-8")
    page = lxml.html.document_fromstring(legible(decode(document.data)[0]).encode(), parser=parser)
    for link in page.iterfind(".//link"):
        address = on_web(link.get("href") or "", document.url)
        if "alternate" in (link.get("rel") or "").split() and address and _FEED_TYPE.match(link.get("type") or ""):
            return address
    return ""
