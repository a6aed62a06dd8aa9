"""The transport that sends nothing and reports `sent`: for measuring and dry runs."""

from collections.abc import Callable

from newsletter.model import Message, Receipt
from newsletter.transports.settings import TransportSettings


class NullTransport:
    lanes = 1
    """It never waits, so more lanes would gain nothing."""

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Reports `sent`, always."""
        on_wire()
        return Receipt("sent", reply=f"{sum(map(len, message.parts))} bytes, handed to nobody")

    async def close(self) -> None:
        """Does nothing: there are no connections."""


def opened(settings: TransportSettings) -> NullTransport:
    """Needs no settings."""
    return NullTransport()
