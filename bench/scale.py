"""A whole issue for more and more subscribers: peak memory, and time for each subscriber.

The preference file is synced into a new SQLite store; the issue is prepared and sent with the functions that the
commands call: to the transport `null`, or over SMTP to Postfix's `smtp-sink` on 127.0.0.1. Neither memory nor the time
for each subscriber should grow with the audience. Each step runs in a process of its own, like a command.
"""

import asyncio
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, process_time

from bench import apart, desk, relays
from bench.project import relay_table
from bench.report import Row, arguments, progress, show
from newsletter.app import issues, preparing, sending, subscribers


def main(arguments_given: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000],
                        help="sizes of the audience (10000 100000 1000000)")
    parser.add_argument("--transport", choices=["null", "smtp"], default="null",
                        help="smtp: over 10 connections to smtp-sink, which is started (null)")
    chosen = parser.parse_args(arguments_given)
    with ExitStack() as running:
        port = running.enter_context(relays.smtp_sink())[0] if chosen.transport == "smtp" else 0
        rows = [_size(count, chosen.stories, chosen.sets, port) for count in chosen.subscribers]
    show([row for size in rows for row in size], as_json=chosen.json)


def _size(count: int, stories: int, sets: int, port: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        progress(f"{count:,} subscribers: writing the preference file")
        desk.write_project(Path(folder), stories=stories, relay=relay_table(port) if port else "")
        apart.call("bench.scale", "write", folder, str(count), str(stories), str(sets))
        rows = []
        for step in ("sync", "prepare", "send"):
            progress(f"{count:,} subscribers: {step}")
            rows.append(_row(count, step, **apart.call("bench.scale", step, folder)))
        return rows


def _row(count: int, step: str, wall: float, cpu: float, peak: int) -> Row:
    return {"subscribers": count, "step": step, "wall s": round(wall, 2), "CPU s": round(cpu, 2),
            "µs CPU each": round(1e6 * cpu / count, 1), "µs wall each": round(1e6 * wall / count, 1),
            "peak MB": round(peak / 1024, 1)}


# --- The steps, each in a process of its own ---

Measured = dict[str, float]


def write(folder: str, count: str, stories: str, sets: str) -> None:
    """Writes the preference file."""
    desk.write_subscribers(Path(folder), int(count), sets=desk.topic_sets(int(sets), stories=int(stories)))


def sync(folder: str) -> Measured:
    """Syncs the preference file into the store."""
    with desk.project(Path(folder)).app() as app:
        watch = _Stopwatch()
        subscribers.sync_subscribers(app)
        return watch.so_far()


def prepare(folder: str) -> Measured:
    """Freezes the issue."""
    with desk.project(Path(folder)).app() as app:
        watch = _Stopwatch()
        preparing.prepare_issue(
            app, "weekly", at=desk.NOW.isoformat(), on_source=lambda name: None, on_subscriber=lambda count: None)
        return watch.so_far()


def send(folder: str) -> Measured:
    """Sends the issue to the relay, or over the transport `null` if there is none."""
    with desk.project(Path(folder)).app() as app:
        issue = issues.find(app, "latest")
        watch = _Stopwatch()
        sent = asyncio.run(sending.send(
            app, issue, transport="smtp" if app.settings.relays else "null", stop=asyncio.Event(),
            progress=lambda receipt: None))
        if not sent.finished or sent.sums["sent"] != app.store.outbox.audience(issue.id):
            raise AssertionError(f"not all were sent: {sent.sums}")
        return watch.so_far()


class _Stopwatch:
    """Wall time and CPU time of all threads in seconds, and the peak memory of this process in KiB."""

    def __init__(self) -> None:
        self._wall, self._cpu = perf_counter(), process_time()

    def so_far(self) -> Measured:
        return {"wall": perf_counter() - self._wall, "cpu": process_time() - self._cpu, "peak": _peak()}


def _peak() -> int:
    """VmHWM of proc(5). The peak of getrusage(2) may be that of the parent, before the program began."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    if found is None:
        raise OSError("/proc/self/status has no VmHWM")
    return int(found[1])


if __name__ == "__main__":
    main()
