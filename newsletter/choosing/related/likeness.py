"""Ties between stories that report the same news, and how strong each tie is.

The limits were chosen on the first half of `tests/data/related`.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from newsletter.choosing.related.profile import Profile
from newsletter.model import Story

NEAR = timedelta(days=3)
"""Stories whose dates are further apart are never tied by themselves; undated ones are near to all."""
COMMON = 40
"""A feature that more stories than this share makes no pairs; this keeps a thousand stories at about a second."""

# Bars for the strength of a tie, 0 to 1.
SAME_LINK = 0.2
NUMBERS_AGREE = (0.47, 0.41, 0.34)
"""The bar if two stories share no number, one, or more."""
HARDLY_TEXT = 0.75
ENOUGH = 15
"""Words of a lead, without function words, from which on it is more than hardly text."""
AGREE = 0.5
"""The share of the fewer numbers that must be among the more ones."""
SERIES = 0.6
"""Titles that overlap so much and differ in a number, a month or an ordinal are parts of a series."""

Pair = tuple[str, str]
"""The ids of two stories, the smaller first."""


@dataclass(frozen=True, slots=True)
class Tie:
    """The finding that two stories report the same news."""

    strength: float
    why: str


def pair_of(a: str, b: str) -> Pair:
    return (a, b) if a < b else (b, a)


def ties_between(stories: Sequence[Story]) -> dict[Pair, Tie]:
    """Every tie between two of the stories, whatever their order."""
    profiles = [Profile.of(story) for story in stories]
    count = len(profiles) + 10  # as if ten more stories were there: a handful is too few to tell what is rare
    times = Counter(word for profile in profiles for word in profile.words.keys() | profile.numbers.keys())
    weights = {word: math.log(1 + count / often) for word, often in times.items()}
    found = ((pair_of(a.story.id, b.story.id), _compare(a, b, weights)) for a, b in _pairs(profiles))
    return {pair: tie for pair, tie in found if tie}


def _pairs(profiles: Sequence[Profile]) -> Iterator[tuple[Profile, Profile]]:
    """Pairs that share two rare features, are near in time and in one language."""
    holders: dict[str, list[int]] = defaultdict(list)
    for number, profile in enumerate(profiles):
        for feature in profile.features:
            holders[feature].append(number)
    rare = (numbers for numbers in holders.values() if len(numbers) <= COMMON)
    shared = Counter(pair for numbers in rare for pair in combinations(numbers, 2))
    for (left, right), times in shared.items():
        a, b = profiles[left], profiles[right]
        if times > 1 and _near(a.story, b.story) and _one_language(a.story, b.story):
            yield a, b


def _near(a: Story, b: Story) -> bool:
    return not (a.dated and b.dated) or abs(a.date - b.date) <= NEAR


def _one_language(a: Story, b: Story) -> bool:
    first, second = (story.language.partition("-")[0].casefold() for story in (a, b))
    return not (first and second) or first == second


def _compare(a: Profile, b: Profile, weights: Mapping[str, float]) -> Tie | None:
    if a.steps and b.steps and a.steps.isdisjoint(b.steps):
        return None
    if a.marks - b.marks and b.marks - a.marks and _overlap(a.title, b.title, weights) >= SERIES:
        return None
    headline = min(_share(a.title, b.words, weights), _share(b.title, a.words, weights))
    strength = (headline + 2 * _overlap(a.lead, b.lead, weights)) / 3
    return Tie(strength, _evidence(a, b, weights)) if strength >= _bar(a, b) else None


def _bar(a: Profile, b: Profile) -> float:
    """How alike two stories must be to be tied; more than 1 where their numbers say that they differ."""
    if a.story.link and a.story.link == b.story.link:
        return SAME_LINK
    shared = len(a.numbers.keys() & b.numbers.keys())
    if shared < AGREE * min(len(a.numbers), len(b.numbers)):
        return math.inf
    if not shared and min(len(a.lead), len(b.lead)) < ENOUGH:
        return HARDLY_TEXT
    return NUMBERS_AGREE[min(shared, 2)]


def _share(words: Collection[str], among: Collection[str], weights: Mapping[str, float]) -> float:
    """How much of the words, by weight, is among others: 0 to 1."""
    return _weigh(set(words) & set(among), weights) / (_weigh(words, weights) or 1)


def _overlap(a: Collection[str], b: Collection[str], weights: Mapping[str, float]) -> float:
    """The Dice coefficient, weighted: 0 to 1."""
    return 2 * _weigh(set(a) & set(b), weights) / ((_weigh(a, weights) + _weigh(b, weights)) or 1)


def _weigh(words: Iterable[str], weights: Mapping[str, float]) -> float:
    return math.fsum(weights[word] for word in words)  # exact: the order of a set must not show in the sum


def _evidence(a: Profile, b: Profile, weights: Mapping[str, float]) -> str:
    """The reason for a tie: "titles share IBM, commits, US; both say $150 billion"."""
    words = [word for stem, word in a.title.items() if stem in b.title]
    numbers = [number for key, number in a.numbers.items() if key in b.numbers]
    rarest = sorted(a.words.keys() & b.words.keys(), key=lambda stem: (-weights[stem], stem))[:4]
    parts = [
        "the same link" if a.story.link and a.story.link == b.story.link else "",
        f"titles share {', '.join(words)}" if words else f"texts share {', '.join(a.words[stem] for stem in rarest)}",
        f"both say {', '.join(numbers[:3])}" if numbers else "",
    ]
    return "; ".join(filter(None, parts))
