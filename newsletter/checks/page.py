"""A block of an issue as the rules see it: its links, pictures, styles and text."""

import quopri
import re
from collections.abc import Mapping
from dataclasses import dataclass

import lxml.html
from lxml.etree import ParserError

from newsletter.model import Block
from newsletter.render.placeholders import PLACEHOLDERS, fill

SAMPLE: Mapping[str, str] = {
    name: f"https://slot.example/{name}" if kind.holds == "url" else "words" for name, kind in PLACEHOLDERS.items()
}
"""A value for each placeholder, with which blocks are filled for checking."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link, as a subscriber sees it."""

    address: str
    words: str
    """Its text, or the `alt` of the picture in it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A block with every placeholder filled."""

    place: str
    """The name of the block in problems: the story's title, or the template's part."""
    links: tuple[Link, ...]
    pictures: tuple[str, ...]
    """Their addresses."""
    wordless: tuple[str, ...]
    """The addresses of pictures without `alt`, which may be empty but has to be there."""
    style: int
    """Characters of its style sheets."""

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(link.address for link in self.links)


def page(block: Block, place: str) -> Page:
    """The page of a block of HTML, which may be a piece of a document; `place` is its name in problems."""
    source = text(block)
    try:
        tree = lxml.html.document_fromstring(source)
    except ParserError:  # nothing but white space and comments
        return Page(place, (), (), (), 0)
    pictures = [(str(each.get("src") or ""), each.get("alt")) for each in tree.iter("img")]
    links = [(each.get("href"), _words(each)) for each in tree.iter("a")]
    return Page(
        place,
        links=tuple(Link(address, words) for address, words in links if address is not None),
        pictures=tuple(address for address, _ in pictures),
        wordless=tuple(address for address, words in pictures if words is None),
        style=sum(map(len, re.findall(r"<style\b[^>]*>(.*?)</style>", source, re.DOTALL))),
    )


def text(block: Block) -> str:
    """A block's text, with a sample in each placeholder."""
    return quopri.decodestring(b"".join(fill(block, SAMPLE))).decode()


def _words(link: lxml.html.HtmlElement) -> str:
    words = " ".join(str(link.text_content()).split())
    return words or " ".join(str(picture.get("alt") or "") for picture in link.iter("img")).strip()
