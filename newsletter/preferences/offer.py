"""The topics and newsletters that a project offers, and the words that name them in a preference file."""

import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

from newsletter import text


@dataclass(frozen=True)
class Offer:
    """The topics and newsletters that a cell or a column can name."""

    topic: Callable[[str], str | None]
    """The slug of the topic that a word names; None if it names none."""
    topic_like: Callable[[str], str]
    """The slug of the topic that an unknown word may mean, or ""."""
    newsletters: Collection[str] = ()
    """Their names in newsletter.toml."""

    def newsletter(self, word: str) -> str | None:
        """The newsletter that a word names, whatever its case, spaces and hyphens; None if it names none."""
        return next((name for name in self.newsletters if name == _folded(word)), None)

    def newsletter_like(self, word: str) -> str:
        """The newsletter that an unknown word may mean, or ""."""
        return text.nearest(_folded(word), self.newsletters)


@lru_cache(maxsize=4096)
def _folded(word: str) -> str:
    """ "Morning  Briefing", "morning_briefing" → "morning-briefing": the form of names in newsletter.toml."""
    return re.sub(r"[\s_-]+", "-", text.hyphened(unicodedata.normalize("NFKC", text.line(word)).casefold())).strip("-")
