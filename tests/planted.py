"""Bugs planted into the sender: `python -m tests.planted BUG send ISSUE` is `chaos.sender` with one of them.

Real systems had each of them. A judge that lets one pass is no judge: tests/flow/test_planted.py.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from unittest.mock import patch

from chaos import sender
from newsletter.model import Delivery, Message, Receipt, Settled
from newsletter.store import outbox
from newsletter.transports.smtp import SmtpTransport

Settle = Callable[[str, Sequence[Delivery]], Sequence[Settled]]


def checkpoint_at_fetch() -> None:
    """What is claimed counts as sent: who was claimed by a process that dies is skipped."""
    take = outbox.Outbox.take

    def take_as_sent(
        self: outbox.Outbox, issue_id: str, *, limit: int, settled: Sequence[Settled], now: datetime, token: str,
    ) -> list[Delivery]:
        claimed = take(self, issue_id, limit=limit, settled=settled, now=now, token=token)
        sent = [Settled(each.id, Receipt("sent")) for each in claimed]
        take(self, issue_id, limit=0, settled=sent, now=now, token=token)
        return claimed

    plant(outbox.Outbox, "take", take_as_sent)


def claims_that_expire() -> None:
    """What a dead process had claimed goes back into the queue, and nobody hears that it may have been sent."""
    recover = outbox.Outbox.recover

    def recover_silently(self: outbox.Outbox, issue_id: str, settle: Settle, *, now: datetime) -> int:
        return recover(self, issue_id, lambda token, claims: [Settled(each.id, None) for each in claims], now=now)

    plant(outbox.Outbox, "recover", recover_silently)


def lost_is_not_sent() -> None:
    """A connection that ends after the dot is taken for a message that was not sent."""
    hand_over = SmtpTransport.hand_over

    async def hand_over_once_more(self: SmtpTransport, message: Message, on_wire: Callable[[], None]) -> Receipt:
        receipt = await hand_over(self, message, on_wire)
        return Receipt("deferred", reply=receipt.reply) if receipt.outcome == "in_doubt" else receipt

    plant(SmtpTransport, "hand_over", hand_over_once_more)


def plant(part: type, method: str, bug: Callable[..., object]) -> None:
    """Puts the bug in the method's place, for the rest of the process."""
    patch.object(part, method, bug).start()


BUGS = {bug.__name__: bug for bug in (checkpoint_at_fetch, claims_that_expire, lost_is_not_sent)}

if __name__ == "__main__":
    BUGS[sys.argv.pop(1)]()
    sender.main()
