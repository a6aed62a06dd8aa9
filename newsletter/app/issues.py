"""Issues and subscribers as a person names them, and what a frozen issue holds for a subscriber."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from newsletter import address
from newsletter.app import App
from newsletter.composing.message import Composer, id_domain
from newsletter.errors import UsageError
from newsletter.model import Edition, Manifest, Member, Message, Past, Subscriber, spoken_in
from newsletter.prepare import Decider
from newsletter.render.weights import weigh
from newsletter.schedule.due import IssueAnswer, Progress, issue_answer
from newsletter.store import Issue
from newsletter.text import quoted


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The result of cancelling an issue."""

    withdrawn: int
    """How many deliveries were still queued."""
    frees_slot: bool
    """Whether nothing had been sent, so that the slot may have another issue."""


def find(app: App, name: str) -> Issue:
    """An issue by its id; `latest`, or a newsletter's name, is the newest one. Raises UsageError if there is none."""
    issues = app.store.issues
    found = issues.get(name) or (issues.latest() if name == "latest" else None)
    if found is None and name in app.settings.newsletters:
        found = issues.latest(name)
    if found is None:
        known = ", ".join(each.id for each in issues.all()[-5:]) or "none yet"
        raise UsageError(f"no issue is called {quoted(name)} (the newest: {known})",
                         cure="newsletter issue prepare NEWSLETTER")
    return found


def manifest(app: App, issue: Issue) -> Manifest:
    """The frozen manifest of an issue. Raises UsageError if nothing was frozen, DataError if it was changed since."""
    return app.store.issues.manifest(issue.id)


def pause(app: App, issue: Issue) -> None:
    """Stops an issue from being sent until it is resumed.

    Raises UsageError for an issue that cannot be sent anyway.
    """
    app.store.issues.pause(issue.id, "by hand")


def resume(app: App, issue: Issue) -> None:
    """Ends a pause. Raises UsageError for an issue that is not paused."""
    app.store.issues.resume(issue.id)


def cancel(app: App, issue: Issue) -> Cancelled:
    """Cancels an issue and withdraws its queued deliveries. Raises UsageError if it cannot be sent anyway."""
    withdrawn = app.store.issues.cancel(issue.id, now=app.now())
    return Cancelled(withdrawn, app.store.issues.at(issue.newsletter, issue.slot_key) is None)


def answer(app: App, issue: Issue) -> IssueAnswer:
    """The decision of `newsletter run` about the issue as it is now."""
    outbox = app.store.outbox
    progress = Progress(
        issue.slot, issue.state, outbox.sums(issue.id)["claimed"], outbox.next_due(issue.id),
        outbox.last_change(issue.id),
    )
    return issue_answer(progress, now=app.now(), max_lateness=app.settings.delivery.max_lateness)


def lateness(issue: Issue) -> str:
    """A sentence that explains why an issue counts as late."""
    what = "nothing of it has been sent" if issue.state == "frozen" else "none of its mails has changed state"
    return f"{issue.id} is late: its slot was {issue.slot_key}, and {what} for longer than max_lateness."


def ways_out(issue: Issue) -> list[str]:
    """The commands that settle an issue that is late: send it all the same, or cancel it."""
    return [f"newsletter send {issue.id}", f"newsletter issue cancel {issue.id}"]


def subscriber(app: App, email: str) -> Subscriber:
    """The subscriber with an address, however it is spelt. Raises UsageError if there is none."""
    found = app.store.subscribers.get(address.parse(email).key)
    if found is None:
        raise UsageError(f"no subscriber has the address {quoted(email)}", cure="newsletter subscribers list")
    return found


def composer(app: App, issue: Issue) -> Composer:
    """The composer of a frozen issue's messages.

    Their Date is the time when sending began, the same at every attempt; before that, the time of preparing.
    """
    manifest = app.store.issues.manifest(issue.id)
    blocks, links = app.store.issues.blocks(issue.id), app.links(issue.link_version)
    return Composer(manifest, blocks, links, date=issue.started_at or issue.prepared_at, boundary=issue.manifest_hash)


def message_ids(app: App, issue: Issue) -> Callable[[Subscriber], str]:
    """The Message-ID of each subscriber's mail, the same at every attempt.

    Empty for an erased subscriber: in the relay's log the Message-ID stands next to the address.
    """
    domain = id_domain(app.store.issues.manifest(issue.id).newsletter)
    links = app.links(issue.link_version)

    def message_id(subscriber: Subscriber) -> str:
        return f"<{links.message_id_local(issue.id, subscriber)}@{domain}>" if subscriber.email else ""

    return message_id


def editions(app: App) -> Callable[[int], Edition]:
    """A function from an edition's number to the edition, which remembers those used last."""
    return lru_cache(1024)(app.store.issues.edition)


def edition_of(app: App, issue: Issue, subscriber: Subscriber) -> Edition:
    """A subscriber's frozen edition; for one who joined later, an edition chosen now from the frozen manifest."""
    delivery = app.store.outbox.delivery(issue.id, subscriber.key)
    if delivery is not None:
        return app.store.issues.edition(delivery.edition)
    skip = app.store.issues.skip_of(issue.id, subscriber.id)
    if skip is not None and skip.edition is not None:
        return app.store.issues.edition(skip.edition)
    member = member_of(app, app.store.issues.manifest(issue.id), subscriber)
    return decider(app, issue).decide(member.interests, member.past).edition


def member_of(app: App, manifest: Manifest, subscriber: Subscriber) -> Member:
    """A subscriber as preparing the issue sees them; a sample subscriber got nothing before."""
    member = app.store.issues.member(manifest, subscriber.id) if subscriber.id else None
    return member or Member(subscriber.id, subscriber.interests, Past())


def decider(app: App, issue: Issue) -> Decider:
    """A decider with the manifest and sizes that the issue was frozen with, so that it decides the same again."""
    blocks, manifest = app.store.issues.blocks(issue.id), app.store.issues.manifest(issue.id)
    weights = {language: weigh(each) for language, each in blocks.items()}
    own = manifest.newsletter.language
    return Decider(manifest, lambda language: weights[spoken_in(language, weights, own)])


def message_for(app: App, issue: Issue, subscriber: Subscriber) -> Message:
    """The message that this subscriber gets, byte for byte."""
    return composer(app, issue).compose(subscriber, edition_of(app, issue, subscriber))
