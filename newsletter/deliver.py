"""The second loop, any time: claim deliveries, compose each message, hand it over, settle what came back.

    outbox ──take──▶ compose ──Message──▶ transport ──Receipt──▶ outbox

One transaction settles what came back and claims what goes next, so a claim is durable before its first byte leaves. A
row is settled for itself: what one recipient's server says touches nobody else. What a process that died had claimed is
put in doubt by the next one, and `in_doubt` says whether it is sent again ("resend") or kept for a person ("hold").
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from newsletter.errors import DataError, NewsletterError, TryLater
from newsletter.model import Delivery, Edition, Message, Receipt, Settled, State, Subscriber

Policy = Literal["resend", "hold"]

RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240, 480, 960, 1440))
"""Pauses after each deferral; after the last the recipient is refused (RFC 5321, 4.5.4.1: at least 30 minutes as a
rule, giving up after some days; the first is shorter for greylisting servers, which want 5 to 15 minutes)."""

GATHER = 0.004
"""Seconds in which answers gather before they are settled together: one durable commit costs about as long. Where the
lanes run out of work it is cut short."""

POISONED = 10
"""So many messages in a row that cannot be composed are no longer about single recipients: the send stops."""

RELAY_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds to wait for a relay that cannot be reached, before the send stops and says so."""


class Transport(Protocol):
    """What hands a message over. Adding one: docs/adding.md."""

    @property
    def lanes(self) -> int:
        """How many messages may be in flight at once."""

    async def hand_over(self, message: Message) -> Receipt:
        """Hands one message over and says what became of it.

        Raises TryLater if nobody could be reached: nothing was sent, the row stays as it was.
        """

    async def close(self) -> None:
        """Ends connections in an orderly way."""


class Outbox(Protocol):
    """The table of deliveries."""

    def take(
        self, issue: str, *, limit: int, settled: Sequence[Settled], now: datetime, token: str,
    ) -> list[Delivery]:
        """In one transaction: settles, withdraws who left meanwhile, and claims up to `limit` rows that are due."""

    def recover(self, issue: str, *, policy: Policy, now: datetime) -> int:
        """Puts what a process that is gone had claimed in doubt; how many that were."""

    def sums(self, issue: str) -> Mapping[State, int]: ...


class Composer(Protocol):
    """Makes the message of a delivery."""

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message: ...


@dataclass(frozen=True, slots=True)
class Slice:
    """One run over an issue's outbox, and all it needs."""

    issue: str
    outbox: Outbox
    composer: Composer
    edition: Callable[[int], Edition]
    """An edition by its number; expected to remember the latest ones."""
    transport: Transport
    window: int
    """How many deliveries may be claimed at a time."""
    policy: Policy
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    """A random number between 0 and 1, so that retries do not come all at once."""
    stop: asyncio.Event
    """Set to drain: nothing more is claimed, what is in flight is settled."""
    progress: Callable[[Receipt], None]
    token: str = field(default_factory=lambda: secrets.token_hex(8))


async def send_slice(slice_: Slice) -> Counter[str]:
    """Delivers what is due until nothing is left or `stop` is set; how many had each outcome.

    Raises TryLater if the relay stays out of reach (every row that was not sent is still queued), and DataError if
    message after message cannot be composed.
    """
    await asyncio.to_thread(slice_.outbox.recover, slice_.issue, policy=slice_.policy, now=slice_.now())
    run = _Run(slice_)
    lanes = [asyncio.create_task(run.lane()) for _ in range(slice_.transport.lanes)]
    try:
        await run.pump(lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        await run.give_back()
        await slice_.transport.close()
    return run.tally


class _Run:
    """The state of one run: what is claimed, what came back, and whether the relay can be reached."""

    def __init__(self, slice_: Slice) -> None:
        self._slice = slice_
        self._claimed: asyncio.Queue[Delivery] = asyncio.Queue()
        self._settled: list[Settled] = []
        self._answered = asyncio.Event()
        self._hungry = asyncio.Event()
        """Set where more is due than is claimed and the lanes will have nothing to do by the time of the next claim."""
        self._more_due = True
        self._outstanding = 0
        self._unreachable: TryLater | None = None
        self._failure: NewsletterError | None = None
        """What ends the run once everything in flight is settled."""
        self._relay_failures = 0
        self._poisoned = 0
        self.tally: Counter[str] = Counter()

    async def pump(self, lanes: Sequence["asyncio.Task[None]"]) -> None:
        """Keeps the window full: settles and claims in one go, then lets answers gather."""
        while True:
            await self._back_off()
            if self._slice.stop.is_set() or self._failure:
                await self.give_back()
            else:
                await self._take(self._slice.window - self._outstanding)
            if not self._outstanding and not self._settled:
                if self._failure:
                    raise self._failure
                return
            await self._some_answers(lanes)

    async def give_back(self) -> None:
        """Puts back what no lane has begun, and settles the rest."""
        while not self._claimed.empty():
            self._answer(Settled(self._claimed.get_nowait().id, None))
        await self._take(0)

    async def lane(self) -> None:
        """One message after the other; what goes wrong with one is that one's."""
        while True:
            delivery = await self._claimed.get()
            if self._more_due and self._claimed.qsize() <= self._slice.window // 4:
                self._hungry.set()
            self._answer(await self._deliver(delivery))

    async def _take(self, limit: int) -> None:
        settled, self._settled = self._settled, []
        if not settled and not limit:
            return
        try:
            claimed = await asyncio.to_thread(self._take_rows, limit, settled)
        except BaseException:
            self._settled = settled + self._settled  # answers are not lost with the store's: the end tries once more
            raise
        self._outstanding += len(claimed)
        self._more_due = len(claimed) == limit
        self._hungry.clear()
        for delivery in claimed:
            self._claimed.put_nowait(delivery)

    def _take_rows(self, limit: int, settled: list[Settled]) -> list[Delivery]:
        claimed = self._slice.outbox.take(
            self._slice.issue, limit=limit, settled=settled, now=self._slice.now(), token=self._slice.token,
        )
        for delivery in claimed:  # read here, off the event loop, and remembered
            self._slice.edition(delivery.edition)
        return claimed

    async def _some_answers(self, lanes: Sequence["asyncio.Task[None]"]) -> None:
        answered = asyncio.ensure_future(self._answered.wait())
        await asyncio.wait({answered, *lanes}, return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        for lane in lanes:
            if lane.done():
                lane.result()
        if self._outstanding:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hungry.wait(), GATHER)
        self._answered.clear()

    async def _back_off(self) -> None:
        """Waits for a relay that could not be reached, longer each time, and gives up in the end."""
        if self._unreachable is None:
            return
        if self._relay_failures >= len(RELAY_PAUSES) or self._slice.stop.is_set():
            raise self._unreachable
        pause = RELAY_PAUSES[self._relay_failures] * (0.5 + self._slice.jitter())
        self._relay_failures += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._slice.stop.wait(), pause)
        self._unreachable = None

    def _answer(self, settled: Settled) -> None:
        self._settled.append(settled)
        self._outstanding -= 1
        self._answered.set()

    async def _deliver(self, delivery: Delivery) -> Settled:
        if self._unreachable is not None or self._failure is not None:
            return Settled(delivery.id, None)
        message = self._compose(delivery)
        if isinstance(message, Settled):
            return message
        try:
            receipt = await self._slice.transport.hand_over(message)
        except TryLater as error:
            self._unreachable = error
            return Settled(delivery.id, None)
        except NewsletterError as error:  # about the relay and not about this mail, which has not left
            self._failure = error
            return Settled(delivery.id, None)
        self._relay_failures = 0
        return self._settle(delivery, receipt)

    def _compose(self, delivery: Delivery) -> Message | Settled:
        """The message; a row that cannot be composed is refused, as others must not wait for it, up to `POISONED`."""
        try:
            message = self._slice.composer.compose(delivery.subscriber, self._slice.edition(delivery.edition))
        except Exception as error:
            self._poisoned += 1
            if self._poisoned >= POISONED:
                self._failure = DataError(
                    f"{POISONED} messages in a row could not be composed, the last: {error}", place=self._slice.issue,
                    cure=f"newsletter render {self._slice.issue} --for {delivery.subscriber.email} --out /tmp",
                )
                return Settled(delivery.id, None)
            words = f"could not be composed: {type(error).__name__}: {error}"
            return self._settle(delivery, Receipt("refused", reply=words))
        self._poisoned = 0
        return message

    def _settle(self, delivery: Delivery, receipt: Receipt) -> Settled:
        last = delivery.attempts >= len(RETRY_AFTER)
        if receipt.outcome == "deferred" and last:
            words = f"given up after {delivery.attempts + 1} attempts: {receipt.reply}"
            receipt = Receipt("refused", receipt.code, receipt.enhanced, words)
        self.tally[receipt.outcome] += 1
        self._slice.progress(receipt)
        again = receipt.outcome == "deferred" or (receipt.outcome == "in_doubt" and self._slice.policy == "resend")
        if last or not again:
            return Settled(delivery.id, receipt)
        pause = RETRY_AFTER[delivery.attempts] * (1 + self._slice.jitter() / 4)
        return Settled(delivery.id, receipt, self._slice.now() + pause)
