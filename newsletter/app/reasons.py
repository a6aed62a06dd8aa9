"""Why a story is in or out of a subscriber's edition, answered from what was frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from newsletter.app import App, issues
from newsletter.model import (
    Subscriber,
    Verdict,
)
from newsletter.store import Issue


@dataclass(frozen=True, slots=True)
class Why:
    """What an issue held for one subscriber, and why."""

    issue: Issue
    subscriber: Subscriber
    verdicts: tuple[Verdict, ...]
    outcome: str
    """What became of the mail: "sent …", or why there was none."""


def why(app: App, email: str, issue: Issue) -> Why:
    """For every story of the issue: in, or out and for which reason, answered from what was frozen."""
    reader = issues.subscriber(app, email)
    edition = issues.edition_of(app, issue, reader)
    choice = issues.chooser(app, issue).choose(edition.interests, edition.had)
    brought = _brought(app, reader, issue)
    also = {each.story.id: each.also for each in app.store.issues.manifest(issue.id).candidates}
    verdicts = tuple(_with_issue(verdict, brought, also[verdict.story]) for verdict in choice.verdicts)
    return Why(issue, reader, verdicts, _outcome(app, issue, reader))


def _with_issue(verdict: Verdict, brought: Mapping[str, str], also: tuple[str, ...]) -> Verdict:
    """A story that was had before, with the issue that brought it."""
    if verdict.reason != "had before":
        return verdict
    issue = next((brought[each] for each in (verdict.story, *also) if each in brought), "")
    return replace(verdict, words=verdict.words.replace("an earlier issue", f"issue {issue}")) if issue else verdict


def _brought(app: App, reader: Subscriber, issue: Issue) -> dict[str, str]:
    """The ids of all stories that earlier issues of the newsletter brought this subscriber, with the issue that did."""
    brought: dict[str, str] = {}
    for had in app.store.outbox.had(reader.id, issue.newsletter):
        if had.issue != issue.id:
            for story in app.store.issues.edition(had.edition).stories:
                brought.setdefault(story, had.issue)
    return brought


def _outcome(app: App, issue: Issue, reader: Subscriber) -> str:
    delivery = app.store.outbox.delivery(issue.id, reader.key)
    if delivery is not None:
        answer = f": {delivery.receipt.reply}" if delivery.receipt and delivery.receipt.reply else ""
        return f"{delivery.state.replace('_', ' ')}{answer}"
    skip = app.store.issues.skip_of(issue.id, reader.id)
    return f"nothing sent: {skip.reason}" if skip else f"not in the audience: was {reader.status} or joined later"
