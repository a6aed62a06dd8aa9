"""Sending an issue, sending its failed deliveries again, and sending a test mail."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from newsletter import address
from newsletter.app import STATE, App, issues, relays, subscribers
from newsletter.app.keys import open_keyring
from newsletter.delivering import Slice, Stopped, send_slice
from newsletter.errors import UsageError
from newsletter.model import Interests, Receipt, State, Subscriber
from newsletter.standing.answers import MAILBOX
from newsletter.store import Issue, Journals


@dataclass(frozen=True, slots=True)
class Sent:
    """The state of an issue after a send."""

    issue: Issue
    outcomes: Mapping[str, int]
    """The attempts of this run, by outcome."""
    sums: Mapping[State, int]
    """All of the issue's deliveries, by state."""
    finished: bool
    """Whether nothing is left to do, and the states add up to the audience."""
    suppressed: int
    """The number of subscribers who get no more mail, since their mailboxes do not exist."""


async def send(
    app: App, issue: Issue, *, transport: str = "", stop: asyncio.Event, progress: Callable[[Receipt], None],
) -> Sent:
    """Sends the due deliveries of an issue; if sending stopped, the next call goes on from there.

    `transport` stands in for the configured one. Raises TryLater if another process is sending or the relay is out of
    reach, ConfigError if the keys are not those that the store knows, UsageError for an issue that is paused, cancelled
    or missed, Stopped if most mails are refused for their content or sender: then the issue is paused.
    """
    app.newsletter(issue.newsletter)  # what would be refused later is refused before the issue is begun
    relays.check(transport or app.settings.delivery.transport)
    with sending_alone(app):
        app.keyring = open_keyring(app.settings, app.store)  # anew: `newsletter run` may have been up for months
        # A subscriber who has left the preference file since the issue was frozen must not be mailed.
        await asyncio.to_thread(subscribers.sync_subscribers, app)
        app.store.issues.start(issue.id, now=app.now())
        outcomes = await _delivered(app, issues.find(app, issue.id), transport, stop, progress)
        suppressed = app.store.subscribers.suppress(
            issue.id, codes=MAILBOX, after=app.settings.delivery.suppress_after, now=app.now(),
        )
        finished = app.store.issues.finish(issue.id, now=app.now())
    return Sent(issues.find(app, issue.id), outcomes, app.store.outbox.sums(issue.id), finished, suppressed)


async def _delivered(
    app: App, issue: Issue, transport: str, stop: asyncio.Event, progress: Callable[[Receipt], None],
) -> Mapping[str, int]:
    delivery = app.settings.delivery
    try:
        return await send_slice(Slice(
            issue.id, app.store.outbox, app.store.leases, Journals(app.root / STATE / "journal"),
            issues.composer(app, issue), issues.editions(app),
            relays.transport(app, transport or delivery.transport, issue.newsletter), window=delivery.window,
            policy=delivery.in_doubt, give_up=delivery.give_up, now=app.now, jitter=app.jitter, stop=stop,
            progress=progress, pace=app.pace,
        ))
    except Stopped as error:
        app.store.issues.pause(issue.id, error.found)
        raise


Again = Literal["refused", "in_doubt"]
"""States of deliveries that are over, and can be tried once more."""


def resend(app: App, issue: Issue, which: Again) -> int:
    """Puts deliveries that are in doubt, or that were refused, back into the queue; returns how many.

    Raises UsageError for an issue that is cancelled or missed.
    """
    if issue.state in ("cancelled", "missed"):
        raise UsageError(f"issue {issue.id} is {issue.state}", cure="newsletter issue prepare NEWSLETTER")
    return app.store.outbox.resend(issue.id, which, now=app.now())


async def send_test(app: App, issue: Issue, to: str) -> Receipt:
    """Sends one mail of the issue to one address and records nothing.

    A subscriber gets their own edition, any other address one of all topics.
    """
    parsed = address.parse(to)
    subscriber = app.store.subscribers.get(parsed.key) or Subscriber(
        parsed.email, parsed.key, interests=Interests(topics=("*",)),
    )
    transport = relays.transport(app, app.settings.delivery.transport, issue.newsletter)
    try:
        return await transport.hand_over(issues.message_for(app, issue, subscriber), lambda: None)
    finally:
        await transport.close()


@contextmanager
def sending_alone(app: App) -> Iterator[None]:
    """Keeps other processes from sending. Raises TryLater if another process is sending.

    On a shared store several senders work at once, and leases show which of them are alive.
    """
    if app.store.is_shared:
        yield
        return
    with app.sending_lock.held(app.store.leases.end_all):
        yield
