"""What delivering needs of the world. Adapters fit these ports by shape; `newsletter.app` hands them over."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from newsletter.model import Delivery, Edition, Message, Receipt, Records, Settled, Subscriber


class Transport(Protocol):
    """What hands a message over. Adding one: docs/adding.md."""

    @property
    def lanes(self) -> int:
        """How many messages may be in flight at once."""

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Hands one message over and reports what became of it.

        Calls `on_wire` right before the first byte that may make the receiver take the message, and at most once; an
        error of `on_wire` goes through, and nothing has left. Raises TryLater if the receiver could not be reached:
        nothing was sent, the row stays as it was. Any other NewsletterError is about the transport and not about this
        message, which has not left: it ends the run.
        """

    async def close(self) -> None:
        """Ends connections in an orderly way."""


class Composer(Protocol):
    """What makes the message of a delivery. Adding one: docs/adding.md."""

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        """The same bytes at every attempt."""


class Outbox(Protocol):
    """The table of deliveries. Adding one: docs/adding.md."""

    def take(
        self, issue_id: str, *, limit: int, settled: Sequence[Settled], now: datetime, token: str,
    ) -> list[Delivery]:
        """In one transaction: settles, withdraws the deliveries of subscribers who left meanwhile, and claims up to
        `limit` rows that are due."""

    def recover(
        self, issue_id: str, settle: Callable[[str, Sequence[Delivery]], Sequence[Settled]], *, now: datetime,
    ) -> int:
        """Settles the claims of senders that are gone, as `settle` decides by token and claims; how many rows."""


class Leases(Protocol):
    """Which senders are alive. Adding one: docs/adding.md."""

    def begin(self, issue_id: str, token: str, length: timedelta) -> None:
        """A sender starts, and is alive for `length` from now on."""

    def renew(self, token: str, length: timedelta) -> bool:
        """The sender is alive for another `length`; false if its lease has expired and another took over."""

    def end(self, token: str) -> None:
        """The sender is done."""


class Journal(Protocol):
    """One sender's record of what it put on the wire and what came back, where a killed process cannot lose it."""

    def on_wire(self, delivery: Delivery) -> None:
        """Its first byte is about to leave. Raises TryLater if that cannot be recorded: then it must not leave."""

    def answered(self, delivery: Delivery, receipt: Receipt) -> None:
        """Raises TryLater if that cannot be recorded; the answer counts all the same."""

    def settled(self, deliveries: Iterable[int]) -> None:
        """The outbox knows what became of these."""

    def close(self) -> None:
        """Nothing more is recorded."""


class Journals(Protocol):
    """The journals, each by its sender's token. Adding one: docs/adding.md."""

    def begin(self, token: str) -> Journal:
        """Raises TryLater if it cannot be written."""

    def read(self, token: str) -> Records | None:
        """None if nothing can be known."""

    def end(self, token: str) -> None:
        """The outbox knows all that this journal could tell."""
