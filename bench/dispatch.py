"""Messages a second to a relay: our deliver loop with its durable outbox, beside smtp-source and aiosmtplib's sendmail.

The relay is Postfix's `smtp-sink` on 127.0.0.1, which takes mail and forgets it; `smtp-source` is Postfix's load
generator, written in C. All keep the same number of connections. They take turns, since the machine may be busy;
figures are medians.

Ours claims and settles every delivery in SQLite with `synchronous=FULL`, and joins every message from a part of its own
and a shared one. `sendmail` and `smtp-source` keep no ledger and are given one message, made beforehand.
"""

import asyncio
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, process_time, sleep

from aiosmtplib import SMTP

from bench import apart
from bench.desk import NOW, people
from bench.report import Row, progress, show
from newsletter.deliver import Slice, send_slice
from newsletter.model import Edition, Entry, Interests, Manifest, Message, Newsletter, Section, Slot, Subscriber, Topic
from newsletter.store import Store, open_store
from newsletter.transports.smtp import SmtpTransport

ISSUE = "weekly-dispatch"
SENDER = "desk@news.example.org"
BOUND = 300
"""Seconds that one run may take."""
WAYS = ("smtp-source", "ours", "sendmail")
_LINE = b"<p>A line of a story, as long as quoted-printable lines are</p>=20=\r\n"

Measured = dict[str, float]
"""`seconds`, and `cpu` seconds of the sending process; of the relay's nothing."""


def main(arguments_given: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="of a run (20000)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[40_000, 4_000], help="bytes (40000 4000)")
    parser.add_argument("--connections", type=int, default=10, help="(10)")
    parser.add_argument("--window", type=int, default=50,
                        help="deliveries claimed at a time, as newsletter.toml has it (50)")
    parser.add_argument("--rounds", type=int, default=5, help="(5)")
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="uvloop" if find_spec("uvloop") else "asyncio",
                        help="of both Python ways (uvloop if it is installed)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, one object a row")
    chosen = parser.parse_args(arguments_given)
    rows: list[Row] = []
    with _sink() as port:
        for size in chosen.sizes:
            rounds = [_round(number, port, size, chosen.messages, chosen.connections, chosen.window, chosen.loop)
                      for number in range(chosen.rounds)]
            rows += [_row(size, way, chosen.messages, rounds) for way in WAYS]
    show(rows, as_json=chosen.json)


def _round(
    number: int, port: int, size: int, messages: int, connections: int, window: int, loop: str,
) -> dict[str, Measured]:
    progress(f"{size:,} bytes, round {number + 1}")
    figures = [str(each) for each in (port, size, messages, connections)]
    return {
        "smtp-source": _smtp_source(port, size, messages, connections),
        "ours": apart.call("bench.dispatch", "ours", loop, *figures, str(window)),
        "sendmail": apart.call("bench.dispatch", "sendmail", loop, *figures),
    }


def _row(size: int, way: str, messages: int, rounds: Sequence[dict[str, Measured]]) -> Row:
    def ratio(other: str) -> float:
        return round(median(each[other]["seconds"] / each[way]["seconds"] for each in rounds), 2)

    return {
        "bytes": size, "way": way, "messages/s": round(median(messages / each[way]["seconds"] for each in rounds)),
        "÷ smtp-source": ratio("smtp-source"), "÷ sendmail": ratio("sendmail"),
        "µs CPU each": round(1e6 * median(each[way]["cpu"] for each in rounds) / messages),
    }


# --- Postfix's two programs ---


@contextmanager
def _sink() -> Iterator[int]:
    """A running smtp-sink; its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([_program("smtp-sink"), *user, f"127.0.0.1:{port}", "200"])  # noqa: S603  # Postfix's
    try:
        _wait_for(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = monotonic() + 10
    while process.poll() is None and monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.05)
        else:
            return
    sys.exit("bench: smtp-sink does not answer; what it says is above")


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        sys.exit(f"bench: {name} is missing; on Debian and Ubuntu: apt-get install --no-install-recommends postfix")
    return found


def _smtp_source(port: int, size: int, messages: int, connections: int) -> Measured:
    """`-d`: connections are kept, as ours are."""
    options = ["-d", "-s", str(connections), "-m", str(messages), "-l", str(size), "-f", SENDER, "-t", "a@example.org"]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run([_program("smtp-source"), *options, f"127.0.0.1:{port}"], check=True, timeout=BOUND)  # noqa: S603
    seconds, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


# --- What the other processes do ---


def ours(loop: str, port: str, size: str, messages: str, connections: str, window: str) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("sqlite:///newsletter.db", root=Path(folder))
        try:
            _freeze(store, int(messages))
            relay = SmtpTransport("127.0.0.1", int(port), local_hostname="desk.test", security="none",
                                  connections=int(connections))
            return _measured(loop, _send(store, relay, int(size), int(messages), int(window)))
        finally:
            store.close()


async def _send(store: Store, relay: SmtpTransport, size: int, messages: int, window: int) -> None:
    outcomes = await send_slice(Slice(
        ISSUE, store.outbox, _Composer(size), _edition, relay, window=window, policy="resend", now=lambda: NOW,
        jitter=lambda: 0.5, stop=asyncio.Event(), progress=lambda receipt: None,
    ))
    sums = store.outbox.sums(ISSUE)
    if outcomes["sent"] != messages or sums["sent"] != messages:
        raise AssertionError(f"not everything was sent: {dict(outcomes)}, {sums}")


class _Composer:
    """Joins a part of each subscriber's own and one that all share; `bench compose` has what real composing costs."""

    def __init__(self, size: int) -> None:
        self._body = _LINE * ((size - 200) // len(_LINE))

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        message_id = f"<{ISSUE}.{subscriber.id}@news.example.org>"
        head = (f"From: {SENDER}\r\nTo: {subscriber.email}\r\nMessage-ID: {message_id}\r\nSubject: The week\r\n\r\n"
                f"Dear {subscriber.id},\r\n").encode()
        return Message(SENDER, subscriber.email, message_id, (head, self._body))


def _freeze(store: Store, messages: int) -> None:
    """An issue of one edition for so many readers."""
    store.subscribers.sync(people(messages, [("*",)]), place="bench", now=NOW)
    newsletter = Newsletter("weekly", "The Weekly Example", SENDER)
    manifest = Manifest(ISSUE, newsletter, Slot(f"{NOW:%Y-%m-%dT%H:%M}", "UTC", NOW), (Topic("ai", "AI"),), (), "t")
    with store.issues.freezing(manifest, now=NOW) as freezing:
        number = freezing.edition(_edition(0))
        for reader in freezing.audience(since=NOW - timedelta(days=1)):
            freezing.deliver(reader.subscriber_id, number)
    store.issues.start(ISSUE, now=NOW)


def _edition(number: int) -> Edition:
    return Edition(Interests(("*",)), frozenset(), (Section("ai", (Entry("story"),)),))


def sendmail(loop: str, port: str, size: str, messages: str, connections: str) -> Measured:
    composed = _Composer(int(size)).compose(Subscriber("a@example.org", "a@example.org"), _edition(0))
    return _measured(loop, _sendmail(int(port), composed.wire, int(messages), int(connections)))


async def _sendmail(port: int, message: bytes, messages: int, connections: int) -> None:
    work = repeat(message, messages)

    async def lane() -> None:
        smtp = SMTP(hostname="127.0.0.1", port=port, local_hostname="desk.test", start_tls=False)
        await smtp.connect()
        for each in work:
            await smtp.sendmail(SENDER, ["a@example.org"], each)
        await smtp.quit()

    await asyncio.gather(*(lane() for _ in range(connections)))


def _measured(loop: str, work: Coroutine[None, None, None]) -> Measured:
    factory = import_module("uvloop").new_event_loop if loop == "uvloop" else None
    begun, cpu = perf_counter(), process_time()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(work, BOUND))
    return {"seconds": perf_counter() - begun, "cpu": process_time() - cpu}


if __name__ == "__main__":
    main()
