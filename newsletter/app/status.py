"""The state of issues, for `issue list`, `status`, `deliveries` and `send --dry-run`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from newsletter.app import App, issues, relays
from newsletter.app.sending import Again
from newsletter.model import Delivery, State
from newsletter.store import Issue


@dataclass(frozen=True, slots=True)
class Standing:
    """An issue, with the states of its deliveries."""

    issue: Issue
    sums: Mapping[State, int]
    """The number of deliveries by state; every state is there."""
    skipped: Mapping[str, int]
    """The number of subscribers who get nothing, by reason."""
    is_late: bool
    """Whether the issue is too late for `newsletter run`, which waits for a decision of the desk."""

    @property
    def adds_up(self) -> bool:
        """Whether the sums add up to the frozen audience, as they always should."""
        return sum(self.sums.values()) == self.issue.audience


@dataclass(frozen=True, slots=True)
class Plan:
    """The effect of sending an issue now."""

    issue: Issue
    transport: str
    to_send: int
    already_sent: int
    editions: int
    skipped: Mapping[str, int]
    """As in `Standing`."""


def standing(app: App, issue: Issue) -> Standing:
    """The state of an issue now."""
    late = issues.answer(app, issue) == "late"
    return Standing(issue, app.store.outbox.sums(issue.id), _skipped(app, issue), late)


def sums(app: App) -> list[tuple[Issue, Mapping[State, int]]]:
    """Every issue with its deliveries by state, the issue prepared last first."""
    return [(each, app.store.outbox.sums(each.id)) for each in app.store.issues.all()]


def deliveries(
    app: App, issue: Issue, *, state: State | None = None, ever_in_doubt: bool = False,
) -> Iterator[tuple[Delivery, str]]:
    """The issue's deliveries, or those of one state, or those that were ever in doubt, each with its Message-ID."""
    message_id = issues.message_ids(app, issue)
    for delivery in app.store.outbox.deliveries(issue.id, state=state, ever_in_doubt=ever_in_doubt):
        yield delivery, message_id(delivery.subscriber)


def plan(app: App, issue: Issue, again: Sequence[Again], transport: str) -> Plan:
    """The effect that a send by this transport would have; an empty name stands for the configured transport.

    `again` are states whose deliveries are tried once more. Raises UsageError for an unknown transport.
    """
    name = transport or app.settings.delivery.transport
    relays.check(name)
    sums = app.store.outbox.sums(issue.id)
    return Plan(issue, name, sums["queued"] + sum(sums[state] for state in again), sums["sent"],
                sum(1 for _ in app.store.issues.editions(issue.id)), _skipped(app, issue))


def _skipped(app: App, issue: Issue) -> dict[str, int]:
    return dict(Counter(skip.reason for skip in app.store.issues.skips(issue.id)))
