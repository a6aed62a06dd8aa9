"""Clusters of stories, formed from the likeness of stories and the editor's overrides."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, product

from newsletter.choosing.related.likeness import Pair, Tie, pair_of, ties_between
from newsletter.choosing.related.overrides import Overrides
from newsletter.model import Problem, Story
from newsletter.text import meant, nearest, quoted


@dataclass(frozen=True, slots=True)
class Cluster:
    """Stories that report the same news; most clusters have one story."""

    pick: str
    """The id of the story that stands for all."""
    others: tuple[str, ...] = ()
    """Ids of the rest, the next best first."""
    why: str = ""
    """The reason for the cluster, for the editor; empty if there are no others."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Every story in exactly one cluster, ordered by the ids of the picks."""

    clusters: tuple[Cluster, ...] = ()
    problems: tuple[Problem, ...] = ()
    """The overrides that could not be followed."""


def cluster(stories: Sequence[Story], overrides: Overrides) -> Clusters:
    """Puts every story into exactly one cluster, whatever their order; ids must be unique.

    The pick is the editor's, else a pinned one, else that with the fullest text, the earlier date, the smaller id.
    """
    by_id = {story.id: story for story in sorted(stories, key=lambda story: story.id)}
    ruling = _rule(by_id, overrides)
    ties = ties_between(list(by_id.values()))

    def order(id: str) -> tuple[bool, bool, int, datetime, str]:
        story = by_id[id]
        return id not in ruling.picks, not story.pinned, -len(story.text or story.summary), story.date, id

    clusters = []
    for group in _grow(ruling, ties):
        pick, *others = sorted(group, key=order)
        clusters.append(Cluster(pick, tuple(others), _why(pick, others, by_id, ruling, ties)))
    return Clusters(tuple(sorted(clusters, key=lambda cluster: cluster.pick)), ruling.problems)


def _grow(ruling: "_Ruling", ties: Mapping[Pair, Tie]) -> Iterator[tuple[str, ...]]:
    """Joins groups along the strongest ties first, where each group of one side is tied to each of the other.

    Stories that the editor put together count as one group, which is tied as soon as one of its stories is.
    """
    home = {id: number for number, group in enumerate(ruling.groups) for id in group}
    apart = {frozenset((home[a], home[b])) for a, b in ruling.apart}
    strength: dict[frozenset[int], float] = {}
    for (a, b), tie in ties.items():
        between = frozenset((home[a], home[b]))
        if len(between) == 2 and between not in apart:
            strength[between] = max(tie.strength, strength.get(between, 0))
    members: dict[int, tuple[int, ...]] = {number: (number,) for number in range(len(ruling.groups))}
    for between in sorted(strength, key=lambda between: (-strength[between], sorted(between))):
        left, right = (members[number] for number in sorted(between))
        if left != right and all(frozenset(crossing) in strength for crossing in product(left, right)):
            members.update(dict.fromkeys(left + right, left + right))
    for numbers in set(members.values()):
        yield tuple(id for number in numbers for id in ruling.groups[number])


def _why(
    pick: str, others: Sequence[str], stories: Mapping[str, Story], ruling: "_Ruling", ties: Mapping[Pair, Tie]
) -> str:
    reasons = []
    for other in others:
        known = [ties[pair_of(other, id)] for id in (pick, *others) if pair_of(other, id) in ties]
        tie = ties.get(pair_of(pick, other)) or max(known, key=lambda tie: tie.strength, default=Tie(0, ""))
        reason = ruling.reasons.get(other, tie.why)
        reasons.append(f"“{stories[other].title}”: {reason}" if len(others) > 1 else reason)
    return "; ".join(reasons)


# --- The editor's overrides, applied to these stories ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ruling:
    """The overrides, with ids in place of links and titles."""

    groups: tuple[tuple[str, ...], ...]
    """Ids that belong together before anything is compared; each id is in one group."""
    apart: frozenset[Pair]
    picks: frozenset[str]
    reasons: Mapping[str, str]
    """The reason, for each id that the editor put together with others."""
    problems: tuple[Problem, ...]


def _rule(stories: Mapping[str, Story], overrides: Overrides) -> _Ruling:
    names = _Names(stories.values())
    problems: list[Problem] = []
    apart = {
        pair_of(a, b)
        for entry in overrides.apart
        for left, right in combinations(names.find(entry.stories, entry.place, problems), 2)
        for a, b in product(left, right) if a != b
    }
    groups: dict[str, tuple[str, ...]] = {id: (id,) for id in stories}
    picks: set[str] = set()
    reasons: dict[str, str] = {}
    for entry in overrides.together:
        named = {id for ids in names.find(entry.stories, entry.place, problems) for id in ids}
        if len(named) < 2:
            continue
        joined = tuple(sorted({id for name in named for id in groups[name]}))
        if not apart.isdisjoint(combinations(joined, 2)):
            problems.append(Problem(entry.place, "puts stories together that [[apart]] keeps apart",
                                    "Remove one of the two entries; until then they stay apart."))
            continue
        groups.update(dict.fromkeys(joined, joined))
        reasons.update(dict.fromkeys(named, f"the editor put them together ({entry.place})"))
        picks.update(id for ids in names.find((entry.pick,), entry.place, []) for id in ids)
    return _Ruling(tuple(sorted(set(groups.values()))), frozenset(apart), frozenset(picks), reasons, tuple(problems))


class _Names:
    """Finds stories by id, link or title."""

    def __init__(self, stories: Iterable[Story]) -> None:
        self._ids: dict[str, list[str]] = defaultdict(list)
        for story in stories:
            for name in {story.id, story.link, _plain(story.title)} - {""}:
                self._ids[name].append(story.id)

    def find(self, names: Iterable[str], place: str, problems: list[Problem]) -> list[tuple[str, ...]]:
        """The ids each name stands for, in order: several if stories share a title. An unknown name is a problem."""
        found = []
        for name in filter(None, names):
            ids = self._ids.get(name) or self._ids.get(_plain(name))
            if ids:
                found.append((name,) if name in ids else tuple(ids))
            else:
                otherwise = "Correct it, or remove the entry once its stories are old."
                problems.append(Problem(place, f"no story here has the id, link or title {quoted(name)}",
                                        f"{meant(nearest(name, self._ids, alike=0.75))} {otherwise}".strip()))
        return found


def _plain(title: str) -> str:
    return " ".join(title.split()).casefold()
