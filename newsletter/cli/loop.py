"""The event loop of commands that send: on uvloop where that is installed, and stopped by signals."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import TypeVar

from newsletter.cli.report import say

T = TypeVar("T")


def in_loop(work: Coroutine[None, None, T]) -> T:
    """Runs `work` on uvloop if that is installed (the extra `fast`), which halves the CPU time of a message."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` at SIGTERM and at the interrupt key. A second signal ends the process at once."""
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        say("stopping once the mails in flight are settled (interrupt again to stop at once)")
        stop()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
