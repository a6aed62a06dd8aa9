"""Messages a second to a relay: our way, with its durable outbox, compared to smtp-source and aiosmtplib's sendmail.

The relay is Postfix's `smtp-sink` on 127.0.0.1, which accepts mail and discards it; `smtp-source` is Postfix's load
generator, written in C. `bench/relays.py` has the other lines: with TLS, and with a round trip of 20 ms. All ways keep
the same number of connections, and on one line all use the same relay. They take turns, since the machine may be busy;
figures are medians, and ratios compare ways within one round.

Our way claims and settles every delivery in SQLite with `synchronous=FULL`, keeps its journal, and joins each message
from a part of its own and a shared one. `sendmail` and `smtp-source` keep no ledger and send one message that was made
before. smtp-source does not support TLS.
"""

import asyncio
import resource
import ssl
import subprocess
import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from itertools import product, repeat
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from aiosmtplib import SMTP

from bench import apart, relays
from bench.desk import NOW, subscribers
from bench.relays import Line
from bench.report import Row, progress, show
from newsletter.delivering import Slice, send_slice
from newsletter.model import (
    Decision,
    Edition,
    Entry,
    Interests,
    Manifest,
    Message,
    Newsletter,
    Section,
    Slot,
    Subscriber,
    Topic,
)
from newsletter.store import Reading, Store, open_store
from newsletter.store.journal import Journals
from newsletter.transports.opening import RelayAddress
from newsletter.transports.smtp import SmtpTransport

ISSUE = "weekly-dispatch"
SENDER = "desk@news.example.org"
BOUND = 300
"""The most seconds that one run may take."""
WAYS = {"clear": ("smtp-source", "ours", "sendmail"), "tls": ("ours", "sendmail"),
        "20ms": ("smtp-source", "ours", "sendmail"), "0ms": ("smtp-source",)}
"""The ways that are measured on each line."""
FEWER = {"20ms": 20}
"""Slow lines, and by how much the number of messages is divided on each."""
_SHORT = ("line", "bytes", "messages/s", "÷ smtp-source", "÷ sendmail", "µs CPU each")
"""Columns of the table in README.md, which has our way alone."""
_LINE = b"<p>A line of a story, as long as quoted-printable lines are</p>=20=\r\n"

Measured = Mapping[str, float]
"""`seconds`, `cpu` seconds of the sending process, and `relay`: CPU seconds of the busiest process on the other side.
"""


@dataclass(frozen=True, slots=True)
class _Load:
    """The messages that each way sends over a line in one run."""

    line: Line
    size: int
    messages: int
    connections: int


def main(arguments_given: Sequence[str] | None = None) -> None:
    chosen = _arguments(arguments_given)
    with ExitStack() as running:
        lines = [running.enter_context(relays.line(name)) for name in chosen.lines]
        loads = [
            _Load(line, size, max(chosen.connections, chosen.messages // FEWER.get(line.name, 1)), chosen.connections)
            for line, size in product(lines, chosen.sizes)]
        rounds = [_round(number, loads, chosen.loop, chosen.window) for number in range(chosen.rounds)]
    rows = [row for which, load in enumerate(loads) for row in _rows(load, [each[which] for each in rounds])]
    if chosen.markdown:
        ours = [{column: row[column] for column in _SHORT} for row in rows if row["way"] == "ours"]
        print(_markdown(ours), _markdown(rows), sep="\n\n")
    else:
        show(rows, as_json=chosen.json)


def _arguments(given: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="messages in a run (20000); over 20ms a twentieth")
    parser.add_argument("--sizes", type=int, nargs="+", default=[40_000, 4_000], help="sizes in bytes (40000 4000)")
    parser.add_argument("--lines", nargs="+", choices=relays.LINES, default=list(relays.LINES),
                        help="lines to measure (all)")
    parser.add_argument("--connections", type=int, default=10, help="connections of each way (10)")
    parser.add_argument("--window", type=int, default=100,
                        help="deliveries claimed at a time, like window in newsletter.toml (100)")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (5)")
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="uvloop" if find_spec("uvloop") else "asyncio",
                        help="event loop of both Python ways (uvloop if it is installed)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the figures as JSON, one object a row")
    form.add_argument("--markdown", action="store_true", help="two tables, for README.md and docs/benchmarks.md")
    return parser.parse_args(given)


def _round(number: int, loads: Sequence[_Load], loop: str, window: int) -> list[dict[str, Measured]]:
    """Measures every load once in each of its ways; the first way changes from round to round."""
    measured = []
    for load in loads:
        progress(f"round {number + 1}: {load.messages:,} messages of {load.size:,} bytes, {load.line.name}")
        ways = WAYS[load.line.name]
        first = number % len(ways)
        measured.append({way: _run(way, load, loop, window) for way in (*ways[first:], *ways[:first])})
    return measured


def _run(way: str, load: _Load, loop: str, window: int) -> Measured:
    before = load.line.cpu()
    figures = [str(each) for each in (load.line.port, load.size, load.messages, load.connections)]
    if way == "smtp-source":
        measured = _smtp_source(*figures)
    elif way == "ours":
        measured = apart.call("bench.dispatch", "ours", loop, load.line.certificate, *figures, str(window))
    else:
        measured = apart.call("bench.dispatch", "sendmail", loop, load.line.certificate, *figures)
    spent = [after - earlier for after, earlier in zip(load.line.cpu(), before, strict=True)]
    return {**measured, "relay": max(spent)}


def _rows(load: _Load, rounds: Sequence[Mapping[str, Measured]]) -> list[Row]:
    """A row for each way that is measured on the line."""

    def ratio(way: str, other: str) -> float | str:
        if other not in WAYS[load.line.name]:
            return "–"
        return round(median(each[other]["seconds"] / each[way]["seconds"] for each in rounds), 2)

    def busy(way: str, side: str) -> int:
        return round(100 * median(each[way][side] / each[way]["seconds"] for each in rounds))

    return [{
        "line": load.line.name, "bytes": load.size, "way": way,
        "messages/s": round(median(load.messages / each[way]["seconds"] for each in rounds)),
        "÷ smtp-source": ratio(way, "smtp-source"), "÷ sendmail": ratio(way, "sendmail"),
        "µs CPU each": round(1e6 * median(each[way]["cpu"] for each in rounds) / load.messages),
        "busy %": busy(way, "cpu"), "relay busy %": busy(way, "relay"),
    } for way in WAYS[load.line.name]]


def _markdown(rows: Sequence[Row]) -> str:
    columns = list(rows[0])
    marks = ["---" if column in ("line", "way") else "---:" for column in columns]
    cells = [[f"{row[name]:,}" if isinstance(row[name], int | float) else str(row[name]) for name in columns]
             for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, marks, *cells))


# --- The three ways ---


def _smtp_source(port: str, size: str, messages: str, connections: str) -> Measured:
    """Measures smtp-source. With `-d` it keeps connections, as the other ways do."""
    options = ["-d", "-s", connections, "-m", messages, "-l", size, "-f", SENDER, "-t", "a@example.org"]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run([relays.program("smtp-source"), *options, f"127.0.0.1:{port}"], check=True, timeout=BOUND)  # noqa: S603  # Postfix's
    seconds, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def ours(
    loop: str, certificate: str, port: str, size: str, messages: str, connections: str, window: str,
) -> Measured:
    """Measures our way. To be called in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store("sqlite:///newsletter.db", root=Path(folder))
        try:
            _freeze(store, int(messages))
            address = RelayAddress("127.0.0.1", int(port), "desk.test", "tls" if certificate else "none",
                                   _trust(certificate))
            relay = SmtpTransport(address, connections=int(connections))
            journals = Journals(Path(folder) / "journal")
            return _measured(loop, _send(store, journals, relay, int(size), int(messages), int(window)))
        finally:
            store.close()


async def _send(
    store: Store, journals: Journals, relay: SmtpTransport, size: int, messages: int, window: int,
) -> None:
    outcomes = await send_slice(Slice(
        ISSUE, store.outbox, store.leases, journals, _Composer(size), _edition, relay, window=window, policy="resend",
        give_up=timedelta(days=2), now=lambda: NOW, jitter=lambda: 0.5, stop=asyncio.Event(),
        progress=lambda receipt: None,
    ))
    sums = store.outbox.sums(ISSUE)
    if outcomes["sent"] != messages or sums["sent"] != messages:
        raise AssertionError(f"not everything was sent: {dict(outcomes)}, {sums}")


class _Composer:
    """Joins a part for each subscriber and one that all share; `bench compose` measures real composing."""

    def __init__(self, size: int) -> None:
        self._body = _LINE * ((size - 200) // len(_LINE))

    def compose(self, subscriber: Subscriber, edition: Edition) -> Message:
        message_id = f"<{ISSUE}.{subscriber.id}@news.example.org>"
        head = (f"From: {SENDER}\r\nTo: {subscriber.email}\r\nMessage-ID: {message_id}\r\nSubject: The week\r\n\r\n"
                f"Dear {subscriber.id},\r\n").encode()
        return Message(SENDER, subscriber.email, message_id, (head, self._body))


def _freeze(store: Store, messages: int) -> None:
    """Freezes an issue of one edition for so many subscribers."""
    newsletter = Newsletter("weekly", "The Weekly Example", SENDER)
    store.subscribers.sync(subscribers(messages, [("*",)]), Reading((newsletter,), str, "bench", NOW))
    manifest = Manifest(ISSUE, newsletter, Slot(f"{NOW:%Y-%m-%dT%H:%M}", "UTC", NOW), (Topic("ai", "AI"),), (), "t")
    with store.issues.freezing(manifest, now=NOW) as freezing:
        recorded = freezing.record(Decision(_edition(0)))
        for member in freezing.audience():
            freezing.keep(member.subscriber_id, recorded)
    store.issues.start(ISSUE, now=NOW)


def _edition(number: int) -> Edition:
    return Edition(Interests(("*",)), frozenset(), (Section("ai", (Entry("story"),)),))


def sendmail(loop: str, certificate: str, port: str, size: str, messages: str, connections: str) -> Measured:
    """Measures aiosmtplib's sendmail. To be called in a process of its own."""
    composed = _Composer(int(size)).compose(Subscriber("a@example.org", "a@example.org"), _edition(0))
    return _measured(loop, _sendmail(int(port), _trust(certificate), composed.wire, int(messages), int(connections)))


async def _sendmail(
    port: int, tls: ssl.SSLContext | None, message: bytes, messages: int, connections: int,
) -> None:
    work = repeat(message, messages)

    async def lane() -> None:
        smtp = SMTP(hostname="127.0.0.1", port=port, local_hostname="desk.test", start_tls=False,
                    use_tls=tls is not None, tls_context=tls)
        await smtp.connect()
        for each in work:
            await smtp.sendmail(SENDER, ["a@example.org"], each)
        await smtp.quit()

    await asyncio.gather(*(lane() for _ in range(connections)))


def _trust(certificate: str) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=certificate) if certificate else None


def _measured(loop: str, work: Coroutine[None, None, None]) -> Measured:
    factory = import_module("uvloop").new_event_loop if loop == "uvloop" else None
    begun, cpu = perf_counter(), process_time()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(work, BOUND))
    return {"seconds": perf_counter() - begun, "cpu": process_time() - cpu}


if __name__ == "__main__":
    main()
