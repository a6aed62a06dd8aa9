"""What a sender holds: the deliveries it claimed, the lease that says it lives, the journal of what is on the wire.

A claim is durable before its first byte leaves, since it was committed. A sender that could not say for long that it
lives stops by itself, since another may have taken it for dead. What a dead one had claimed is settled by its journal:
answers count, what was on the wire is in doubt, the rest was never sent. Without its journal all of it is in doubt.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from newsletter.errors import TryLater
from newsletter.model import Delivery, Receipt, Settled
from newsletter.standing.answers import Answers

T = TypeVar("T")

LEASE = timedelta(seconds=60)
"""After so long without a sign of life a sender is taken for dead."""

RENEWED = LEASE / 10
"""How often it gives one."""

SURE = 0.7 * LEASE
"""So long after it asked for its last one, a sender may put mail on the wire."""

Told = Mapping[tuple[int, int], Receipt | None]
"""What a journal says, by delivery and its attempts before: the answer, or None for what was on the wire."""


class Outbox(Protocol):
    """The table of deliveries."""

    def take(
        self, issue: str, *, limit: int, settled: Sequence[Settled], now: datetime, token: str,
    ) -> list[Delivery]:
        """In one transaction: settles, withdraws who left meanwhile, and claims up to `limit` rows that are due."""

    def recover(
        self, issue: str, told: Callable[[str, Sequence[Delivery]], Sequence[Settled]], *, now: datetime,
    ) -> int:
        """Settles what senders that are gone had claimed, by what is `told` of it; how many rows that were."""


class Leases(Protocol):
    """Which senders are alive."""

    def begin(self, issue: str, token: str, length: timedelta) -> None: ...

    def renew(self, token: str, length: timedelta) -> bool:
        """False if the sender was taken for dead already."""

    def end(self, token: str) -> None: ...


class Journal(Protocol):
    """What a sender put on the wire and what it heard, where a killed process cannot lose it."""

    def on_wire(self, delivery: Delivery) -> None: ...

    def answered(self, delivery: Delivery, receipt: Receipt) -> None: ...

    def settled(self, deliveries: Iterable[int]) -> None:
        """The outbox knows what became of these."""

    def close(self) -> None: ...


class Journals(Protocol):
    """The journals, by token."""

    def begin(self, token: str) -> Journal: ...

    def read(self, token: str) -> Told | None:
        """None if nothing can be known."""

    def end(self, token: str) -> None: ...


class Claims:
    """One sender's, of one issue. The store is reached through one thread: the event loop never waits for a disk."""

    def __init__(
        self, issue: str, token: str, outbox: Outbox, leases: Leases, journals: Journals, *, answers: Answers,
        now: Callable[[], datetime],
    ) -> None:
        self._issue, self._token, self._now = issue, token, now
        self._outbox, self._leases, self._journals, self._answers = outbox, leases, journals, answers
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "store")
        self._sure_until = 0.0

    async def begin(self) -> None:
        """Shows that we live, and settles what those who are gone had claimed. Raises TryLater."""
        try:
            self._sure_until = self._loop.time() + SURE.total_seconds()
            await self._in_store(self._leases.begin, self._issue, self._token, LEASE)
            await self._in_store(self._recover)
            self._journal = await self._in_store(self._journals.begin, self._token)
        except BaseException:
            self._thread.shutdown()
            raise

    async def renew(self) -> None:
        """Goes on showing that we live. Raises TryLater if another sender has taken our place."""
        while True:
            await asyncio.sleep(RENEWED.total_seconds())
            asked = self._loop.time()
            with contextlib.suppress(TryLater):  # the store may come back; if it does not, `on_wire` stops us
                if not await self._in_store(self._leases.renew, self._token, LEASE):
                    break
                self._sure_until = asked + SURE.total_seconds()
        raise TryLater("another sender took this one for dead, and goes on in its place")

    async def take(
        self, limit: int, settled: Sequence[Settled], seen: Callable[[Sequence[Delivery]], None],
    ) -> list[Delivery]:
        """Settles, claims up to `limit`, and shows the store's thread what was claimed. Raises TryLater."""

        def take() -> list[Delivery]:
            claimed = self._outbox.take(self._issue, limit=limit, settled=settled, now=self._now(), token=self._token)
            seen(claimed)
            return claimed

        claimed = await self._in_store(take)
        self._journal.settled(each.id for each in settled)
        return claimed

    def on_wire(self, delivery: Delivery) -> None:
        """Its first byte is about to leave. Raises TryLater, and it must not: we may have been taken for dead, or the
        journal cannot be written."""
        if self._loop.time() > self._sure_until:
            raise TryLater("the store gave no sign for so long that another sender may be at work by now",
                           cure="Look whether the store can be reached, then send again.")
        self._journal.on_wire(delivery)

    def answered(self, delivery: Delivery, receipt: Receipt) -> None:
        """Raises TryLater if the journal cannot be written; the answer counts all the same."""
        self._journal.answered(delivery, receipt)

    async def end(self, *, all_settled: bool) -> None:
        """Leaves. If not all is settled, the journal stays for whoever comes next."""
        self._journal.close()
        if all_settled:
            self._journals.end(self._token)
        with contextlib.suppress(TryLater):
            await self._in_store(self._leases.end, self._token)
        self._thread.shutdown()

    async def _in_store(self, call: Callable[..., T], *arguments: object) -> T:
        return await self._loop.run_in_executor(self._thread, call, *arguments)

    def _recover(self) -> None:
        gone: list[str] = []

        def told(token: str, claims: Sequence[Delivery]) -> list[Settled]:
            gone.append(token)
            said = self._journals.read(token)
            return [self._told(each, said) for each in claims]

        self._outbox.recover(self._issue, told, now=self._now())
        for token in gone:
            self._journals.end(token)

    def _told(self, delivery: Delivery, said: Told | None) -> Settled:
        if said is None:
            return self._answers.lost(delivery)
        which = delivery.id, delivery.attempts
        if which not in said:
            return Settled(delivery.id, None)
        receipt = said[which]
        return self._answers.settled(delivery, receipt) if receipt else self._answers.lost(delivery)
