"""The ports of delivering: the interfaces that it needs. Adapters match them by shape; `newsletter.app` passes them in.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from newsletter.model import Delivery, Edition, Message, Receipt, Records, Settled, Subscriber


class Transport(Protocol):
    """Hands messages over to their receiver. How to add one: docs/adding.md."""

    @property
    def lanes(self) -> int:
        """How many messages may be in flight at once."""

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Hands one message over and reports the outcome.

        Calls `on_wire` at most once, right before the first byte that may make the receiver accept the message. If
        `on_wire` raises, nothing leaves and its error is passed on. Raises TryLater if the receiver could not be
        reached: nothing was sent, the row stays as it was. Any other NewsletterError concerns the transport and not
        this message, which has not left: it ends the run.
        """

    async def close(self) -> None:
        """Ends connections properly, with QUIT where there is one."""


class Composer(Protocol):
    """Makes the message of a delivery. How to add one: docs/adding.md."""

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        """The message, with the same bytes at every attempt."""


class Outbox(Protocol):
    """The table of deliveries. How to add one: docs/adding.md."""

    def take(
        self, issue_id: str, *, limit: int, settled: Sequence[Settled], now: datetime, token: str,
    ) -> list[Delivery]:
        """In one transaction: settles `settled`, withdraws the deliveries of subscribers who left meanwhile, and claims
        up to `limit` rows that are due."""

    def recover(
        self, issue_id: str, settle: Callable[[str, Sequence[Delivery]], Sequence[Settled]], *, now: datetime,
    ) -> int:
        """Settles the claims of senders that are gone, as `settle` decides by token and claims. Returns how many."""


class Leases(Protocol):
    """The record of the senders that are alive. How to add one: docs/adding.md."""

    def begin(self, issue_id: str, token: str, length: timedelta) -> None:
        """Records a new sender, which counts as alive for `length` from now on."""

    def renew(self, token: str, length: timedelta) -> bool:
        """Extends the lease to `length` from now on; false if it has expired and another sender has taken over."""

    def end(self, token: str) -> None:
        """Ends the sender's lease."""


class Journal(Protocol):
    """One sender's record of messages on the wire and of their answers. It survives a killed process."""

    def on_wire(self, delivery: Delivery) -> None:
        """Records that the message's first byte is about to leave. Raises TryLater if that cannot be recorded; then it
        must not leave."""

    def answered(self, delivery: Delivery, receipt: Receipt) -> None:
        """Records the answer. Raises TryLater if that cannot be recorded; the answer counts all the same."""

    def settled(self, deliveries: Iterable[int]) -> None:
        """Drops the records of the deliveries with these ids, which the outbox has settled."""

    def close(self) -> None:
        """Ends recording."""


class Journals(Protocol):
    """The journals, each identified by its sender's token. How to add one: docs/adding.md."""

    def begin(self, token: str) -> Journal:
        """Starts a sender's journal. Raises TryLater if it cannot be written."""

    def read(self, token: str) -> Records | None:
        """A sender's records; None if they are lost."""

    def end(self, token: str) -> None:
        """Deletes a journal: the outbox has settled everything in it."""
