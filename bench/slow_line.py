"""A slow line to a relay: it passes on the bytes of each side unchanged, after a delay.

Every piece is delayed on its own, so the line does not throttle: its rate is limited by this process alone.
"""

import asyncio
from collections import deque
from functools import partial
from typing import cast


def serve(port: str, delay: str) -> None:
    """Listens on a free port of 127.0.0.1, prints it, and serves until the process ends. Bytes go to `port` after
    `delay` milliseconds, and answers come back after the same delay."""
    asyncio.run(_serve(int(port), float(delay) / 1000))


async def _serve(port: int, delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(partial(_Near, port, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class _End(asyncio.Protocol):
    """One of a line's two ends: bytes that arrive here leave at the other end, after the delay."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[tuple[float, bytes]] = deque()
        """The time at which each piece is due, and the piece; an empty one ends the connection."""
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._under_way.append((self._loop.time() + self._delay, data))
        if len(self._under_way) == 1:
            self.arrive()

    def connection_lost(self, exc: Exception | None) -> None:
        self.data_received(b"")

    def arrive(self) -> None:
        """Passes on the pieces that are due, and sets a timer for the rest."""
        other = self.other.transport if self.other else None
        while other and self._under_way and self._under_way[0][0] <= self._loop.time():
            _, data = self._under_way.popleft()
            if data:
                other.write(data)
            else:
                other.close()
        if other and self._under_way:
            self._loop.call_at(self._under_way[0][0], self.arrive)


class _Near(_End):
    """The end to which a sender connects; it opens the other end."""

    def __init__(self, port: int, delay: float) -> None:
        super().__init__(delay)
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opening = self._loop.create_task(self._open())

    async def _open(self) -> None:
        _, self.other = await self._loop.create_connection(partial(_Far, self, self._delay), "127.0.0.1", self._port)
        self.arrive()


class _Far(_End):
    """The end at the relay."""

    def __init__(self, near: _Near, delay: float) -> None:
        super().__init__(delay)
        self.other = near
