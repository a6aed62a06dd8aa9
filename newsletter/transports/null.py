"""The transport that sends nothing and says that it did: for measuring and dry runs."""

from collections.abc import Callable

from newsletter.model import Message, Receipt


class NullTransport:
    lanes = 1
    """It never waits, so more would gain nothing."""

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Always `sent`."""
        on_wire()
        return Receipt("sent", reply=f"{sum(map(len, message.parts))} bytes, handed to nobody")

    async def close(self) -> None:
        """Nothing is held."""
