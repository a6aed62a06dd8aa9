"""Pasted text: stories one after another, each a title and its paragraphs, recognised by their shape alone.

1. The text becomes paragraphs, one on each line or separated by empty lines. Lines that a mail program has wrapped are
   joined.
2. A paragraph that several stories repeat word for word (a call to action, a byline) is boilerplate and removed.
3. A title is a short paragraph that does not end like a sentence, before one that does. A title with a question or
   exclamation mark is recognised by its place: at the beginning, or after the call to action that ends a story.

Pasted stories have no date and no id: a story's title identifies it.
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
from newsletter.text import BREAKS, quoted

MAX_TITLE_WORDS = 25
"""Maximum number of words in a title."""
_OPEN_ENDS = (*SENTENCE_END, *":;,，：；")
_BULLET = re.compile(r"(?:[-–—*•‣▪◦·●]|#{1,6}|\(?\d{1,3}[.)])\s+(?=\S)")
_LINE_ENDS = re.compile(f"\r\n|[{BREAKS}]")
_WRAP = range(50, 101)
"""Widths at which mail programs wrap lines."""


def recognises(document: Document) -> bool:
    """True: any document can be read as a text."""
    return True


def read(document: Document, now: datetime) -> Iterator[Item | Problem]:
    """The stories of a pasted text in UTF-8, UTF-16 or Windows-1252."""
    place, (text, _) = document.place, decode(document.data)
    paragraphs, openers = _without_boilerplate(_paragraphs(legible(_LINE_ENDS.sub("\n", text))))
    if not paragraphs:
        yield Problem(place, "the text has no story", "Paste a title, an empty line, and the story's paragraphs.")
        return
    starts = _starts(paragraphs, openers)
    if starts[0] > 0:
        found = f"there is text before the first title: {quoted(paragraphs[0])}"
        yield Problem(place, found, "Give it a title, or remove it.")
    yield from too_many(len(starts), place)
    for number, (start, end) in enumerate(pairwise([*starts, len(paragraphs)]), 1):
        if number <= MAX_ITEMS:
            yield _item(paragraphs[start:end], f"{place} story {number}")


def _item(paragraphs: Sequence[str], place: str) -> Item:
    """A story from a title and the rest; a paragraph that consists of an address is its link."""
    link = next(filter(None, map(_address, paragraphs)), "")
    title, *rest = [each for each in paragraphs if not _address(each)] or paragraphs
    body = "".join(f"<p>{html.escape(each, quote=False)}</p>" for each in rest)
    bullet = _BULLET.match(title)
    return Item(place=place, title=title[bullet.end():] if bullet else title, html=body, link=link)


def _paragraphs(text: str) -> list[str]:
    """The paragraphs, with white space folded. Each line is one, unless it continues a line that was full."""
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
    """Whether `line` continues `before`, which had no room for its first word."""
    full = len(before) + 1 + len(line.split(maxsplit=1)[0]) > width
    ended = before.rstrip(CLOSERS).endswith(_OPEN_ENDS) and len(before) < width - 15
    return width in _WRAP and full and not ended and not _BULLET.match(line)


def _without_boilerplate(paragraphs: Sequence[str]) -> tuple[list[str], set[int]]:
    """The paragraphs without boilerplate, and the indices of those at the beginning or after a boilerplate sentence.

    A sentence that occurs in two stories is boilerplate, a short paragraph like a title only if it occurs in three: two
    stories may have the title "In brief". A refrain within one story is not boilerplate.
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
    """The indices at which stories begin: the first is 0 if there is no title, or a subtitle under the first one."""
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
    """Whether a paragraph is short and does not end like a sentence; one that begins with "#" is marked as a title."""
    ended = paragraph.rstrip(CLOSERS).endswith(_OPEN_ENDS) and not paragraph.startswith("#")
    return _short(paragraph) and not ended and not _address(paragraph)


def _short(paragraph: str) -> bool:
    return len(paragraph.split()) <= MAX_TITLE_WORDS and len(paragraph) <= 200


def _address(paragraph: str) -> str:
    return on_web(paragraph) if paragraph.lower().startswith(("https://", "http://")) and " " not in paragraph else ""
