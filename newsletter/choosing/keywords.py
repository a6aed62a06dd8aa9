"""Topics recognised by keywords in a story's title and text, for stories without a tag that names a topic.

- A keyword is found on whole words, whatever the case, the accents, an English plural or a possessive. A word of it in
  capitals ("AI", "US") is found in capitals alone, so that "us" is not the US; capitals mean
  nothing in a title all in capitals.
- A hit in the title counts 3 points, in the text 1; n hits count log2(1 + n) times as much. Of a topic's keywords
  that overlap, the longest counts.
- A topic needs 1 point in a text of up to 60 words, 2 up to 600, else 3: a word in passing is not enough, a hit in the
  title always is.
- A phrase of the topic's `exclude` anywhere in the story silences its keywords.
- At most three topics, and only those with at least half the points of the strongest.

Words are not found in scripts without spaces between them: such stories need tags.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import log2
from typing import NamedTuple

from newsletter.model import Match, Topic

Forms = tuple[str, ...]
"""The forms in which a keyword may match a story's word: folded, and in capitals if the story has it in capitals."""


class Index:
    """The keywords of topics by their first word: the time to read a story does not grow with their number."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._by_first: dict[str, list[_Phrase]] = defaultdict(list)
        for rank, topic in enumerate(topics):
            phrases = [*((words, False) for words in topic.keywords), *((words, True) for words in topic.exclude)]
            for written, silences in phrases:
                if forms := _forms(written):
                    self._by_first[forms[0]].append(_Phrase(topic.slug, rank, written, forms, silences))
        for found in self._by_first.values():
            found.sort(key=lambda phrase: -len(phrase.forms))

    def match(self, title: str, text: str) -> tuple[Match, ...]:
        """The topics of a story, the strongest first, with the keywords found as evidence."""
        words = _words(text)
        in_title, in_text = self._find(_words(title)), self._find(words)
        silenced = {phrase.slug for phrase in in_title | in_text if phrase.silences}
        finds: dict[str, list[_Find]] = defaultdict(list)
        for phrase in in_title | in_text:
            if phrase.slug not in silenced:
                finds[phrase.slug].append(_Find(phrase, in_title[phrase], in_text[phrase]))
        return _strongest(finds, least=1 if len(words) <= 60 else 2 if len(words) <= 600 else 3)

    def _find(self, words: Sequence[Forms]) -> "Counter[_Phrase]":
        """How often each phrase occurs in the words."""
        found: Counter[_Phrase] = Counter()
        free: dict[str, int] = {}  # by topic, where the words begin that none of its keywords has taken
        for position, word in enumerate(words):
            for form in word:
                for phrase in self._by_first.get(form, ()):
                    if position >= free.get(phrase.slug, 0) and _stands(phrase, words, position):
                        found[phrase] += 1
                        if not phrase.silences:
                            free[phrase.slug] = position + len(phrase.forms)
        return found


def known_word(written: str) -> bool:
    """Whether a keyword has any word in it that can be found."""
    return bool(_forms(written))


class _Phrase(NamedTuple):
    slug: str
    rank: int
    """The topic's place in topics.toml."""
    written: str
    forms: tuple[str, ...]
    """One for each of its words: folded, or as it is if in capitals."""
    silences: bool


class _Find(NamedTuple):
    """A keyword found in a story."""

    phrase: _Phrase
    in_title: int
    in_text: int

    @property
    def points(self) -> float:
        return 3 * log2(1 + self.in_title) + log2(1 + self.in_text)

    @property
    def evidence(self) -> str:
        places = ((self.in_title, "title"), (self.in_text, "text"))
        counted = (f"{place} ×{count}" if count > 1 else place for count, place in places if count)
        return f"{self.phrase.written} ({', '.join(counted)})"


def _strongest(finds: Mapping[str, list[_Find]], least: int) -> tuple[Match, ...]:
    points = {slug: sum(find.points for find in found) for slug, found in finds.items()}
    enough = max(least, max(points.values(), default=0) / 2)
    slugs = [slug for slug in finds if points[slug] >= enough]
    slugs.sort(key=lambda slug: (-points[slug], finds[slug][0].phrase.rank))
    return tuple(Match(slug, "keyword", _evidence(finds[slug]), round(10 * points[slug])) for slug in slugs[:3])


def _evidence(finds: list[_Find]) -> str:
    """The up to five keywords with the most points, as `why` shows them."""
    heaviest = sorted(finds, key=lambda find: (-find.points, find.phrase.written))
    return ", ".join(find.evidence for find in heaviest[:5])


def _stands(phrase: _Phrase, words: Sequence[Forms], position: int) -> bool:
    if position + len(phrase.forms) > len(words):
        return False
    return all(form in words[position + offset] for offset, form in enumerate(phrase.forms))


_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*(?:\+\+|#)?")
_ACCENTS = re.compile("[\u0300-\u036f]+")


def _words(text: str) -> list[Forms]:
    words = [_word(token) for token in _tokens(text)]
    if len(words) > 3 and text.isupper():
        return [word[:1] for word in words]
    return words


def _forms(written: str) -> tuple[str, ...]:
    """The words of a keyword: the last form of each is the one in capitals, if it is written so."""
    return tuple(_word(token)[-1 if token.isupper() else 0] for token in _tokens(written))


def _tokens(text: str) -> list[str]:
    plain = text if text.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return _TOKEN.findall(plain)


@lru_cache(maxsize=65536)
def _word(token: str) -> Forms:
    bare = re.sub(r"['’][sS]$", "", token)
    singular = bare[:-1] if len(bare) > 2 and bare.endswith("s") else bare
    folded = _singular(bare.casefold().replace("’", "'"))
    capitals = next((word for word in (bare, singular) if word.isupper()), "")
    return (folded, capitals) if capitals else (folded,)


def _singular(word: str) -> str:
    """One form for an English plural and its singular; it need not be a word ("cookies" and "cookie" → "cooky")."""
    if len(word) < 4 or word in ("news", "series", "species"):
        return word
    if len(word) > 4 and word.endswith(("ies", "ie")):
        return word.removesuffix("s")[:-2] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-1] if word.endswith("che") else word
