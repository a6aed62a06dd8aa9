"""A story's body as plain text: paragraphs, lists and quotations in 72 columns, and its links numbered below it.

A link is marked where it stands, "the rules [3.1]", and its address follows the body, "[3.1] https://…": the story's
number in the edition, which is an open placeholder while this is compiled, and the link's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import lxml.html
from lxml.etree import _Element

from newsletter.render.prose import wrap

_ITEMS = frozenset({"li", "dt", "dd", "tr", "caption"})
_BLOCKS = _ITEMS | {
    "article", "aside", "blockquote", "br", "center", "details", "div", "dl", "figcaption", "figure", "footer", "h2",
    "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "nav", "ol", "p", "pre", "summary", "table", "tbody", "thead",
    "ul",
}
_LISTS = frozenset({"ul", "ol", "dl"})
_CLOSE = _ITEMS | {"br", "figcaption"}
"""Elements that follow the one before without an empty line."""
_DEEPEST = 24
"""Columns of indentation beyond which nothing moves further in."""
_SPACES = re.compile("[ \t\n\r\f]+")
"""White space (HTML, section 2.3.3); a no-break space is none."""
_SPACE = "\ue000"
"""Stands for a space that no line may end at."""


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    first: str
    """The beginning of its first line."""
    rest: str
    """The beginning of its other lines."""
    close: bool
    """Whether it stands directly below the one before it."""


def lay_out(body: str, number: str, link: str = "") -> str:
    """The text of a body of clean HTML, its links marked and listed; before them the story's own `link`, if it has one.
    """
    reader = _Reader(number, link)
    text = ""
    for paragraph in reader.paragraphs(lxml.html.fragment_fromstring(body, create_parent="div")):
        laid = wrap(paragraph.text, first=paragraph.first, rest=paragraph.rest)
        text += ("\n" if paragraph.close else "\n\n") * bool(text) + laid
    text = re.sub(r"\n{3,}", "\n\n", text.replace(_SPACE, " ")).strip("\n")
    listed = "\n".join(f"[{mark}] {address}" for address, mark in reader.marks.items())
    return "\n\n".join(part for part in (text, listed) if part)


class _Reader:
    """Reads a body's elements as paragraphs, and gives each address its mark."""

    def __init__(self, number: str, link: str) -> None:
        self._number = number
        self.marks = {link: number} if link else {}
        """By address, in the order in which they are met."""
        self._own = len(self.marks)

    def paragraphs(self, element: _Element, indent: str = "") -> Iterator[_Paragraph]:
        """The paragraphs of an element; text that stands beside blocks is a paragraph of its own."""
        words, close, signs = element.text or "", False, _signs(element)
        for child in element:
            if child.tag in _BLOCKS:
                yield from _said(words, indent, close=close)
                words, close = "", child.tag == "br"
                yield from self._item(child, indent, next(signs)) if child.tag == "li" else self._block(child, indent)
            else:
                words += self._inline(child)
            words += child.tail or ""
        yield from _said(words, indent, close=close)

    def _item(self, element: _Element, indent: str, sign: str) -> Iterator[_Paragraph]:
        rest = indent if len(indent) >= _DEEPEST else indent + " " * len(sign)
        for place, paragraph in enumerate(self.paragraphs(element, rest)):
            yield replace(paragraph, first=indent + sign, close=True) if place == 0 else paragraph

    def _block(self, element: _Element, indent: str) -> Iterator[_Paragraph]:
        deeper = indent if len(indent) >= _DEEPEST else indent + "    "
        match element.tag:
            case "blockquote" | "dd":
                yield from _starting(self.paragraphs(element, deeper), close=element.tag == "dd")
            case "pre":
                lines = self._content(element).strip("\n").expandtabs(4).split("\n")
                yield from (_Paragraph(line.rstrip().replace(" ", _SPACE), deeper, deeper, close=place > 0)
                            for place, line in enumerate(lines))
            case "tr":
                cells = (_SPACES.sub(" ", self._inline(cell)).strip(" ") for cell in element)
                yield from _said(" | ".join(cells), indent, close=True)
            case "hr":
                yield _Paragraph("* * *", indent, indent, close=False)
            case _:
                parent = element.getparent()
                nested = element.tag in _LISTS and parent is not None and parent.tag in _ITEMS
                yield from _starting(self.paragraphs(element, indent), close=nested or element.tag in _CLOSE)

    def _inline(self, element: _Element) -> str:
        if not isinstance(element.tag, str):  # a comment
            return ""
        words = self._content(element)
        if element.tag == "br" or element.tag in _BLOCKS:
            return f" {words} "
        if element.tag == "q":
            return f"“{words}”"
        address = (element.get("href") or "").strip() if element.tag == "a" else ""
        return self._marked(words, address) if address else words

    def _content(self, element: _Element) -> str:
        return (element.text or "") + "".join(self._inline(child) + (child.tail or "") for child in element)

    def _marked(self, words: str, address: str) -> str:
        if words.strip() == address:
            return words
        mark = self.marks.setdefault(address, f"{self._number}.{len(self.marks) - self._own + 1}")
        return f"{words}{_SPACE}[{mark}]" if words.strip() else f"[{mark}]"


def _said(words: str, indent: str, *, close: bool) -> Iterator[_Paragraph]:
    if text := _SPACES.sub(" ", words).strip(" "):
        yield _Paragraph(text, indent, indent, close)


def _starting(paragraphs: Iterator[_Paragraph], *, close: bool) -> Iterator[_Paragraph]:
    """The paragraphs, the first of them directly below what is before it, or not."""
    for place, paragraph in enumerate(paragraphs):
        yield replace(paragraph, close=close) if place == 0 else paragraph


def _signs(element: _Element) -> Iterator[str]:
    """The marks before the items of a list."""
    start = element.get("start", "")
    number = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 1
    while True:
        yield f"{number}. " if element.tag == "ol" else "- "
        number += 1
