"""Proofs: issues from which any subscriber's message can be drawn, by the functions that freeze and send.

A `FrozenProof` draws a frozen issue; a `DraftProof` draws what preparing now would freeze, and stores nothing.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from newsletter.app import App, issues, preparing, reasons
from newsletter.composing.message import Composer
from newsletter.model import (
    BlockSet,
    Decision,
    Edition,
    Manifest,
    Message,
    Newsletter,
    Problem,
    Slot,
    Subscriber,
    Verdict,
    spoken_in,
)
from newsletter.prepare import Decider
from newsletter.render.compile import Site, compile
from newsletter.render.weights import weigh
from newsletter.schedule.slots import Schedule
from newsletter.store import Issue


@dataclass(frozen=True, slots=True)
class Rendition:
    """One subscriber's edition and message of an issue, with the reasons."""

    manifest: Manifest
    reader: Subscriber
    edition: Edition
    verdicts: tuple[Verdict, ...]
    """One for each story of the issue, in order of rank."""
    outcome: str
    """The fate of the mail, real or expected, as text."""
    mailed: bool
    """Whether the subscriber is mailed at all; if not, `message` is the one they would get."""
    message: Message


class Proof(Protocol):
    """An issue that can be drawn for any subscriber."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def state(self) -> str:
        """ "draft", or the state of the frozen issue."""
    @property
    def problems(self) -> tuple[Problem, ...]: ...
    def edition(self, subscriber: Subscriber) -> Edition: ...
    def draw(self, subscriber: Subscriber) -> Rendition: ...


class FrozenProof:
    """An issue as it was frozen."""

    problems: tuple[Problem, ...] = ()

    def __init__(self, app: App, issue: Issue) -> None:
        """Raises UsageError for an issue of which nothing was frozen."""
        self._app, self.issue = app, issue
        self.manifest = app.store.issues.manifest(issue.id)
        self.state: str = issue.state
        self._composer = issues.composer(app, issue)

    def edition(self, subscriber: Subscriber) -> Edition:
        return issues.edition_of(self._app, self.issue, subscriber)

    def draw(self, subscriber: Subscriber) -> Rendition:
        edition = self.edition(subscriber)
        message = self._composer.compose(subscriber, edition)
        if subscriber.id:
            why = reasons.why(self._app, subscriber.email, self.issue)
            mailed = self._app.store.outbox.delivery(self.issue.id, subscriber.key) is not None
            return Rendition(self.manifest, subscriber, edition, why.verdicts, why.outcome, mailed, message)
        verdicts = self._decider.verdicts(edition.interests, edition.had)
        outcome = "a sample subscriber, never mailed"
        return Rendition(self.manifest, subscriber, edition, verdicts, outcome, False, message)

    @cached_property
    def _decider(self) -> Decider:
        return issues.decider(self._app, self.issue)


class DraftProof:
    """A newsletter's issue for a slot, as preparing it now would freeze it."""

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
        self._decider = Decider(self.manifest, lambda language: weigh(self._in(language)))

    def edition(self, subscriber: Subscriber) -> Edition:
        return self._decide(subscriber).edition

    def draw(self, subscriber: Subscriber) -> Rendition:
        decision = self._decide(subscriber)
        edition = decision.edition
        verdicts = reasons.with_issues(
            self._app, self._decider.verdicts(edition.interests, edition.had), subscriber, self.manifest)
        silence = decision.skip or self._silence(subscriber)
        outcome = f"nothing would be sent: {silence}" if silence else "would be sent"
        return Rendition(self.manifest, subscriber, edition, verdicts, outcome, not silence,
                         self._compose(subscriber, edition))

    def _decide(self, subscriber: Subscriber) -> Decision:
        member = issues.member_of(self._app, self.manifest, subscriber)
        return self._decider.decide(member.interests, member.past)

    def _silence(self, subscriber: Subscriber) -> str:
        """The reason why the subscriber would not be in the audience; empty if they would be."""
        name, slot = self.manifest.newsletter.name, self.manifest.slot.instant
        if subscriber.status != "active":
            return subscriber.status
        if subscriber.paused_until and subscriber.paused_until > slot:
            return f"paused until {subscriber.paused_until:%Y-%m-%d}"
        if not subscriber.id:
            return ""
        status = {each.newsletter: each.status for each in self._app.store.subscribers.subscriptions(subscriber.id)}
        found = status.get(name, f"not subscribed to {name}")
        return "" if found == "active" else found

    def _compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        """The message, dated at the slot, so that the same draft gives the same bytes."""
        languages = (self.manifest.newsletter.language, edition.interests.language)
        blocks = {self._spoken(language): self._in(language) for language in languages}
        composer = Composer(self.manifest, blocks, self._app.links(), date=self.manifest.slot.instant,
                            boundary=self._app.store.issues.hash_of(self.manifest))
        return composer.compose(subscriber, edition)

    def _in(self, language: str) -> BlockSet:
        """The blocks for subscribers who chose this language, compiled when first needed."""
        spoken = self._spoken(language)
        if spoken not in self._blocks:
            site = Site(self._app.settings.site.postal_address, self._app.links().web(self.manifest.issue_id))
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
