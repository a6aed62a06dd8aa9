"""Proofs: a whole issue from which any reader's message can be drawn, made by the functions that freeze and send.

A `FrozenProof` draws from what the store froze; a `DraftProof` from what preparing now would freeze, and keeps nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from newsletter import prepare
from newsletter.app import App, issues, preparing, reasons
from newsletter.choosing.edition import Chooser
from newsletter.composing.message import Composer
from newsletter.model import (
    BlockSet,
    Edition,
    Manifest,
    Message,
    Newsletter,
    Problem,
    Slot,
    Subscriber,
    Verdict,
    Weights,
    spoken_in,
)
from newsletter.render.compile import Site, compile
from newsletter.render.weights import weigh
from newsletter.schedule.slots import Schedule
from newsletter.store import Issue


@dataclass(frozen=True, slots=True)
class Rendition:
    """What one reader gets of an issue, and why."""

    manifest: Manifest
    reader: Subscriber
    edition: Edition
    verdicts: tuple[Verdict, ...]
    """One for each story of the issue, in order of rank."""
    outcome: str
    """What became of the mail, or would, in words."""
    mailed: bool
    """Whether the reader is mailed at all; `message` is what it would be if not."""
    message: Message


class Proof(Protocol):
    """An issue, ready to be drawn for anybody."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def state(self) -> str:
        """ "draft", or the state of the frozen issue."""
    @property
    def problems(self) -> tuple[Problem, ...]: ...
    def edition(self, reader: Subscriber) -> Edition: ...
    def draw(self, reader: Subscriber) -> Rendition: ...


class FrozenProof:
    """An issue as it was frozen."""

    problems: tuple[Problem, ...] = ()

    def __init__(self, app: App, issue: Issue) -> None:
        """Raises UsageError for an issue of which nothing was frozen."""
        self._app, self.issue = app, issue
        self.manifest = app.store.issues.manifest(issue.id)
        self.state: str = issue.state
        self._composer = issues.composer(app, issue)

    def edition(self, reader: Subscriber) -> Edition:
        return issues.edition_of(self._app, self.issue, reader)

    def draw(self, reader: Subscriber) -> Rendition:
        edition = self.edition(reader)
        message = self._composer.compose(reader, edition)
        if reader.id:
            why = reasons.why(self._app, reader.email, self.issue)
            mailed = self._app.store.outbox.delivery(self.issue.id, reader.key) is not None
            return Rendition(self.manifest, reader, edition, why.verdicts, why.outcome, mailed, message)
        verdicts = self._chooser.choose(edition.interests, edition.had).verdicts
        return Rendition(self.manifest, reader, edition, verdicts, "a sample reader, never mailed", False, message)

    @cached_property
    def _chooser(self) -> Chooser:
        return issues.chooser(self._app, self.issue)


class DraftProof:
    """What preparing the newsletter's issue for a slot now would freeze."""

    state = "draft"

    def __init__(self, app: App, newsletter: Newsletter, slot: Slot) -> None:
        """Decides the manifest and compiles it in the newsletter's language.

        Raises DataError and TemplateError, with place and cure, as preparing would.
        """
        self._app = app
        self._template = app.template(newsletter)
        self.manifest, self.problems = preparing.draft(app, newsletter, slot)
        self._blocks: dict[str, BlockSet] = {}
        self._in(newsletter.language)
        self._chooser = Chooser(self.manifest, self._weights)

    def edition(self, reader: Subscriber) -> Edition:
        return self._rehearse(reader).editions[-1]

    def draw(self, reader: Subscriber) -> Rendition:
        rehearsal = self._rehearse(reader)
        edition = rehearsal.editions[-1]
        verdicts = self._chooser.choose(edition.interests, edition.had).verdicts
        mailed = rehearsal.delivered and reader.status == "active"
        return Rendition(
            self.manifest, reader, edition, verdicts, self._outcome(reader, rehearsal.skipped), mailed,
            self._compose(reader, edition),
        )

    def _rehearse(self, reader: Subscriber) -> "Rehearsal":
        rehearsal = Rehearsal(self._app, self.manifest.newsletter, reader)
        prepare.freeze(
            self.manifest, self._in, rehearsal, languages=self._template.languages, now=self._app.now(),
            progress=lambda count: None,
        )
        return rehearsal

    def _compose(self, reader: Subscriber, edition: Edition) -> Message:
        """Dated at the slot, so that the same draft is the same bytes."""
        languages = (self.manifest.newsletter.language, reader.interests.language)
        blocks = {self._spoken(language): self._in(language) for language in languages}
        composer = Composer(
            self.manifest, blocks, self._app.links, date=self.manifest.slot.instant,
        )
        return composer.compose(reader, edition)

    def _outcome(self, reader: Subscriber, skipped: str) -> str:
        if reader.status != "active":
            return f"nothing would be sent: {reader.status}"
        return f"nothing would be sent: {skipped}" if skipped else "would be sent"

    def _weights(self, language: str) -> Weights:
        return weigh(self._in(language))

    def _in(self, language: str) -> BlockSet:
        """The blocks that a reader of this language gets, compiled when first asked for."""
        spoken = self._spoken(language)
        if spoken not in self._blocks:
            site = Site(self._app.settings.site.postal_address, self._app.links.web(self.manifest.issue))
            self._blocks[spoken] = compile(self._template, self.manifest, language=spoken, site=site)
        return self._blocks[spoken]

    def _spoken(self, language: str) -> str:
        return spoken_in(language, self._template.languages, self.manifest.newsletter.language)


def open_slot(app: App, newsletter: Newsletter) -> Slot:
    """The newsletter's next slot for which nothing is prepared yet."""
    if not newsletter.schedule:
        return preparing.next_slot(app, newsletter)
    slots = Schedule.parse(newsletter.schedule, newsletter.timezone).slots(app.now())
    return next(slot for slot in slots if app.store.issues.at(newsletter.name, slot.key) is None)


class Rehearsal:
    """Stands in for the store while an issue is frozen for one reader: `prepare` decides as ever, nothing is kept."""

    def __init__(self, app: App, newsletter: Newsletter, reader: Subscriber) -> None:
        self._store, self._newsletter, self._reader = app.store, newsletter, reader
        self._slots: dict[int, datetime] = {}
        self.editions: list[Edition] = []
        self.delivered = False
        self.skipped = ""
        """Why nothing would be sent; empty if it would."""

    @contextmanager
    def freezing(self, manifest: Manifest, *, now: datetime) -> Iterator["Rehearsal"]:
        yield self

    def keep_blocks(self, blocks: Sequence[BlockSet]) -> None:
        """The proof has them."""

    def audience(self, *, since: datetime) -> Iterator[tuple[int, str, str]]:
        self._slots, passed = self._past(since)
        sent = ",".join(str(number) for number in sorted(self._slots) if number not in passed)
        past = f"{sent}|{','.join(map(str, sorted(passed)))}" if passed else sent
        yield self._reader.id, self._reader.interests.to_json(), past

    def edition_stories(self, number: int) -> frozenset[str]:
        return frozenset(self._store.issues.edition(number).stories)

    def edition_slot(self, number: int) -> datetime:
        return self._slots[number]

    def edition(self, edition: Edition) -> int:
        self.editions.append(edition)
        return 0

    def edition_count(self) -> int:
        return len(self.editions)

    def deliver(self, subscriber_id: int, edition: int) -> None:
        self.delivered = True

    def skip(self, subscriber_id: int, edition: int | None, reason: str, passed: bool) -> None:
        self.skipped = reason

    def _past(self, since: datetime) -> tuple[dict[int, datetime], set[int]]:
        """The editions this reader got from earlier issues, with their slots, and which of them are skips that count.

        As `store.Freezing.audience` has them.
        """
        if not self._reader.id:
            return {}, set()
        had = {each.issue: each for each in self._store.outbox.had(self._reader.id, self._newsletter.name)}
        past: dict[int, datetime] = {}
        passed: set[int] = set()
        for issue in self._store.issues.all():
            late = max(issue.slot, issue.prepared_at)
            if issue.newsletter != self._newsletter.name or late < since or issue.state == "cancelled":
                continue
            if issue.id in had:
                if had[issue.id].state not in ("refused", "withdrawn"):
                    past[had[issue.id].edition] = issue.slot
                continue
            skip = self._store.issues.skip_of(issue.id, self._reader.id)
            if skip is not None and skip.passed and skip.edition is not None:
                past[skip.edition] = issue.slot
                passed.add(skip.edition)
        return past, passed
