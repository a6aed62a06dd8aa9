"""The claimer: a sender's claimed deliveries, its lease, and its journal of the messages on the wire.

One transaction settles the answered deliveries and claims the next ones: a claim is committed before its first byte
leaves. A sender that could not renew its lease for long stops by itself, since another may have taken over. The claims
of a sender that is gone are settled by its journal: answers count, messages on the wire are in doubt, the rest was
never sent. Without its journal all of its claims are in doubt.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from newsletter.delivering.slice import Slice
from newsletter.errors import NewsletterError, TryLater
from newsletter.model import Delivery, Receipt, Records, Settled
from newsletter.standing.answers import Answers

T = TypeVar("T")


class Claimer:
    """One sender's claims on one issue. The store has a thread of its own, so the event loop waits for no disk."""

    def __init__(self, slice_: Slice, answers: Answers) -> None:
        self._slice, self._answers = slice_, answers
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "store")
        self._sure_until = 0.0
        self._claimed: asyncio.Queue[Delivery] = asyncio.Queue()
        self._settled: list[Settled] = []
        self._outstanding = 0
        """How many deliveries are claimed and not yet settled by their lanes."""
        self._more_due = True
        self._answered = asyncio.Event()
        self._hungry = asyncio.Event()
        """Set if more deliveries are due than are claimed, and the lanes are about to run out of work."""
        self._failure: NewsletterError | None = None
        self._drained_by: float | None = None

    @property
    def is_ending(self) -> bool:
        """Whether no further message may leave."""
        return self._failure is not None or self._slice.stop.is_set()

    def fail(self, error: NewsletterError) -> None:
        """Ends the run with the error, once everything in flight is settled. The first error counts."""
        self._failure = self._failure or error

    # --- The lease ---

    async def begin(self) -> None:
        """Takes a lease and settles the claims of senders that are gone. Raises TryLater."""
        slice_ = self._slice
        try:
            self._sure_until = self._loop.time() + slice_.pace.sure.total_seconds()
            await self._in_store(slice_.leases.begin, slice_.issue_id, slice_.token, slice_.pace.lease)
            await self._in_store(self._recover)
            self._journal = await self._in_store(slice_.journals.begin, slice_.token)
        except BaseException:
            self._thread.shutdown()
            raise

    async def renew(self) -> None:
        """Renews the lease again and again. Raises TryLater if another sender has taken over."""
        pace = self._slice.pace
        while True:
            await asyncio.sleep(pace.renewed.total_seconds())
            asked = self._loop.time()
            with contextlib.suppress(TryLater):  # the store may recover; if it does not, `on_wire` ends the run
                if not await self._in_store(self._slice.leases.renew, self._slice.token, pace.lease):
                    break
                self._sure_until = asked + pace.sure.total_seconds()
        raise TryLater("this sender's lease has expired, and another sender has taken over")

    async def end(self) -> None:
        """Gives back the deliveries that no lane has begun, and ends the lease. If some claims could not be settled in
        the store, the journal stays for the next sender."""
        try:
            await self._give_back()
        finally:
            self._journal.close()
            if self._is_settled:
                self._slice.journals.end(self._slice.token)
            with contextlib.suppress(TryLater):
                await self._in_store(self._slice.leases.end, self._slice.token)
            self._thread.shutdown()

    def _recover(self) -> None:
        gone: list[str] = []

        def settle(token: str, claims: Sequence[Delivery]) -> list[Settled]:
            gone.append(token)
            records = self._slice.journals.read(token)
            return [self._recovered(each, records) for each in claims]

        self._slice.outbox.recover(self._slice.issue_id, settle, now=self._slice.now())
        for token in gone:
            self._slice.journals.end(token)

    def _recovered(self, delivery: Delivery, records: Records | None) -> Settled:
        if records is None:
            return self._answers.lost(delivery)
        if delivery.attempt not in records:
            return Settled(delivery.id, None)
        receipt = records[delivery.attempt]
        return self._answers.settled(delivery, receipt) if receipt else self._answers.lost(delivery)

    # --- Called by lanes ---

    async def next(self) -> Delivery:
        """A claimed delivery; waits until there is one."""
        delivery = await self._claimed.get()
        if self._more_due and self._claimed.qsize() <= self._slice.window // 4:
            self._hungry.set()
        return delivery

    def on_wire(self, delivery: Delivery) -> None:
        """Records that the message's first byte is about to leave. Raises TryLater, which ends the run, if it must not:
        another sender may have taken over, or the journal cannot be written."""
        try:
            if self._loop.time() > self._sure_until:
                raise TryLater("the lease could not be renewed for so long that another sender may have taken over",
                               cure="Check whether the store can be reached, then send again.")
            self._journal.on_wire(delivery)
        except TryLater as error:
            self.fail(error)
            raise

    def answered(self, delivery: Delivery, receipt: Receipt) -> None:
        """Records an answer. If the journal cannot be written, the answer counts, but no other mail leaves."""
        try:
            self._journal.answered(delivery, receipt)
        except TryLater as error:
            self.fail(error)

    def settle(self, settled: Settled) -> None:
        """Takes the settlement of a lane's delivery; the next transaction writes it to the store."""
        self._settled.append(settled)
        self._outstanding -= 1
        self._answered.set()

    # --- The window ---

    async def keep_claimed(self, helpers: Sequence["asyncio.Task[None]"]) -> None:
        """Keeps the window full until nothing is left: settles and claims in one transaction, then lets answers gather.

        `helpers` are the tasks that run meanwhile: renewal and lanes. Raises the error that ended the run, and TryLater
        if the store stays out of reach or a relay does not answer in time after a stop.
        """
        while True:
            try:
                await self._settle_and_claim()
            except TryLater as error:
                if not self._outstanding:
                    raise
                self.fail(error)
            if self._is_settled:
                if self._failure:
                    raise self._failure
                return
            self._keep_deadline()
            await self._some_answers(helpers)

    @property
    def _is_settled(self) -> bool:
        """Whether every claimed delivery is settled in the store."""
        return not self._outstanding and not self._settled

    async def _settle_and_claim(self) -> None:
        if self.is_ending:
            await self._give_back()
        else:
            await self._take(self._slice.window - self._outstanding)

    async def _give_back(self) -> None:
        """Gives back the deliveries that no lane has begun, and settles the rest."""
        while not self._claimed.empty():
            self.settle(Settled(self._claimed.get_nowait().id, None))
        await self._take(0)

    async def _take(self, limit: int) -> None:
        settled, self._settled = self._settled, []
        if not settled and not limit:
            return
        try:
            claimed = await self._in_store(self._exchange, limit, settled)
        except BaseException:
            self._settled = settled + self._settled  # keep the answers: the end of the run tries to settle them again
            raise
        self._journal.settled(each.id for each in settled)
        self._outstanding += len(claimed)
        self._more_due = len(claimed) == limit
        self._hungry.clear()
        for delivery in claimed:
            self._claimed.put_nowait(delivery)

    def _exchange(self, limit: int, settled: Sequence[Settled]) -> list[Delivery]:
        """Runs in the store's thread: settles, claims, and reads the editions, which are then cached."""
        slice_ = self._slice
        claimed = slice_.outbox.take(
            slice_.issue_id, limit=limit, settled=settled, now=slice_.now(), token=slice_.token)
        for delivery in claimed:
            slice_.edition(delivery.edition)
        return claimed

    async def _some_answers(self, helpers: Sequence["asyncio.Task[None]"]) -> None:
        answered = asyncio.ensure_future(self._answered.wait())
        await asyncio.wait({answered, *helpers}, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        for each in helpers:
            if each.done():
                try:
                    each.result()
                except TryLater as error:  # the lease is lost
                    self.fail(error)
        if self._outstanding:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hungry.wait(), self._slice.pace.gather)
        self._answered.clear()

    def _keep_deadline(self) -> None:
        """Raises TryLater if the run was asked to stop and messages on the wire are not answered in time."""
        if not self._slice.stop.is_set():
            return
        self._drained_by = self._drained_by or self._loop.time() + self._slice.pace.drain
        if self._loop.time() > self._drained_by:
            raise TryLater(f"{self._outstanding} mails are on the wire without an answer: they are in doubt",
                           cure=f"newsletter send {self._slice.issue_id}")

    async def _in_store(self, call: Callable[..., T], *arguments: object) -> T:
        return await self._loop.run_in_executor(self._thread, call, *arguments)
