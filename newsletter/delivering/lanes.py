"""Lanes: each takes one delivery after another, has it composed and handed over, and settles it.

Each row is settled on its own: an answer about one recipient affects no other. A failure of the relay makes the lanes
of that relay wait; a failure of the issue ends the run (`Run`).
"""

import asyncio
import contextlib
from collections import Counter
from functools import partial

from newsletter.delivering.claimer import Claimer
from newsletter.delivering.ports import Transport
from newsletter.delivering.slice import Slice
from newsletter.errors import DataError, NewsletterError, TryLater
from newsletter.model import Delivery, Message, Receipt, Settled
from newsletter.standing.answers import Answers, Refusals


class Stopped(DataError):
    """The run fails for a reason that concerns every recipient: a person has to fix it before the run goes on."""


class Lanes:
    """The lanes of one transport. They pause together while it cannot be reached; those of others go on."""

    def __init__(self, transport: Transport, run: "Run") -> None:
        self._transport, self._run = transport, run
        self._slice, self._claimer = run.slice, run.claimer
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._failures = 0
        """How many times in a row the transport could not be reached."""

    def open(self) -> list["asyncio.Task[None]"]:
        """Starts all lanes; they run until they are cancelled."""
        return [asyncio.create_task(self._lane()) for _ in range(self._transport.lanes)]

    async def close(self) -> None:
        await self._transport.close()

    async def _lane(self) -> None:
        while True:
            delivery = await self._claimer.next()
            await self._reachable.wait()
            self._claimer.settle(await self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> Settled:
        """Delivers one claimed delivery and returns its settlement."""
        untouched = Settled(delivery.id, None)
        if self._claimer.is_ending:
            return untouched
        message = self._run.compose(delivery)
        if isinstance(message, Settled):
            return message
        try:
            receipt = await self._transport.hand_over(message, partial(self._claimer.on_wire, delivery))
        except TryLater as error:
            await self._rest(error)
            return untouched
        except NewsletterError as error:
            self._claimer.fail(error)
            return untouched
        self._failures = 0
        self._claimer.answered(delivery, receipt)
        return self._run.settled(delivery, receipt)

    async def _rest(self, error: TryLater) -> None:
        """Pauses the transport, longer each time; after the last pause the run ends with the error."""
        if not self._reachable.is_set():
            return  # another lane has started the pause
        pauses = self._slice.pace.relay_pauses
        if self._failures >= len(pauses) or self._claimer.is_ending:
            self._claimer.fail(error)
            return
        pause = pauses[self._failures] * (0.5 + self._slice.jitter())
        self._failures += 1
        self._reachable.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._slice.stop.wait(), pause)
        self._reachable.set()


class Run:
    """The part of a run that all lanes share: it composes messages and counts answers, and either can end the run."""

    def __init__(self, slice_: Slice, claimer: Claimer, answers: Answers) -> None:
        self.slice, self.claimer = slice_, claimer
        self._answers = answers
        self._refusals = Refusals()
        self._poisoned = 0
        self.tally: Counter[str] = Counter()
        """How many deliveries had each outcome."""

    def compose(self, delivery: Delivery) -> Message | Settled:
        """The message, or the settlement of a delivery that cannot be composed: it is refused, so that others need not
        wait for it. Many of those in a row end the run."""
        try:
            message = self.slice.composer.compose(delivery.subscriber, self.slice.edition(delivery.edition))
        except Exception as error:
            return self._not_composed(delivery, error)
        self._poisoned = 0
        return message

    def settled(self, delivery: Delivery, receipt: Receipt) -> Settled:
        """The delivery's settlement after this answer. The run ends if most of the latest answers are refusals that
        concern every recipient."""
        settled = self._answers.settled(delivery, receipt)
        became = settled.receipt or receipt
        self.tally[became.outcome] += 1
        self.slice.progress(became)
        if self._refusals.too_many(became):
            issue_id = self.slice.issue_id
            self.claimer.fail(Stopped(
                f"most mails are refused because of their content or sender, not their recipient; the last answer: "
                f"{became.code} {became.reply}", place=issue_id,
                cure=f"Fix what the relay reports, then: newsletter issue resume {issue_id} and newsletter send "
                     f"{issue_id} --missed, which also mails the subscribers who were refused.",
            ))
        return settled

    def _not_composed(self, delivery: Delivery, error: Exception) -> Settled:
        self._poisoned += 1
        if self._poisoned < self.slice.pace.poisoned:
            reply = f"could not be composed: {type(error).__name__}: {error}"
            return self.settled(delivery, Receipt("refused", reply=reply))
        self.claimer.fail(Stopped(
            f"{self._poisoned} messages in a row could not be composed, the last: {error}", place=self.slice.issue_id,
            cure=f"newsletter render {self.slice.issue_id} --for {delivery.subscriber.email} --out /tmp",
        ))
        return Settled(delivery.id, None)
