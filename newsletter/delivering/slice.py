"""A slice: one run over an issue's outbox, as frozen data."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.delivering.ports import Composer, Journals, Leases, Outbox, Transport
from newsletter.model import Edition, Receipt
from newsletter.standing.answers import Pauses, Policy


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a run waits for what, and how often."""

    gather: float = 0.004
    """Seconds in which answers gather before they are settled together: one durable commit costs about as long. It is
    cut short where the lanes run out of work."""
    relay_pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0)
    """Seconds to wait for a relay that cannot be reached, one after the other; after the last the run ends."""
    retry_pauses: Pauses = field(default_factory=Pauses)
    """How long a deferred mail waits until it is tried again."""
    drain: float = 60.0
    """Seconds that a sender asked to stop waits for the answers to what is on the wire."""
    lease: timedelta = timedelta(seconds=60)
    """A sender counts as gone after so long without a sign of life."""
    renewed: timedelta = timedelta(seconds=6)
    """How often a sender gives a sign of life."""
    poisoned: int = 10
    """So many messages in a row that cannot be composed are no longer about single recipients: the run ends."""

    @property
    def sure(self) -> timedelta:
        """How long after asking for its last lease a sender may put mail on the wire."""
        return 0.7 * self.lease


@dataclass(frozen=True, slots=True)
class Slice:
    """One run over an issue's outbox, and all it needs."""

    issue_id: str
    outbox: Outbox
    leases: Leases
    journals: Journals
    composer: Composer
    edition: Callable[[int], Edition]
    """An edition by its number; expected to remember the latest ones."""
    transport: Transport
    window: int
    """How many deliveries may be claimed at a time."""
    policy: Policy
    give_up: timedelta
    """How long a deferred mail is tried again."""
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    """A random number between 0 and 1."""
    stop: asyncio.Event
    """Set to drain: nothing more is claimed, what is in flight is settled."""
    progress: Callable[[Receipt], None]
    pace: Pace = field(default_factory=Pace)
    token: str = field(default_factory=lambda: secrets.token_hex(8))
