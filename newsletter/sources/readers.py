"""The readers, one for each kind of document, and the rule for choosing the reader of a document.

A reader is a module with two functions, and its line in `READERS`:

    recognises(document) -> bool        whether the document is of its kind, by its content, its type or its name
    read(document, now)                 yields an `Item` for each story, and a `Problem` for each mistake

A document is read by the reader that its `[[source]]` names as `kind`, else by the first one that recognises it.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from newsletter.model import Problem
from newsletter.sources import feed, jsonfeed, markdown, page, pasted
from newsletter.sources.document import Document
from newsletter.sources.item import Item
from newsletter.text import meant, nearest, quoted


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of one kind of document."""

    recognises: Callable[[Document], bool]
    read: Callable[[Document, datetime], Iterator[Item | Problem]]
    options: frozenset[str] = frozenset()
    """The names that it understands in the `options` of a `[[source]]`."""


READERS: dict[str, Reader] = {
    "markdown": Reader(markdown.recognises, markdown.read),
    "page": Reader(page.recognises, page.read),
    "json-feed": Reader(jsonfeed.recognises, jsonfeed.read),
    "feed": Reader(feed.recognises, feed.read),
    "text": Reader(pasted.recognises, pasted.read),  # any document is a text, so it comes last
}
"""The readers by kind, in the order in which they are tried."""


def read(document: Document, kind: str, now: datetime) -> Iterator[Item | Problem]:
    """The items and problems of a document. `kind` names the reader; empty means the first that recognises it."""
    if kind and kind not in READERS:
        yield Problem(document.place, f"unknown kind of source {quoted(kind)}", _instead(kind, "kinds", READERS))
        return
    reader = READERS[kind] if kind else next(each for each in READERS.values() if each.recognises(document))
    for option in document.options:
        if option not in reader.options:
            cure = _instead(option, "options", sorted(reader.options))
            yield Problem(document.place, f"unknown option {quoted(option)}", cure)
    yield from reader.read(document, now)


def _instead(word: str, what: str, known: Collection[str]) -> str:
    """The fix for an unknown word: the nearest known one, and a list of them all."""
    if not known:
        return "Remove it: this kind of source has no options."
    return f"{meant(nearest(word, known))} The {what} are {', '.join(known)}.".strip()
