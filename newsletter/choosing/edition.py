"""The edition for one set of interests, with the reason for each story: a pure function of manifest and past.

Every story of the manifest gets a verdict. A story that is in stands under the first of the subscriber's topics that it
belongs to. The section that holds the best-ranked story opens the edition, so the lead is the best story of all. The
other sections follow in the subscriber's order of topics, or in the newsletter's for a subscriber to all topics.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from newsletter.choosing.ranking import PERIODS
from newsletter.model import Candidate, Edition, Entry, Interests, Manifest, Reason, Section, Verdict, Weights

CLIPPED_AT = 102_400
"""Bytes of HTML from which Gmail hides the rest of a mail, the unsubscribe link with it (standards.md, H1)."""
RESERVE = 6_144
"""Bytes kept free for the values of placeholders, which differ between subscribers."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An edition, and a verdict for each story of the issue in order of rank."""

    edition: Edition
    verdicts: tuple[Verdict, ...]
    size: int = 0
    """Bytes of its HTML without the values of placeholders; 0 if the sizes of the blocks are not known."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One of a subscriber's topics, and the topics whose stories it takes: itself and its descendants."""

    topic: str
    covers: frozenset[str]


@dataclass(slots=True)
class _Draft:
    """An edition while it is being filled, in order of rank."""

    size: int = 0
    sections: dict[str, list[Entry]] = field(default_factory=dict)
    more: dict[str, int] = field(default_factory=dict)
    count: int = 0


class Chooser:
    """Chooses editions of one issue. `weigh` gives the sizes of its blocks in a language; without it nothing is cut."""

    def __init__(self, manifest: Manifest, weigh: Callable[[str], Weights] | None = None) -> None:
        self._manifest = manifest
        self._weigh = weigh
        self._below = _descendants(manifest)
        self._labels = {topic.slug: topic.label for topic in manifest.topics}
        self._titles = {each.story.id: each.story.title for each in manifest.candidates}

    def choose(self, interests: Interests, had: frozenset[str]) -> Choice:
        """The edition for subscribers with these interests who have had the stories `had`, with all verdicts."""
        wishes = self._wishes(interests)
        excluded = self._covered(interests.excluded)
        oldest = self._manifest.slot.instant - self._manifest.newsletter.max_age - PERIODS[interests.frequency]
        weights = self._weigh(interests.language) if self._weigh else None
        draft = _Draft(weights.frame + weights.more if weights else 0)
        verdicts: list[Verdict] = []
        for candidate in self._manifest.candidates:
            out = self._unwanted(candidate, wishes, excluded) or self._past(candidate, had, oldest)
            verdicts.append(out or self._place(candidate, wishes, draft, weights))
        known = frozenset(self._titles) & had
        quiet = draft.count < self._manifest.newsletter.min_stories
        return Choice(Edition(interests, known, _sections(wishes, draft), quiet), tuple(verdicts), draft.size)

    def _unwanted(self, candidate: Candidate, wishes: tuple[Wish, ...], excluded: frozenset[str]) -> Verdict | None:
        """The verdict if the story is out because of its topics or was merged into another; None otherwise."""
        if candidate.merged_into:
            title = self._titles[candidate.merged_into]
            return _verdict(candidate, "merged", f"it reports the same news as “{title}”, which stands for both")
        if not candidate.matches:
            return _verdict(candidate, "no topic", "none of its tags and no keyword puts it in a topic")
        for match in candidate.matches:
            if match.topic in excluded:
                return _verdict(candidate, "excluded", f"it is about {self._label(match.topic)}, which is excluded")
        if not any(match.topic in wish.covers for wish in wishes for match in candidate.matches):
            about = ", ".join(self._label(match.topic) for match in candidate.matches)
            return _verdict(candidate, "topic not chosen", f"it is about {about}")
        return None

    def _past(self, candidate: Candidate, had: frozenset[str], oldest: datetime) -> Verdict | None:
        """The verdict if the story is out because of its age or was sent before; None otherwise."""
        if candidate.story.id in had:
            return _verdict(candidate, "had before", "an earlier issue brought it")
        twin = next((each for each in candidate.also if each in had), None)
        if twin:
            words = f"an earlier issue brought the same news in “{self._titles[twin]}”"
            return _verdict(candidate, "had before", words)
        if candidate.available < oldest:
            words = f"it has been available since {candidate.available:%Y-%m-%d}; this edition takes stories from"
            return _verdict(candidate, "too old", f"{words} {oldest:%Y-%m-%d} on")
        return None

    def _place(self, candidate: Candidate, wishes: tuple[Wish, ...], draft: _Draft, weights: Weights | None) -> Verdict:
        """The verdict that a story is in, under the subscriber's first topic that takes it, or out for lack of room."""
        topics = {match.topic for match in candidate.matches}
        first, *others = [wish for wish in wishes if topics & wish.covers]
        section = first.topic
        full = self._full(candidate, section, draft, weights)
        if full:
            draft.more[section] = draft.more.get(section, 0) + 1
            return full
        # A parent that takes the story only for the sake of the same child says nothing new.
        also_in = tuple(wish.topic for wish in others if (topics - first.covers) & wish.covers)
        draft.size += _cost(candidate.story.id, section, draft, weights)
        draft.sections.setdefault(section, []).append(Entry(candidate.story.id, also_in))
        draft.count += 1
        return _verdict(candidate, "in", self._why_in(candidate, wishes, section))

    def _full(self, candidate: Candidate, section: str, draft: _Draft, weights: Weights | None) -> Verdict | None:
        limits = self._manifest.newsletter
        if draft.count >= limits.max_stories:
            return _verdict(candidate, "capped", f"the edition is full with {limits.max_stories} stories")
        if len(draft.sections.get(section, ())) >= limits.per_topic:
            words = f"the section {self._label(section)} is full with {limits.per_topic} stories"
            return _verdict(candidate, "capped", words)
        if draft.count and draft.size + _cost(candidate.story.id, section, draft, weights) > CLIPPED_AT - RESERVE:
            return _verdict(candidate, "too large", "with it the mail would be longer than Gmail shows (102,400 bytes)")
        return None

    def _why_in(self, candidate: Candidate, wishes: tuple[Wish, ...], section: str) -> str:
        covers = next(wish.covers for wish in wishes if wish.topic == section)
        match = next(match for match in candidate.matches if match.topic in covers)
        under = "" if match.topic == section else f", part of {self._label(section)}"
        return f"{self._label(match.topic)}{under} by {match.how} {match.evidence}; rank: {candidate.rank}"

    def _wishes(self, interests: Interests) -> tuple[Wish, ...]:
        """The subscriber's topics in order. `*` stands for every topic by itself, so each story is under its own."""
        offered = self._manifest.newsletter.topics or tuple(self._labels)
        wishes: dict[str, Wish] = {}
        for topic in interests.topics:
            if topic == "*":
                for each in offered:
                    wishes.setdefault(each, Wish(each, frozenset({each}) | self._unoffered_below(each, offered)))
            elif topic in self._labels:
                wishes.setdefault(topic, Wish(topic, self._covered((topic,))))
        return tuple(wishes.values())

    def _unoffered_below(self, topic: str, offered: Iterable[str]) -> frozenset[str]:
        return self._below.get(topic, frozenset()) - frozenset(offered)

    def _covered(self, topics: Iterable[str]) -> frozenset[str]:
        return frozenset(each for topic in topics for each in (topic, *self._below.get(topic, ())))

    def _label(self, topic: str) -> str:
        return self._labels.get(topic, topic)


def due(interests: Interests, last: datetime | None, slot: datetime, zone: str) -> bool:
    """Whether a subscriber with these interests is due an issue at `slot`, if the last one was at the instant `last`.

    Weekly and fortnightly count days with one day's grace, since a clock change or an earlier hour must not cost a
    week; monthly is the first issue of a calendar month in the newsletter's zone.
    """
    if interests.frequency == "never":
        return False
    if last is None or interests.frequency == "every":
        return True
    if interests.frequency == "monthly":
        here, there = slot.astimezone(ZoneInfo(zone)), last.astimezone(ZoneInfo(zone))
        return (here.year, here.month) != (there.year, there.month)
    days = 7 if interests.frequency == "weekly" else 14
    return (slot - last).total_seconds() >= (days - 1) * 86_400


def _descendants(manifest: Manifest) -> dict[str, frozenset[str]]:
    parents = {topic.slug: topic.parent for topic in manifest.topics}
    below: dict[str, set[str]] = {}
    for slug in parents:
        above = parents[slug]
        while above:
            below.setdefault(above, set()).add(slug)
            above = parents.get(above, "")
    return {slug: frozenset(each) for slug, each in below.items()}


def _cost(story: str, section: str, draft: _Draft, weights: Weights | None) -> int:
    """Bytes of HTML that the story adds: its block, as the lead if it is the first, and its section's heading."""
    if weights is None:
        return 0
    block = weights.story[story] if draft.count else weights.lead[story]
    return block + (0 if section in draft.sections else weights.topic[section])


def _sections(wishes: tuple[Wish, ...], draft: _Draft) -> tuple[Section, ...]:
    first = next(iter(draft.sections), "")
    order = sorted((wish.topic for wish in wishes if wish.topic in draft.sections), key=lambda topic: topic != first)
    return tuple(Section(topic, tuple(draft.sections[topic]), draft.more.get(topic, 0)) for topic in order)


def _verdict(candidate: Candidate, reason: Reason, words: str) -> Verdict:
    return Verdict(candidate.story.id, reason, words)
