"""Topics: their names, and the stories that belong to them.

A story's tags decide. A story without a known tag is judged by `keywords`. `topicsfile` reads topics from topics.toml,
`topicsreport` lists stories, topics and tags without a counterpart.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from newsletter.choosing import keywords
from newsletter.errors import DataError
from newsletter.model import Match, Story, Topic
from newsletter.text import meant, nearest, quoted


@dataclass(frozen=True)
class Topics:
    """The topics of topics.toml in its order."""

    topics: tuple[Topic, ...] = ()

    def slug(self, word: str) -> str | None:
        """The topic that a word means by slug, label or alias, whatever its case, spaces and hyphens; None if none."""
        return self._slugs.get(normal(word))

    def suggestion(self, word: str) -> str:
        """The slug of a topic whose name looks like an unknown word; empty if none does."""
        word = normal(word)[:64]
        shared = Counter(name for pair in _pairs(word) for name in self._by_pair.get(pair, ()))
        likely = [name for name, _ in shared.most_common(20)]
        near = nearest(word, likely) or next((name for name in likely if name.startswith(word)), "")
        return self._slugs[near] if near and len(word) > 2 else ""

    def ancestors(self, slug: str) -> tuple[str, ...]:
        """The topic's parent, its parent, and so on to the top."""
        found = []
        while slug := self._by_slug[slug].parent:
            found.append(slug)
        return tuple(found)

    def descendants(self, slug: str) -> tuple[str, ...]:
        """All topics under this one, each before its own children."""
        found: list[str] = []
        waiting = list(reversed(self._children[slug])) if slug in self._children else []
        while waiting:
            found.append(waiting.pop())
            waiting += reversed(self._children.get(found[-1], []))
        return tuple(found)

    def offered(self, slugs: Sequence[str]) -> tuple[Topic, ...]:
        """The topics of a newsletter that offers these: each followed by its descendants, then their ancestors.

        An empty `slugs` means all topics in the order of topics.toml. Raises `DataError` for an undefined topic.
        """
        if not slugs:
            return self.topics
        for slug in slugs:
            if slug not in self._by_slug:
                cure = meant(self.suggestion(slug)) or f"Define [topic.{slug}]."
                raise DataError(f"there is no topic {quoted(slug)}", cure=cure)
        below = [name for slug in slugs for name in (slug, *self.descendants(slug))]
        above = [name for slug in slugs for name in self.ancestors(slug)]
        return tuple(self._by_slug[slug] for slug in dict.fromkeys(below + above))

    def match(self, story: Story) -> tuple[Match, ...]:
        """The topics of a story, with the reason: by its tags in their order, else by keywords, the strongest first."""
        by_tag: dict[str, Match] = {}
        for tag in story.tags:
            if slug := self.slug(tag):
                by_tag.setdefault(slug, Match(slug, "tag", tag))
        return tuple(by_tag.values()) or self._keywords.match(story.title, story.text or story.summary)

    @cached_property
    def _by_slug(self) -> Mapping[str, Topic]:
        return {topic.slug: topic for topic in self.topics}

    @cached_property
    def _slugs(self) -> Mapping[str, str]:
        """The slug that each normal word means."""
        return {normal(word): topic.slug for topic in self.topics for word in names(topic)}

    @cached_property
    def _by_pair(self) -> Mapping[str, list[str]]:
        """Normal words by the pairs of letters in them."""
        found = defaultdict(list)
        for word in self._slugs:
            for pair in _pairs(word):
                found[pair].append(word)
        return found

    @cached_property
    def _children(self) -> Mapping[str, list[str]]:
        found = defaultdict(list)
        for topic in self.topics:
            found[topic.parent].append(topic.slug)
        return dict(found)

    @cached_property
    def _keywords(self) -> keywords.Index:
        return keywords.Index(self.topics)


def names(topic: Topic) -> Iterator[str]:
    """The words that mean a topic."""
    return filter(normal, (topic.slug, topic.label, *topic.aliases))


# --- Words ---------------------------------------------------------------------------------------------------

_GAPS = re.compile(r"[\s_-]+")


@lru_cache(maxsize=16384)
def normal(word: str) -> str:
    """ "Artificial  Intelligence", "#artificial_intelligence" → "artificial-intelligence"."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    return _GAPS.sub("-", folded.strip().removeprefix("#")).strip("-")


def _pairs(word: str) -> set[str]:
    return {word[index:index + 2] for index in range(len(word) - 1)}
