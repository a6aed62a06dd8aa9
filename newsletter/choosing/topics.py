"""Topics: the file that defines them, the words that mean them, and the stories that belong to them.

A story's tags decide. One without tags, or with none that we know, is judged by `keywords`.
"""

import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache

from newsletter.choosing import keywords
from newsletter.errors import DataError
from newsletter.model import Match, Story, Topic


@dataclass(frozen=True, slots=True)
class UnmappedTag:
    """A tag of stories that no topic knows."""

    tag: str
    """As it was first written."""
    count: int
    """How many stories have it."""
    suggestion: str
    """The slug of a topic that may be meant; empty if none looks like it."""


@dataclass(frozen=True, slots=True)
class TopicsReport:
    """What topics.toml leaves open, for the stories and the readers at hand."""

    unmatched: tuple[Story, ...]
    """Stories in no topic: nobody gets them."""
    unread: tuple[str, ...]
    """Slugs that nobody chose, neither themselves nor an ancestor."""
    unmapped: tuple[UnmappedTag, ...]
    """The most frequent first."""


@dataclass(frozen=True)
class Topics:
    """The topics of topics.toml in its order."""

    topics: tuple[Topic, ...] = ()

    @classmethod
    def parse(cls, text: str, *, place: str) -> "Topics":
        """Reads topics.toml. `place` is its name for messages.

        Raises `DataError` with file and line for what is no TOML, unknown keys, bad slugs, parents that do not exist or
        go round in a circle, and words claimed by two topics.
        """
        lines = _lines(text)
        topics = tuple(_topic(slug, table, lines, place) for slug, table in _tables(text, place).items())
        _check_parents(topics, lines, place)
        _check_words(topics, lines, place)
        return cls(topics)

    def slug(self, word: str) -> str | None:
        """The topic that a word means by slug, label or alias, whatever its case, spaces and hyphens; None if none."""
        return self._slugs.get(_normal(word))

    def suggestion(self, word: str) -> str:
        """The slug of a topic whose name looks like an unknown word; empty if none does."""
        normal = _normal(word)[:64]
        shared = Counter(name for pair in _pairs(normal) for name in self._by_pair.get(pair, ()))
        likely = [name for name, _ in shared.most_common(20)]
        near = get_close_matches(normal, likely, n=1) or [name for name in likely if name.startswith(normal)]
        return self._slugs[near[0]] if near and len(normal) > 2 else ""

    def ancestors(self, slug: str) -> tuple[str, ...]:
        """The topic's parent, its parent, and so on to the top."""
        found = []
        while slug := self._by_slug[slug].parent:
            found.append(slug)
        return tuple(found)

    def descendants(self, slug: str) -> tuple[str, ...]:
        """All topics under one, each before its own children."""
        found: list[str] = []
        waiting = list(reversed(self._children[slug])) if slug in self._children else []
        while waiting:
            found.append(waiting.pop())
            waiting += reversed(self._children.get(found[-1], []))
        return tuple(found)

    def offered(self, slugs: Sequence[str]) -> tuple[Topic, ...]:
        """The topics of a newsletter that offers these: each followed by its descendants, then their ancestors.

        None given means all in the order of topics.toml. Raises `DataError` for one that is not defined.
        """
        if not slugs:
            return self.topics
        for slug in slugs:
            if slug not in self._by_slug:
                cure = _meant(self.suggestion(slug)) or f"Define [topic.{slug}]."
                raise DataError(f'"{slug}" is no topic', cure=cure)
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

    def report(self, stories: Iterable[Story], chosen: Mapping[str, int]) -> TopicsReport:
        """What is left open. `chosen` says how many subscribers chose each slug, and `*`."""
        unmatched = []
        counts: Counter[str] = Counter()
        written: dict[str, str] = {}
        for story in stories:
            unknown = {_normal(tag): tag for tag in reversed(story.tags) if self.slug(tag) is None}
            counts.update(unknown.keys())
            written = {**unknown, **written} if unknown.keys() - written.keys() else written
            if not self.match(story):
                unmatched.append(story)
        unmapped = (UnmappedTag(written[tag], count, self.suggestion(tag)) for tag, count in counts.most_common())
        unread = (topic.slug for topic in self.topics
                  if not any(chosen.get(slug) for slug in ("*", topic.slug, *self.ancestors(topic.slug))))
        return TopicsReport(tuple(unmatched), tuple(unread), tuple(unmapped))

    @cached_property
    def _by_slug(self) -> Mapping[str, Topic]:
        return {topic.slug: topic for topic in self.topics}

    @cached_property
    def _slugs(self) -> Mapping[str, str]:
        """What each normal word means."""
        return {_normal(word): topic.slug for topic in self.topics for word in _names(topic)}

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


def _names(topic: Topic) -> Iterator[str]:
    """The words that mean a topic."""
    return filter(_normal, (topic.slug, topic.label, *topic.aliases))


# --- Words ---------------------------------------------------------------------------------------------------

_GAPS = re.compile(r"[\s_-]+")


@lru_cache(maxsize=16384)
def _normal(word: str) -> str:
    """ "Artificial  Intelligence", "#artificial_intelligence" → "artificial-intelligence"."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    return _GAPS.sub("-", folded.strip().removeprefix("#")).strip("-")


def _pairs(word: str) -> set[str]:
    return {word[index:index + 2] for index in range(len(word) - 1)}


def _meant(near: str) -> str:
    return f'Did you mean "{near}"?' if near else ""


# --- topics.toml ---------------------------------------------------------------------------------------------

Lines = Mapping[tuple[str, str], int]
"""the line of a topic's key; of the topic itself under the key ""."""

_KEYS = ("label", "description", "aliases", "keywords", "parent", "exclude")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HEADER = re.compile(r"""\s*\[\s*topic\s*\.\s*("[^"]*"|'[^']*'|[\w-]+)\s*(?:\.\s*([\w-]+)\s*)?\]""")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*=")


def _lines(text: str) -> Lines:
    """Where things are, which tomllib does not tell."""
    lines: dict[tuple[str, str], int] = {}
    slug = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            slug = header[1].strip("\"'")
            lines.setdefault((slug, header[2] or ""), number)
        elif key := _KEY.match(line):
            lines.setdefault((slug, key[1]), number)
    return lines


def _at(place: str, lines: Lines, slug: str, key: str = "") -> str:
    line = lines.get((slug, key)) or lines.get((slug, ""))
    return f"{place}:{line}" if line else place


def _tables(text: str, place: str) -> Mapping[str, object]:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        found = re.fullmatch(r"(.*?) \(at line (\d+), column \d+\)", str(error))
        where, reason = (f"{place}:{found[2]}", found[1]) if found else (place, str(error))
        raise DataError(f"the file is no TOML: {reason}", place=where, cure="Mend it there.") from error
    tables = document.pop("topic", {})
    for key in document:
        raise DataError(f'unknown key "{key}"', place=place, cure="Write [topic.NAME] for each topic.")
    if not isinstance(tables, dict):
        raise DataError('"topic" is no table', place=place, cure="Write [topic.NAME] for each topic.")
    return tables


def _topic(slug: str, table: object, lines: Lines, place: str) -> Topic:
    where = _at(place, lines, slug)
    if not _SLUG.fullmatch(slug) or len(slug) > 64:
        better = "-".join(re.findall(r"[a-z0-9]+", _ascii(slug)))[:64].strip("-") or "my-topic"
        raise DataError(f'"{slug}" cannot name a topic: lower-case letters a to z, digits and single hyphens can',
                        place=where, cure=f"Write [topic.{better}], and the name for people as its label.")
    if not isinstance(table, dict):
        raise DataError(f'"{slug}" is no table', place=where, cure=f"Write [topic.{slug}].")
    for key in table:
        if key not in _KEYS:
            near = next(iter(get_close_matches(key, _KEYS, n=1)), "")
            raise DataError(f'unknown key "{key}" in the topic "{slug}"', place=_at(place, lines, slug, key),
                            cure=_meant(near) or f"Use {', '.join(_KEYS)}; a topic under another has it as parent.")

    def text(key: str) -> str:
        return _text(table.get(key, ""), key, _at(place, lines, slug, key))

    def texts(key: str) -> tuple[str, ...]:
        return _texts(table.get(key, []), key, _at(place, lines, slug, key))

    return Topic(slug, text("label") or slug.replace("-", " ").capitalize(), text("description"), text("parent"),
                 texts("aliases"), texts("keywords"), texts("exclude"))


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def _text(value: object, key: str, place: str) -> str:
    if not isinstance(value, str):
        raise DataError(f'"{key}" is no text', place=place, cure=f'Write {key} = "…".')
    return " ".join(_CONTROLS.sub(" ", value).split())


def _texts(value: object, key: str, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise DataError(f'"{key}" is no list', place=place, cure=f'Write {key} = ["…", "…"].')
    texts = tuple(_text(item, key, place) for item in value)
    for text in texts:
        if not (keywords.known_word(text) if key != "aliases" else _normal(text)):
            raise DataError(f'"{text}" in "{key}" has no word in it', place=place, cure="Take it out.")
    return texts


def _check_parents(topics: Iterable[Topic], lines: Lines, place: str) -> None:
    parents = {topic.slug: topic.parent for topic in topics}
    whole: set[str] = set()
    for slug, parent in parents.items():
        if parent and parent not in parents:
            near = next(iter(get_close_matches(parent, parents, n=1)), "")
            where = _at(place, lines, slug, "parent")
            raise DataError(f'the parent "{parent}" of "{slug}" does not exist', place=where,
                            cure=_meant(near) or f"Define [topic.{parent}], or take the parent out.")
    for slug in parents:
        path: dict[str, None] = {}
        while slug and slug not in whole and slug not in path:
            path[slug] = None
            slug = parents[slug]
        if slug in path:
            circle = [*list(path)[list(path).index(slug):], slug]
            raise DataError(f"parents go round in a circle: {' → '.join(circle)}",
                            place=_at(place, lines, slug, "parent"), cure="Take one of these parents out.")
        whole |= path.keys()


def _check_words(topics: Iterable[Topic], lines: Lines, place: str) -> None:
    owners: dict[str, Topic] = {}
    for topic in topics:
        for word in _names(topic):
            owner = owners.setdefault(_normal(word), topic)
            if owner is not topic:
                key = "aliases" if word in topic.aliases else "label" if word == topic.label else ""
                raise DataError(f'"{word}" means "{owner.slug}" already ({_at(place, lines, owner.slug)})',
                                place=_at(place, lines, topic.slug, key), cure="Take it out of one of the two.")
