"""Answers to messages, and their consequences for the row, for its subscriber and for the run. Pure decisions.

The first digit of a reply decides about the row (RFC 5321, section 4.2.1). Its enhanced code (RFC 3463) decides whose
fault a refusal is: a fault of the mailbox silences the subscriber after some time; a fault of the sender or the message
stops the run and silences nobody.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from newsletter.model import Delivery, Receipt, Settled

Policy = Literal["resend", "hold"]
"""The treatment of a mail in doubt. `resend` sends it again, so it arrives at least once. `hold` keeps it until a
person decides, so it arrives at most once."""

LOST = "the sender ended while this was on the wire"
"""The reply in the receipt of a message whose sender ended before the answer came."""

MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""Enhanced codes of a permanently bad address or a disabled mailbox (RFC 3463, sections 3.2 and 3.3; 5.1.10: RFC 7505).
"""

_OURS = frozenset({"5.1.7", "5.1.8", "5.3.4", "5.2.3"})
"""Enhanced codes of a sender's address that is not accepted, and of a message that is too large."""

_OURS_BY_CLASS = ("5.5.", "5.6.", "5.7.")
"""Enhanced codes about protocol, content and policy (RFC 3463, sections 3.6 to 3.8)."""

_OURS_WITHOUT_ENHANCED = frozenset({552, 554, 555})
"""Codes of replies without an enhanced code (RFC 5321, section 4.2.3): too much data, transaction failed, parameters
not known."""

WATCHED = 30
"""How many of the latest answers decide whether the run itself is being refused."""


def about_us(receipt: Receipt) -> bool:
    """Whether a refusal concerns the message or its sender, so that other recipients' servers would refuse as well."""
    if receipt.outcome != "refused":
        return False
    if receipt.enhanced:
        return receipt.enhanced in _OURS or receipt.enhanced.startswith(_OURS_BY_CLASS)
    return receipt.code in _OURS_WITHOUT_ENHANCED


class Refusals:
    """The latest answers of a run."""

    def __init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=WATCHED)

    def too_many(self, receipt: Receipt) -> bool:
        """Counts one more answer; true once most of the latest ones are refusals about us."""
        self._latest.append(about_us(receipt))
        return sum(self._latest) > WATCHED // 2


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long a mail waits until it is tried again; the pause doubles after each attempt."""

    first: timedelta = timedelta(minutes=15)
    """Greylisting relays require 5 to 15 minutes. RFC 5321, section 4.5.4.1, recommends at least 30."""
    longest: timedelta = timedelta(days=1)

    def after(self, attempts: int) -> timedelta:
        """The pause after an attempt that had so many `attempts` before it."""
        doublings: int = 2 ** min(attempts, 10)
        return min(self.first * doublings, self.longest)


class Answers:
    """Turns receipts into settlements."""

    def __init__(
        self, policy: Policy, give_up: timedelta, pauses: Pauses, *, now: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        """`give_up` is how long a deferred mail is tried again. `jitter` gives a random number between 0 and 1, so that
        retries do not all happen at once."""
        self._policy, self._give_up, self._pauses, self._now, self._jitter = policy, give_up, pauses, now, jitter

    def settled(self, delivery: Delivery, receipt: Receipt) -> Settled:
        """The settlement of the delivery after this attempt."""
        if receipt.outcome == "deferred":
            pause = self._pause(delivery.attempts)
            if pause is None:
                reply = f"given up after {delivery.attempts + 1} attempts: {receipt.reply}"
                return Settled(delivery.id, Receipt("refused", receipt.code, receipt.enhanced, reply))
            return Settled(delivery.id, receipt, self._now() + pause * (1 + self._jitter() / 4))
        if receipt.outcome == "in_doubt" and self._resends(delivery):
            return Settled(delivery.id, receipt, self._now() + (self._pause(delivery.attempts) or self._pauses.longest))
        return Settled(delivery.id, receipt)

    def lost(self, delivery: Delivery) -> Settled:
        """The settlement of a delivery whose message was on the wire when its sender ended."""
        return Settled(delivery.id, Receipt("in_doubt", reply=LOST), self._now() if self._resends(delivery) else None)

    def _resends(self, delivery: Delivery) -> bool:
        """Whether a mail in doubt is sent again. It is, once: a relay that accepts every mail and never confirms it
        must not fill a subscriber's mailbox."""
        return self._policy == "resend" and not delivery.ever_in_doubt

    def _pause(self, attempts: int) -> timedelta | None:
        """The pause before the next attempt; None once the pauses so far add up to `give_up`."""
        pauses = [self._pauses.after(number) for number in range(attempts + 1)]
        return None if sum(pauses[:-1], timedelta()) >= self._give_up else pauses[-1]
