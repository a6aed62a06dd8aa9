"""The first loop, once an issue: stories in; a frozen issue, its editions and one delivery a subscriber out.

    harvest   each source is read, judged and kept; a bad one is reported and the rest goes on
    freeze    decisions make the manifest, render compiles each story once, and one transaction writes the issue,
              its blocks, each distinct edition and a row for each subscriber

Only `Freezing.audience` is walked once a subscriber, so what it costs is a look-up: choices are remembered by interests
and past, as many as are likely to come again, and never as many as there are subscribers.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from newsletter.choosing import edition, intake, related
from newsletter.choosing import ranking as issue
from newsletter.choosing.topics import Topics
from newsletter.errors import NewsletterError
from newsletter.model import (
    BlockSet,
    Edition,
    FeedState,
    Harvest,
    Interests,
    Manifest,
    Newsletter,
    Problem,
    Slot,
    Story,
    Weights,
    spoken_in,
)
from newsletter.render.weights import weigh

REMEMBERED_OUTCOMES = 16_384


class Sources(Protocol):
    """Where stories come from. Never raises for what it finds: what is wrong is in `Harvest.problems`."""

    def harvest(self, name: str, *, now: datetime, state: FeedState | None) -> Harvest: ...


class Kept(Protocol):
    """How many stories were new, changed and as before."""

    @property
    def new(self) -> int: ...
    @property
    def changed(self) -> int: ...
    @property
    def unchanged(self) -> int: ...
    @property
    def held(self) -> int: ...


class Stories(Protocol):
    """Every version of every story."""

    def last_fetch(self, source: str) -> datetime | None: ...
    def feed_state(self, source: str) -> FeedState | None: ...
    def known(self, source: str) -> frozenset[str]: ...
    def keep(
        self, source: str, fresh: Sequence[Story], held: Sequence[Story], *, now: datetime, state: FeedState | None,
        complete: bool = False,
    ) -> Kept: ...
    def current(self, since: datetime) -> Collection[tuple[Story, datetime]]: ...


class Freezing(Protocol):
    """An issue being written in one transaction."""

    def keep_blocks(self, blocks: Sequence[BlockSet]) -> None: ...
    def audience(self, *, since: datetime) -> Iterator[tuple[int, str, str]]:
        """Each active subscriber's id, interests as canonical JSON, and editions had since: "3,17|9", skips last."""
    def edition_stories(self, number: int) -> frozenset[str]: ...
    def edition_slot(self, number: int) -> datetime: ...
    def edition(self, edition: Edition) -> int: ...
    def edition_count(self) -> int: ...
    def deliver(self, subscriber_id: int, edition: int) -> None: ...
    def skip(self, subscriber_id: int, edition: int | None, reason: str, passed: bool) -> None: ...


class Issues(Protocol):
    """Frozen issues."""

    def freezing(self, manifest: Manifest, *, now: datetime) -> AbstractContextManager[Freezing]: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one reading of all sources brought, for the editor."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """How many subscribers an issue is for, and why others get nothing."""

    deliveries: int
    editions: int
    largest: int
    """Bytes of HTML of the largest edition."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """By reason."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of every subscriber with the same interests and the same past."""

    edition: int
    skip: str = ""
    """Why nothing is sent; empty if it is."""
    passed: bool = False
    """For a skip: whether its stories are done with, or kept for the next issue."""


def fetch(
    names: Sequence[str], sources: Sources, stories: Stories, *, now: datetime, progress: Callable[[str], None],
) -> Fetched:
    """Reads every source and keeps what it gave. `progress` is told each source's name before it is read."""
    total = Fetched()
    for name in names:
        progress(name)
        total = _sum(total, _fetch_one(name, sources, stories, now))
    return total


def _fetch_one(name: str, sources: Sources, stories: Stories, now: datetime) -> Fetched:
    try:
        harvest = sources.harvest(name, now=now, state=stories.feed_state(name))
    except NewsletterError as error:
        return Fetched(problems=(Problem(error.place or name, error.found, error.cure),))
    return keep(name, harvest, stories, now=now)


def keep(name: str, harvest: Harvest, stories: Stories, *, now: datetime) -> Fetched:
    """Keeps a harvest; a flood of old stories from a known source is held for the editor."""
    judged = intake.judge(
        harvest.stories, known=stories.known(name), last_fetch=stories.last_fetch(name), now=now,
    )
    kept = stories.keep(name, judged.fresh, judged.held, now=now, state=harvest.state, complete=harvest.complete)
    problems = harvest.problems + ((judged.problem,) if judged.problem else ())
    return Fetched(kept.new, kept.changed, kept.unchanged, kept.held, problems)


def _sum(one: Fetched, other: Fetched) -> Fetched:
    return Fetched(
        one.new + other.new, one.changed + other.changed, one.unchanged + other.unchanged, one.held + other.held,
        one.problems + other.problems,
    )


def decide(
    newsletter: Newsletter, slot: Slot, stories: Stories, *, topics: Topics, overrides: related.Overrides, name: str,
    template: str, now: datetime,
) -> tuple[Manifest, tuple[Problem, ...]]:
    """The issue's manifest, from what the store has now, and what is wrong with the overrides."""
    found = [(story, available) for story, available in stories.current(issue.window(newsletter, slot))
             if story.source in newsletter.sources or story.source == "added"]
    clusters = related.cluster([story for story, _ in found], overrides)
    told = [issue.Told(each.pick, each.others) for each in clusters.clusters]
    manifest = issue.freeze(
        newsletter, slot, found, told,
        match=topics.match, topics=topics.offered(newsletter.topics), name=name, template=template, now=now,
    )
    return manifest, clusters.problems


def freeze(
    manifest: Manifest, compile_in: Callable[[str], BlockSet], issues: Issues, *, languages: Collection[str],
    now: datetime, progress: Callable[[int], None],
) -> Audience:
    """Writes the issue with everything that sending it needs, or nothing at all.

    `compile_in` compiles the issue in a language, one of `languages`; asked once for each that somebody reads.
    `progress` is told the number of subscribers decided so far, now and then.
    """
    own = compile_in(manifest.newsletter.language)
    with issues.freezing(manifest, now=now) as freezing:
        return _Audience(manifest, freezing, own, compile_in, languages).decide(progress)


class _Audience:
    """Decides for every subscriber; remembers what it decided for the same interests and past."""

    def __init__(
        self, manifest: Manifest, freezing: Freezing, own: BlockSet, compile_in: Callable[[str], BlockSet],
        languages: Collection[str],
    ) -> None:
        self._manifest, self._freezing = manifest, freezing
        self._compile_in, self._languages = compile_in, languages
        self._weights = {own.language: weigh(own)}
        freezing.keep_blocks([own])
        self._chooser = edition.Chooser(manifest, self._weigh)
        self._outcome_of = lru_cache(REMEMBERED_OUTCOMES)(self._decide_once)
        self._largest = 0

    def decide(self, progress: Callable[[int], None]) -> Audience:
        deliveries, skipped = 0, dict[str, int]()
        # An old story with new tags is a candidate again: whoever had it, had it after its date.
        since = min([issue.window(self._manifest.newsletter, self._manifest.slot),
                     *(each.story.date for each in self._manifest.candidates)])
        outcome_of, deliver, skip = self._outcome_of, self._freezing.deliver, self._freezing.skip
        for count, (subscriber, interests, past) in enumerate(self._freezing.audience(since=since), 1):
            outcome = outcome_of(interests, past)
            if outcome.skip:
                skip(subscriber, outcome.edition, outcome.skip, outcome.passed)
                skipped[outcome.skip] = skipped.get(outcome.skip, 0) + 1
            else:
                deliver(subscriber, outcome.edition)
                deliveries += 1
            if count % 1000 == 0:
                progress(count)
        return Audience(deliveries, self._freezing.edition_count(), self._largest, skipped)

    def _weigh(self, language: str) -> Weights:
        """The sizes of the blocks in the language that its readers get; compiled when the first of them comes by."""
        spoken = spoken_in(language, self._languages, self._manifest.newsletter.language)
        if spoken not in self._weights:
            blocks = self._compile_in(spoken)
            self._freezing.keep_blocks([blocks])
            self._weights[spoken] = weigh(blocks)
        return self._weights[spoken]

    def _decide_once(self, interests_json: str, past: str) -> Outcome:
        interests = Interests.from_json(interests_json)
        sent, _, passed = past.partition("|")
        sent_editions = [int(number) for number in sent.split(",") if number]
        editions = sent_editions + [int(number) for number in passed.split(",") if number]
        had = frozenset().union(*(self._freezing.edition_stories(number) for number in editions))
        choice = self._chooser.choose(interests, had)
        number = self._freezing.edition(choice.edition)
        self._largest = max(self._largest, choice.size)
        last = max((self._freezing.edition_slot(number) for number in sent_editions), default=None)
        return self._outcome(choice.edition, number, last)

    def _outcome(self, chosen: Edition, number: int, last: datetime | None) -> Outcome:
        newsletter, interests = self._manifest.newsletter, chosen.interests
        if not edition.due(interests, last, self._manifest.slot.instant, newsletter.timezone):
            since = f", the last was on {last:%Y-%m-%d}" if last else ""
            return Outcome(number, f"wants mail {interests.frequency}{since}", passed=False)
        if not interests.topics:
            return Outcome(number, "chose no topic")
        policy = interests.quiet or newsletter.quiet
        if not chosen.quiet or policy == "note":
            return Outcome(number)
        stories = f"{len(chosen.stories)} of the {newsletter.min_stories} stories that an edition needs"
        words = "skipped" if policy == "skip" else "kept for the next issue"
        return Outcome(number, f"quiet week: {stories}, {words}", passed=policy == "skip")
