"""Pasted text: stories one after another, each a title and its paragraphs, with nothing to mark them but their shape.

1. The text becomes paragraphs: parted by empty lines, or one a line; lines wrapped by a mail program are joined.
2. What stands word for word in many stories (a call to action, a byline) is boilerplate and goes.
3. A title is a short paragraph that does not end as a sentence does, before one that does. A title that asks or calls
   is known by its place: first of all, or after the call to action that ends a story.

Pasted stories have no date and no name: a story is known by its title.
"""

import html
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate, pairwise

from newsletter.model import Problem
from newsletter.sources.document import Document
from newsletter.sources.encoding import decode
from newsletter.sources.item import MAX_ITEMS, Item, too_many
from newsletter.sources.link import on_web
from newsletter.sources.plain import CLOSERS, SENTENCE_END, legible
from newsletter.text import BREAKS

MAX_TITLE_WORDS = 25
"""Words of a title."""
_OPEN_ENDS = (*SENTENCE_END, *":;,，：；")
_BULLET = re.compile(r"(?:[-–—*•‣▪◦·●]|#{1,6}|\(?\d{1,3}[.)])\s+(?=\S)")
_LINE_ENDS = re.compile(f"\r\n|[{BREAKS}]")
_WRAP = range(50, 101)
"""Widths at which mail programs wrap lines."""


def recognises(document: Document) -> bool:
    """Always: any document can be read as a text."""
    return True


def read(document: Document, now: datetime) -> Iterator[Item | Problem]:
    """The stories of a pasted text in UTF-8, UTF-16 or Windows-1252."""
    place, (text, _) = document.place, decode(document.data)
    paragraphs, openers = _without_boilerplate(_paragraphs(legible(_LINE_ENDS.sub("\n", text))))
    if not paragraphs:
        yield Problem(place, "a text without a story", "Paste a title, an empty line, and the story's paragraphs.")
        return
    starts = _starts(paragraphs, openers)
    if starts[0] > 0:
        yield Problem(place, f'text before the first title: "{paragraphs[0][:60]}"', "Give it a title, or remove it.")
    yield from too_many(len(starts), place)
    for number, (start, end) in enumerate(pairwise([*starts, len(paragraphs)]), 1):
        if number <= MAX_ITEMS:
            yield _item(paragraphs[start:end], f"{place} story {number}")


def _item(paragraphs: Sequence[str], place: str) -> Item:
    """A story of a title and the rest; a paragraph that is an address alone is its link."""
    link = next(filter(None, map(_address, paragraphs)), "")
    title, *rest = [each for each in paragraphs if not _address(each)] or paragraphs
    body = "".join(f"<p>{html.escape(each, quote=False)}</p>" for each in rest)
    bullet = _BULLET.match(title)
    return Item(place=place, title=title[bullet.end():] if bullet else title, html=body, link=link)


def _paragraphs(text: str) -> list[str]:
    """The paragraphs, white space folded; a line is one, unless it only goes on because the line before was full."""
    lines = [" ".join(line.split()) for line in text.split("\n")]
    width = max(map(len, lines), default=0)
    paragraphs: list[list[str]] = []
    for before, line in pairwise(["", *lines]):
        if before and line and _wrapped(before, line, width):
            paragraphs[-1].append(line)
        elif line:
            paragraphs.append([line])
    return [" ".join(each) for each in paragraphs]


def _wrapped(before: str, line: str, width: int) -> bool:
    """Whether `line` goes on with `before`: its first word had no room there."""
    full = len(before) + 1 + len(line.split(maxsplit=1)[0]) > width
    ended = before.rstrip(CLOSERS).endswith(_OPEN_ENDS) and len(before) < width - 15
    return width in _WRAP and full and not ended and not _BULLET.match(line)


def _without_boilerplate(paragraphs: Sequence[str]) -> tuple[list[str], set[int]]:
    """The paragraphs without those that recur in story after story, and which of them open the text or follow one.

    A sentence that stands in two stories is boilerplate, something short like a title only from three on: two stories
    may be called "In brief". A refrain within one story is none.
    """
    stories = accumulate(map(_title_like, paragraphs))  # the number of the story, roughly: bylines look like titles
    homes: dict[str, set[int]] = defaultdict(set)
    for paragraph, story in zip(paragraphs, stories, strict=True):
        homes[paragraph.casefold()].add(story)
    kept: list[str] = []
    openers = {0}
    for paragraph in paragraphs:
        if len(homes[paragraph.casefold()]) < (3 if _title_like(paragraph) else 2):
            kept.append(paragraph)
        elif not _title_like(paragraph):
            openers.add(len(kept))
    return kept, openers


def _starts(paragraphs: Sequence[str], openers: set[int]) -> list[int]:
    """Where stories begin; a text without any title, or with a subtitle under its first, begins at its beginning."""
    starts = [at for at in range(len(paragraphs)) if _is_title(paragraphs, at, openers)]
    if not starts or all(_title_like(each) for each in paragraphs[:starts[0]]):
        return [0, *starts[1:]]
    return starts


def _is_title(paragraphs: Sequence[str], at: int, openers: set[int]) -> bool:
    if at in openers and _short(paragraphs[at]) and paragraphs[at].rstrip(CLOSERS).endswith(("?", "!")):
        return True
    following = next((each for each in paragraphs[at + 1:at + 4] if not _address(each)), "")
    before_sentence = bool(following) and not _title_like(following)
    return _title_like(paragraphs[at]) and before_sentence and not _listed(paragraphs, at)


def _listed(paragraphs: Sequence[str], at: int) -> bool:
    """Whether a paragraph is the last entry of a list rather than a numbered title."""
    before = paragraphs[at - 1] if at else ""
    return bool(_BULLET.match(paragraphs[at])) and (before.endswith(":") or bool(_BULLET.match(before)))


def _title_like(paragraph: str) -> bool:
    """Short, and not ended as a sentence; a paragraph with a number sign before it says so itself."""
    ended = paragraph.rstrip(CLOSERS).endswith(_OPEN_ENDS) and not paragraph.startswith("#")
    return _short(paragraph) and not ended and not _address(paragraph)


def _short(paragraph: str) -> bool:
    return len(paragraph.split()) <= MAX_TITLE_WORDS and len(paragraph) <= 200


def _address(paragraph: str) -> str:
    return on_web(paragraph) if paragraph.lower().startswith(("https://", "http://")) and " " not in paragraph else ""
