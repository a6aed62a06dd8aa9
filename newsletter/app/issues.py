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


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What cancelling an issue did."""

    withdrawn: int
    """How many deliveries were still queued."""
    frees_slot: bool
    """Whether nothing had been sent, so that the slot may have another issue."""


def find(app: App, name: str) -> Issue:
    """An issue by its id; `latest`, or a newsletter's name, is the newest one. Raises UsageError with what there is."""
    issues = app.store.issues
    found = issues.get(name) or (issues.latest() if name == "latest" else None)
    if found is None and name in app.settings.newsletters:
        found = issues.latest(name)
    if found is None:
        known = ", ".join(each.id for each in issues.all()[-5:]) or "none yet"
        raise UsageError(f"there is no issue {name} (there is: {known})", cure="newsletter issue prepare NEWSLETTER")
    return found


def manifest(app: App, issue: Issue) -> Manifest:
    """What was frozen. Raises UsageError if nothing was, DataError if it was changed afterwards."""
    return app.store.issues.manifest(issue.id)


def pause(app: App, issue: Issue) -> None:
    """Lets nothing more of the issue leave until it is resumed.

    Raises UsageError for an issue that is not to be sent.
    """
    app.store.issues.pause(issue.id, "by hand")


def resume(app: App, issue: Issue) -> None:
    """Ends a pause. Raises UsageError for an issue that is not paused."""
    app.store.issues.resume(issue.id)


def cancel(app: App, issue: Issue) -> Cancelled:
    """Withdraws what is still queued. Raises UsageError for an issue that is not to be sent."""
    withdrawn = app.store.issues.cancel(issue.id, now=app.now())
    return Cancelled(withdrawn, app.store.issues.at(issue.newsletter, issue.slot_key) is None)


def answer(app: App, issue: Issue) -> IssueAnswer:
    """What `newsletter run` would do with the issue now."""
    outbox = app.store.outbox
    progress = Progress(
        issue.slot, issue.state, outbox.sums(issue.id)["claimed"], outbox.next_due(issue.id),
        outbox.last_change(issue.id),
    )
    return issue_answer(progress, now=app.now(), max_lateness=app.settings.delivery.max_lateness)


def lateness(issue: Issue) -> str:
    """Why an issue is late, as a sentence."""
    what = "nothing of it has been sent" if issue.state == "frozen" else "its sending has stood still"
    return f"{issue.id} is late: its slot was {issue.slot_key}, and {what} for longer than max_lateness."


def ways_out(issue: Issue) -> list[str]:
    """The commands with which a person decides about an issue that is late."""
    return [f"newsletter send {issue.id}", f"newsletter issue cancel {issue.id}"]


def subscriber(app: App, email: str) -> Subscriber:
    """A subscriber by address, however it is spelt. Raises UsageError if there is none."""
    found = app.store.subscribers.get(address.parse(email).key)
    if found is None:
        raise UsageError(f"{email} is not a subscriber", cure="newsletter subscribers list")
    return found


def composer(app: App, issue: Issue) -> Composer:
    """What makes the messages of a frozen issue.

    Date is when its sending began: the same in every attempt, and in a preview before it the time it was prepared.
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
    """Editions by number, the latest remembered."""
    return lru_cache(1024)(app.store.issues.edition)


def edition_of(app: App, issue: Issue, subscriber: Subscriber) -> Edition:
    """The frozen edition of a subscriber; decided now, from the frozen manifest, for who joined later."""
    delivery = app.store.outbox.delivery(issue.id, subscriber.key)
    if delivery is not None:
        return app.store.issues.edition(delivery.edition)
    skip = app.store.issues.skip_of(issue.id, subscriber.id)
    if skip is not None and skip.edition is not None:
        return app.store.issues.edition(skip.edition)
    member = member_of(app, app.store.issues.manifest(issue.id), subscriber)
    return decider(app, issue).decide(member.interests, member.past).edition


def member_of(app: App, manifest: Manifest, subscriber: Subscriber) -> Member:
    """A subscriber as preparing the issue sees them; a sample subscriber has had nothing."""
    member = app.store.issues.member(manifest, subscriber.id) if subscriber.id else None
    return member or Member(subscriber.id, subscriber.interests, Past())


def decider(app: App, issue: Issue) -> Decider:
    """Decides as was decided when the issue was frozen: same manifest, same sizes."""
    blocks, manifest = app.store.issues.blocks(issue.id), app.store.issues.manifest(issue.id)
    weights = {language: weigh(each) for language, each in blocks.items()}
    own = manifest.newsletter.language
    return Decider(manifest, lambda language: weights[spoken_in(language, weights, own)])


def message_for(app: App, issue: Issue, subscriber: Subscriber) -> Message:
    """The very message that this subscriber gets."""
    return composer(app, issue).compose(subscriber, edition_of(app, issue, subscriber))
