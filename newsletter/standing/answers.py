"""What an answer to a message means for its row, for its reader and for the run. Pure.

A reply's first digit decides about the row (RFC 5321, section 4.2.1); its enhanced code (RFC 3463) says whose fault it
is: the mailbox's, which after some time silences the reader, or ours, which stops the run and silences nobody.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from newsletter.model import Delivery, Receipt, Settled

Policy = Literal["resend", "hold"]
"""What becomes of a mail that is in doubt: sent again, at least once; or kept for a person, at most once."""

LOST = "the sender ended while this was on the wire"
"""In the place of a reply, where nobody was left to hear one."""

MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""The address leads to nobody, and will not tomorrow (RFC 3463, section 3.2 and 3.3; 5.1.10: RFC 7505)."""

_OURS = frozenset({"5.1.7", "5.1.8", "5.3.4", "5.2.3"})
"""The sender's address is not liked, or the message is too large."""

_OURS_BY_CLASS = ("5.5.", "5.6.", "5.7.")
"""Protocol, content, and policy (RFC 3463, sections 3.6 to 3.8)."""

_OURS_WITHOUT_WORDS = frozenset({552, 554, 555})
"""RFC 5321, section 4.2.3: too much, transaction failed, parameters not known."""

WATCHED = 30
"""So many of the latest answers say whether the run itself is what is refused."""


def about_us(receipt: Receipt) -> bool:
    """Whether a refusal is about what we send or who we are, and would be the next reader's as well."""
    if receipt.outcome != "refused":
        return False
    if receipt.enhanced:
        return receipt.enhanced in _OURS or receipt.enhanced.startswith(_OURS_BY_CLASS)
    return receipt.code in _OURS_WITHOUT_WORDS


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
    """How long a mail waits until it is tried again: twice as long after each attempt."""

    first: timedelta = timedelta(minutes=15)
    """Greylisting relays want 5 to 15 minutes. RFC 5321, section 4.5.4.1, asks for 30 as a rule."""
    longest: timedelta = timedelta(days=1)

    def after(self, attempts: int) -> timedelta:
        """The pause after one more than so many attempts."""
        doublings: int = 2 ** min(attempts, 10)
        return min(self.first * doublings, self.longest)


class Answers:
    """Turns receipts into settlements."""

    def __init__(
        self, policy: Policy, give_up: timedelta, pauses: Pauses, *, now: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        """`give_up`: how long a deferred mail is tried again. `jitter`: a random number between 0 and 1, so that
        retries do not come all at once."""
        self._policy, self._give_up, self._pauses, self._now, self._jitter = policy, give_up, pauses, now, jitter

    def settled(self, delivery: Delivery, receipt: Receipt) -> Settled:
        """What becomes of the row after this attempt."""
        if receipt.outcome == "deferred":
            pause = self._pause(delivery.attempts)
            if pause is None:
                words = f"given up after {delivery.attempts + 1} attempts: {receipt.reply}"
                return Settled(delivery.id, Receipt("refused", receipt.code, receipt.enhanced, words))
            return Settled(delivery.id, receipt, self._now() + pause * (1 + self._jitter() / 4))
        if receipt.outcome == "in_doubt" and self._resends(delivery):
            return Settled(delivery.id, receipt, self._now() + (self._pause(delivery.attempts) or self._pauses.longest))
        return Settled(delivery.id, receipt)

    def lost(self, delivery: Delivery) -> Settled:
        """For a mail that was on the wire when its sender ended."""
        return Settled(delivery.id, Receipt("in_doubt", reply=LOST), self._now() if self._resends(delivery) else None)

    def _resends(self, delivery: Delivery) -> bool:
        """Once: a relay that takes every mail and never says so must not fill a reader's mailbox."""
        return self._policy == "resend" and not delivery.ever_in_doubt

    def _pause(self, attempts: int) -> timedelta | None:
        """None once all pauses so far together are `give_up`."""
        pauses = [self._pauses.after(number) for number in range(attempts + 1)]
        return None if sum(pauses[:-1], timedelta()) >= self._give_up else pauses[-1]
