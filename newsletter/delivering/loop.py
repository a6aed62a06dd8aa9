"""The second loop, any time: claim deliveries, compose each message, hand it over, settle what came back.

    outbox ──take──▶ compose ──Message──▶ transport ──Receipt──▶ outbox

One transaction settles what came back and claims what goes next, so a claim is durable before its first byte leaves. A
row is settled for itself: what one recipient's server says touches nobody else. The journal knows what is on the wire:
when a sender dies, that much is in doubt and no more.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from newsletter.delivering.claims import Claims, Journals, Leases, Outbox
from newsletter.errors import DataError, NewsletterError, TryLater
from newsletter.model import Delivery, Edition, Message, Receipt, Settled, Subscriber
from newsletter.standing.answers import Answers, Policy, Refusals

GATHER = 0.004
"""Seconds in which answers gather before they are settled together: one durable commit costs about as long. Where the
lanes run out of work it is cut short."""

POISONED = 10
"""So many messages in a row that cannot be composed are no longer about single recipients: the send stops."""

RELAY_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds to wait for a relay that cannot be reached, before the send stops and says so."""

DRAIN = 60.0
"""Seconds that a sender which was told to stop waits for the answers to what is on the wire."""


class Stopped(DataError):
    """The run itself is at fault, and would be for everybody: a person has to look at it before it goes on."""


class Transport(Protocol):
    """What hands a message over. Adding one: docs/adding.md."""

    @property
    def lanes(self) -> int:
        """How many messages may be in flight at once."""

    async def hand_over(self, message: Message, on_wire: Callable[[], None]) -> Receipt:
        """Hands one message over and says what became of it.

        Calls `on_wire` right before the first byte that may make somebody take the message, and at most once; what it
        raises goes through, and nothing has left. Raises TryLater if nobody could be reached: nothing was sent, the row
        stays as it was.
        """

    async def close(self) -> None:
        """Ends connections in an orderly way."""


class Composer(Protocol):
    """Makes the message of a delivery."""

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message: ...


@dataclass(frozen=True, slots=True)
class Slice:
    """One run over an issue's outbox, and all it needs."""

    issue: str
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
    token: str = field(default_factory=lambda: secrets.token_hex(8))


async def send_slice(slice_: Slice) -> Counter[str]:
    """Delivers what is due until nothing is left or `stop` is set; how many had each outcome.

    Several may work on one issue, each with a token of its own. Raises TryLater if relay or store stay out of reach
    (what was not sent is queued or known to the journal), and Stopped if it is of no use to go on.
    """
    run = _Run(slice_)
    await run.claims.begin()
    helpers = [asyncio.create_task(run.claims.renew())]
    helpers += [asyncio.create_task(run.lane()) for _ in range(slice_.transport.lanes)]
    try:
        await run.pump(helpers)
    finally:
        for each in helpers:
            each.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        try:
            await run.give_back()
        finally:
            await run.claims.end(all_settled=run.is_settled)
            await slice_.transport.close()
    return run.tally


class _Run:
    """The state of one run: what is claimed, what came back, and whether the relay can be reached."""

    def __init__(self, slice_: Slice) -> None:
        self._slice = slice_
        self._loop = asyncio.get_running_loop()
        self._answers = Answers(slice_.policy, slice_.give_up, now=slice_.now, jitter=slice_.jitter)
        self._refusals = Refusals()
        self.claims = Claims(
            slice_.issue, slice_.token, slice_.outbox, slice_.leases, slice_.journals, answers=self._answers,
            now=slice_.now,
        )
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
        self._drained_by: float | None = None
        self.tally: Counter[str] = Counter()

    @property
    def is_settled(self) -> bool:
        """Whether the store knows what became of all that was claimed."""
        return not self._outstanding and not self._settled

    async def pump(self, helpers: Sequence["asyncio.Task[None]"]) -> None:
        """Keeps the window full: settles and claims in one go, then lets answers gather."""
        while True:
            await self._back_off()
            try:
                await self._settle_and_claim()
            except TryLater as error:
                if not self._outstanding:
                    raise
                self._failure = error
            if self.is_settled:
                if self._failure:
                    raise self._failure
                return
            self._keep_deadline()
            await self._some_answers(helpers)

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

    async def _settle_and_claim(self) -> None:
        if self._slice.stop.is_set() or self._failure:
            await self.give_back()
        else:
            await self._take(self._slice.window - self._outstanding)

    async def _take(self, limit: int) -> None:
        settled, self._settled = self._settled, []
        if not settled and not limit:
            return
        try:
            claimed = await self.claims.take(limit, settled, self._read_editions)
        except BaseException:
            self._settled = settled + self._settled  # answers are not lost with the store's: the end tries once more
            raise
        self._outstanding += len(claimed)
        self._more_due = len(claimed) == limit
        self._hungry.clear()
        for delivery in claimed:
            self._claimed.put_nowait(delivery)

    def _read_editions(self, claimed: Sequence[Delivery]) -> None:
        """Off the event loop, and remembered."""
        for delivery in claimed:
            self._slice.edition(delivery.edition)

    async def _some_answers(self, helpers: Sequence["asyncio.Task[None]"]) -> None:
        answered = asyncio.ensure_future(self._answered.wait())
        await asyncio.wait({answered, *helpers}, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        for each in helpers:
            if each.done():
                try:
                    each.result()
                except TryLater as error:  # the lease is lost
                    self._failure = self._failure or error
        if self._outstanding:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hungry.wait(), GATHER)
        self._answered.clear()

    def _keep_deadline(self) -> None:
        """Raises TryLater if we were told to stop, and what is on the wire is not answered in time."""
        if not self._slice.stop.is_set():
            return
        self._drained_by = self._drained_by or self._loop.time() + DRAIN
        if self._loop.time() > self._drained_by:
            raise TryLater(f"{self._outstanding} mails are on the wire and not answered: they are in doubt",
                           cure=f"newsletter send {self._slice.issue}")

    async def _back_off(self) -> None:
        """Waits for a relay that could not be reached, longer each time, and gives up in the end."""
        if self._unreachable is None:
            return
        if self._relay_failures >= len(RELAY_PAUSES) or self._slice.stop.is_set():
            self._failure = self._unreachable
            return
        pause = RELAY_PAUSES[self._relay_failures] * (0.5 + self._slice.jitter())
        self._relay_failures += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._slice.stop.wait(), pause)
        self._unreachable = None

    # --- A lane's side ---

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
            receipt = await self._slice.transport.hand_over(message, lambda: self._on_wire(delivery))
        except TryLater as error:
            self._unreachable = error
            return Settled(delivery.id, None)
        except NewsletterError as error:  # about the relay and not about this mail, which has not left
            self._failure = error
            return Settled(delivery.id, None)
        self._relay_failures = 0
        self._note(delivery, receipt)
        return self._settle(delivery, receipt)

    def _on_wire(self, delivery: Delivery) -> None:
        """Raises TryLater, and the mail stays."""
        try:
            self.claims.on_wire(delivery)
        except TryLater as error:
            self._failure = error
            raise

    def _note(self, delivery: Delivery, receipt: Receipt) -> None:
        try:
            self.claims.answered(delivery, receipt)
        except TryLater as error:  # this answer is settled all the same; no other mail leaves
            self._failure = error

    def _compose(self, delivery: Delivery) -> Message | Settled:
        """The message; a row that cannot be composed is refused, as others must not wait for it, up to `POISONED`."""
        try:
            message = self._slice.composer.compose(delivery.subscriber, self._slice.edition(delivery.edition))
        except Exception as error:
            self._poisoned += 1
            if self._poisoned >= POISONED:
                self._failure = Stopped(
                    f"{POISONED} messages in a row could not be composed, the last: {error}", place=self._slice.issue,
                    cure=f"newsletter render {self._slice.issue} --for {delivery.subscriber.email} --out /tmp",
                )
                return Settled(delivery.id, None)
            words = f"could not be composed: {type(error).__name__}: {error}"
            return self._settle(delivery, Receipt("refused", reply=words))
        self._poisoned = 0
        return message

    def _settle(self, delivery: Delivery, receipt: Receipt) -> Settled:
        settled = self._answers.settled(delivery, receipt)
        became = settled.receipt or receipt
        self.tally[became.outcome] += 1
        self._slice.progress(became)
        if self._refusals.too_many(became):
            self._failure = self._failure or Stopped(
                f"most mails are refused for what they are, not for whom they go to; the last answer: {became.code} "
                f"{became.reply}", place=self._slice.issue,
                cure=f"Mend what the relay says, then: newsletter issue resume {self._slice.issue} and newsletter send "
                     f"{self._slice.issue} --missed, which mails those who were refused as well.",
            )
        return settled
