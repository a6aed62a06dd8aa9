"""The reasons why a story is in or out of a subscriber's edition, from the frozen issue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from newsletter.app import App, issues
from newsletter.model import Manifest, Subscriber, Verdict, status_at
from newsletter.store import Issue


@dataclass(frozen=True, slots=True)
class Why:
    """One subscriber's outcome of an issue, with the reason for each story."""

    issue: Issue
    subscriber: Subscriber
    verdicts: tuple[Verdict, ...]
    outcome: str
    """The fate of the mail: "sent …", or the reason why there was none."""
    titles: Mapping[str, str]
    """The titles of the stories, by id."""


def why(app: App, email: str, issue: Issue) -> Why:
    """The reason for each story of the issue to be in or out, from the frozen issue.

    Raises UsageError if no subscriber has this address.
    """
    subscriber = issues.subscriber(app, email)
    edition = issues.edition_of(app, issue, subscriber)
    verdicts = issues.decider(app, issue).verdicts(edition.interests, edition.had)
    manifest = issues.manifest(app, issue)
    titles = {each.story.id: each.story.title for each in manifest.candidates}
    return Why(issue, subscriber, with_issues(app, verdicts, subscriber, manifest), _outcome(app, issue, subscriber),
               titles)


def with_issues(
    app: App, verdicts: Iterable[Verdict], subscriber: Subscriber, manifest: Manifest,
) -> tuple[Verdict, ...]:
    """The verdicts, with the earlier issue that brought a story if the subscriber had it before."""
    brought = app.store.issues.brought(manifest, subscriber.id)
    also = {each.story.id: each.also for each in manifest.candidates}
    return tuple(_with_issue(verdict, brought, also[verdict.story]) for verdict in verdicts)


def _with_issue(verdict: Verdict, brought: Mapping[str, str], also: tuple[str, ...]) -> Verdict:
    """The verdict; for a story that the subscriber had before, with the issue that brought it."""
    if verdict.reason != "had before":
        return verdict
    issue = next((brought[each] for each in (verdict.story, *also) if each in brought), "")
    return replace(verdict, words=verdict.words.replace("an earlier issue", f"issue {issue}")) if issue else verdict


def _outcome(app: App, issue: Issue, subscriber: Subscriber) -> str:
    delivery = app.store.outbox.delivery(issue.id, subscriber.key)
    if delivery is not None:
        answer = f": {delivery.receipt.reply}" if delivery.receipt and delivery.receipt.reply else ""
        return f"{delivery.state.replace('_', ' ')}{answer}"
    skip = app.store.issues.skip_of(issue.id, subscriber.id)
    if skip is not None:
        return f"nothing sent: {skip.reason}"
    manifest = app.store.issues.manifest(issue.id)
    return f"not in the audience: {_absence(app, manifest, subscriber)}"


def _absence(app: App, manifest: Manifest, subscriber: Subscriber) -> str:
    """The reason why a subscriber is not in an issue's audience, from the store as it is now."""
    name, slot = manifest.newsletter.name, manifest.slot.instant
    subscriptions = app.store.subscribers.subscriptions(subscriber.id)
    own = next((each for each in subscriptions if each.newsletter == name), None)
    if subscriber.status != "active":
        return f"{subscriber.status} for every newsletter"
    if own is None:
        return f"not subscribed to {name}"
    if own.status != "active":
        return f"{own.status} for {name}"
    if status_at(slot, subscriber) == "paused":
        return f"paused until {subscriber.paused_until:%Y-%m-%d %H:%M} UTC"
    return "silent when the issue was prepared, or subscribed later"
