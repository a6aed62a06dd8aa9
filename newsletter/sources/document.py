"""A document: the bytes of one file or of one answer from the web, with everything known about their origin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import urlsplit

from newsletter.sources.encoding import decode

HEAD = 2000
"""Number of bytes at the beginning by which a reader recognises a document."""

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """The input of a reader."""

    data: bytes
    place: str
    """Its name in problems: "stories/ai.md", "https://news.example.org/feed.xml"."""
    path: str = ""
    """The file, relative to the project; empty for the web and standard input."""
    url: str = ""
    """The address that it came from, after all redirects and without a login; empty for files and standard input."""
    content_type: str = ""
    """The Content-Type header as received; empty if there is none."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The `options` of its `[[source]]`."""

    @property
    def head(self) -> str:
        """The text of the first `HEAD` bytes."""
        return decode(self.data[:HEAD])[0]

    @property
    def suffix(self) -> str:
        """The extension of its file or address in lower case: ".xml"; empty if there is none."""
        return PurePath(self.path or urlsplit(self.url).path).suffix.lower()

    @property
    def charset(self) -> str:
        """The encoding that the Content-Type names; empty if it names none."""
        found = _CHARSET.search(self.content_type)
        return found[1] if found else ""

    def is_of_type(self, word: str) -> bool:
        """Whether the Content-Type contains this word, as application/feed+json contains "json"."""
        return word in self.content_type.lower()
