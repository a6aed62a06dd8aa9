"""One run: a claimer keeps the window of claimed deliveries full and lanes deliver them, until nothing is due."""

import asyncio
from collections import Counter

from newsletter.delivering.claimer import Claimer
from newsletter.delivering.lanes import Lanes, Run
from newsletter.delivering.slice import Slice
from newsletter.standing.answers import Answers


async def send_slice(slice_: Slice) -> Counter[str]:
    """Delivers until nothing is due or `stop` is set. Returns how many deliveries had each outcome.

    Several senders may work on one issue, each with a token of its own. Raises TryLater if relay or store stay out of
    reach (messages not sent are queued or in the journal), and Stopped if a person has to fix something first.
    """
    answers = Answers(
        slice_.policy, slice_.give_up, slice_.pace.retry_pauses, now=slice_.now, jitter=slice_.jitter,
    )
    claimer = Claimer(slice_, answers)
    run = Run(slice_, claimer, answers)
    lanes = Lanes(slice_.transport, run)
    await claimer.begin()
    helpers = [asyncio.create_task(claimer.renew()), *lanes.open()]
    try:
        await claimer.keep_claimed(helpers)
    finally:
        for each in helpers:
            each.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        try:
            await claimer.end()
        finally:
            await lanes.close()
    return run.tally
