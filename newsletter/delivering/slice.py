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
    """Waiting times and limits of a run."""

    gather: float = 0.004
    """Seconds in which answers gather before they are settled together: about as long as one durable commit takes. The
    wait is cut short if the lanes run out of work."""
    relay_pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0)
    """Seconds to wait for a relay that cannot be reached, one pause after another; after the last one the run ends."""
    retry_pauses: Pauses = field(default_factory=Pauses)
    """How long a deferred mail waits until it is tried again."""
    drain: float = 60.0
    """Seconds that a sender waits, when asked to stop, for the answers to messages on the wire."""
    lease: timedelta = timedelta(seconds=60)
    """The length of a lease: a sender that has not renewed it for so long counts as gone."""
    renewed: timedelta = timedelta(seconds=6)
    """The interval at which a sender renews its lease."""
    poisoned: int = 10
    """How many messages in a row that cannot be composed end the run: the fault is then not a single recipient's."""

    @property
    def sure(self) -> timedelta:
        """How long after its last request for a lease a sender may put mail on the wire."""
        return 0.7 * self.lease


@dataclass(frozen=True, slots=True)
class Slice:
    """One run over an issue's outbox, with everything it needs."""

    issue_id: str
    outbox: Outbox
    leases: Leases
    journals: Journals
    composer: Composer
    edition: Callable[[int], Edition]
    """Gives an edition by its number; expected to cache the latest ones."""
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
    """Set it to drain: nothing more is claimed, and messages in flight are settled."""
    progress: Callable[[Receipt], None]
    pace: Pace = field(default_factory=Pace)
    token: str = field(default_factory=lambda: secrets.token_hex(8))
