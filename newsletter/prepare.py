"""Preparing, the first loop, once an issue: stories in; a frozen issue, its editions and a delivery a subscriber out.

    fetch     each source is read, judged and kept; a source that fails is reported, and the others are read
    freeze    decisions make the manifest, render compiles each story once, and one transaction writes the issue,
              its blocks, each distinct edition and a row for each subscriber

Only `Freezing.audience` is walked once a subscriber, and each step of it costs a look-up: the latest `REMEMBERED`
decisions are remembered by interests and past. The preview and `why` use `Decider` for a single subscriber.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Protocol, TypeVar

from newsletter.choosing import edition, intake, ranking, related
from newsletter.choosing.topics import Topics
from newsletter.errors import NewsletterError
from newsletter.model import (
    BlockSet,
    Decision,
    Edition,
    FeedState,
    Harvest,
    Interests,
    Manifest,
    Member,
    Newsletter,
    Past,
    Problem,
    Recorded,
    Slot,
    Story,
    Verdict,
    Weights,
    spoken_in,
)
from newsletter.render.weights import weigh

T = TypeVar("T")

REMEMBERED = 16_384
"""The number of decisions that are remembered, because they are likely to come again."""


class Sources(Protocol):
    """The sources of stories. A fault in a source's content raises nothing: it is in `Harvest.problems`.

    Adding a source: docs/adding.md.
    """

    def harvest(self, name: str, *, now: datetime, state: FeedState | None) -> Harvest: ...


class Kept(Protocol):
    """The numbers of stories that were new, changed, unchanged, and held."""

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
    def audience(self) -> Iterator[Member]: ...
    def record(self, decision: Decision) -> Recorded: ...
    def keep(self, subscriber_id: int, recorded: Recorded) -> None: ...
    def edition_count(self) -> int: ...


class Issues(Protocol):
    """Frozen issues."""

    def freezing(self, manifest: Manifest, *, now: datetime) -> AbstractContextManager[Freezing]: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """The numbers of stories and the problems of one reading of all sources, for the editor."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """The numbers of an issue's deliveries and editions, and of subscribers who get nothing."""

    deliveries: int
    editions: int
    largest: int
    """Bytes of HTML of the largest edition."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """The number of subscribers who get nothing, by reason."""


def fetch(
    names: Sequence[str], sources: Sources, stories: Stories, *, now: datetime, progress: Callable[[str], None],
) -> Fetched:
    """Reads every source and keeps what it gave. `progress` gets each source's name before it is read."""
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


@dataclass(frozen=True, slots=True)
class Occasion:
    """The givens of an issue before it has stories: newsletter, slot, id and template."""

    newsletter: Newsletter
    slot: Slot
    issue_id: str
    template_hash: str


def draft(
    occasion: Occasion, stories: Stories, *, topics: Topics, overrides: related.Overrides, now: datetime,
) -> tuple[Manifest, tuple[Problem, ...]]:
    """The issue's manifest from the stories in the store now, and the problems with the overrides."""
    newsletter = occasion.newsletter
    found = [(story, available) for story, available in stories.current(ranking.window(newsletter, occasion.slot))
             if story.source in newsletter.sources or story.source == "added"]
    clusters = related.cluster([story for story, _ in found], overrides)
    due = ranking.ranked(found, clusters.clusters, newsletter, occasion.slot, match=topics.match, now=now)
    offered = topics.offered(newsletter.topics)
    manifest = Manifest(occasion.issue_id, newsletter, occasion.slot, offered, due, occasion.template_hash)
    return manifest, clusters.problems


def freeze(
    manifest: Manifest, compile_in: Callable[[str], BlockSet], issues: Issues, *, languages: Collection[str],
    now: datetime, progress: Callable[[int], None],
) -> Audience:
    """Writes the issue with everything that sending it needs, in one transaction.

    `compile_in` compiles the issue in a language, one of `languages`; it is called once for each that a
    subscriber reads. `progress` gets the number of subscribers decided so far, after every thousand.
    """
    own = compile_in(manifest.newsletter.language)
    with issues.freezing(manifest, now=now) as freezing:
        press = _Press(manifest, freezing, compile_in, languages)
        press.keep(own)
        return _decide_for_all(freezing, Decider(manifest, press.weigh), progress)


class _Press:
    """Compiles an issue in each language of its audience, when the first subscriber with that language comes."""

    def __init__(
        self, manifest: Manifest, freezing: Freezing, compile_in: Callable[[str], BlockSet], languages: Collection[str],
    ) -> None:
        self._own, self._freezing = manifest.newsletter.language, freezing
        self._compile_in, self._languages = compile_in, languages
        self._weights: dict[str, Weights] = {}

    def weigh(self, language: str) -> Weights:
        """The sizes of the blocks in the language that is sent to subscribers who chose this one."""
        spoken = spoken_in(language, self._languages, self._own)
        if spoken not in self._weights:
            self.keep(self._compile_in(spoken))
        return self._weights[spoken]

    def keep(self, blocks: BlockSet) -> None:
        self._freezing.keep_blocks([blocks])
        self._weights[blocks.language] = weigh(blocks)


def _decide_for_all(freezing: Freezing, decider: "Decider", progress: Callable[[int], None]) -> Audience:
    deliveries, largest, skipped = 0, 0, dict[str, int]()

    def record(decision: Decision) -> Recorded:
        nonlocal largest
        largest = max(largest, decision.size)
        return freezing.record(decision)

    for count, (subscriber_id, recorded) in enumerate(decided(freezing.audience(), decider, record), 1):
        freezing.keep(subscriber_id, recorded)
        if recorded.skip:
            skipped[recorded.skip] = skipped.get(recorded.skip, 0) + 1
        else:
            deliveries += 1
        if count % 1000 == 0:
            progress(count)
    return Audience(deliveries, freezing.edition_count(), largest, skipped)


def decided(
    members: Iterable[Member], decider: "Decider", record: Callable[[Decision], T],
) -> Iterator[tuple[int, T]]:
    """Each member's subscriber id with the result of `record` for the member's decision.

    Members with equal interests and pasts are decided about once, as long as that is remembered.
    """

    @lru_cache(REMEMBERED)
    def once(interests: Interests, past: Past) -> T:
        return record(decider.decide(interests, past))

    for subscriber_id, interests, past in members:
        yield subscriber_id, once(interests, past)


class Decider:
    """Decides about the members of an issue's audience: an edition, or a reason for sending nothing."""

    def __init__(self, manifest: Manifest, weigh: Callable[[str], Weights]) -> None:
        """`weigh` gives the sizes of the issue's blocks in a language."""
        self._manifest = manifest
        self._chooser = edition.Chooser(manifest, weigh)

    def decide(self, interests: Interests, past: Past) -> Decision:
        """The decision about members with these interests and this past."""
        choice = self._chooser.choose(interests, past.had)
        skip, passed = self._skip(choice.edition, past.last)
        return Decision(choice.edition, skip, passed, choice.size)

    def verdicts(self, interests: Interests, had: frozenset[str]) -> tuple[Verdict, ...]:
        """The verdict on each story of the issue for these interests, in order of rank."""
        return self._chooser.choose(interests, had).verdicts

    def _skip(self, chosen: Edition, last: datetime | None) -> tuple[str, bool]:
        """The reason why nothing is sent, empty if the edition is; and whether its stories then count as had."""
        newsletter, interests = self._manifest.newsletter, chosen.interests
        if not edition.due(interests, last, self._manifest.slot.instant, newsletter.timezone):
            since = f", and the last issue was on {last:%Y-%m-%d}" if last else ""
            return f"chose the frequency “{interests.frequency}”{since}", False
        if not interests.topics:
            return "chose no topic", False
        policy = interests.quiet or newsletter.quiet
        if not chosen.quiet or policy == "note":
            return "", False
        stories = f"the edition has {len(chosen.stories)} of the {newsletter.min_stories} stories that it needs"
        outcome = "they are skipped" if policy == "skip" else "they are kept for the next issue"
        return f"quiet week: {stories}, and {outcome}", policy == "skip"
