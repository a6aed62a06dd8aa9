"""A whole issue for more and more subscribers: peak memory, and time for each subscriber.

The preference file is brought into a new SQLite store; the issue is prepared and sent to the transport `null` with the
verbs that the commands use. Memory should not grow with the audience, nor the time for each subscriber. Each size has
new processes, one for the preference file and one for the issue.
"""

import asyncio
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

from bench import apart
from bench.report import Row, arguments, progress, show


def main(arguments_given: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000],
                        help="(10000 100000 1000000)")
    chosen = parser.parse_args(arguments_given)
    rows = [_size(count, chosen.stories, chosen.sets) for count in chosen.subscribers]
    show([row for size in rows for row in size], as_json=chosen.json)


def _size(count: int, stories: int, sets: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        progress(f"{count:,} subscribers: writing the preference file")
        apart.call("bench.scale", "write", folder, str(count), str(stories), str(sets))
        progress(f"{count:,} subscribers: bringing it into the store")
        synced = apart.call("bench.scale", "sync", folder)
        progress(f"{count:,} subscribers: preparing and sending")
        issued = apart.call("bench.scale", "issue", folder)
        return [_row(count, **measured) for measured in (*synced, *issued)]


def _row(count: int, step: str, wall: float, cpu: float, peak: int) -> Row:
    return {"subscribers": count, "step": step, "wall s": round(wall, 2), "CPU s": round(cpu, 2),
            "µs CPU each": round(1e6 * cpu / count, 1), "µs wall each": round(1e6 * wall / count, 1),
            "peak MB": round(peak / 1024, 1)}


# --- What the other processes do. This one imports none of it: a new process may be charged with its parent's peak. ---

Measured = dict[str, str | float]


def write(folder: str, count: str, stories: str, sets: str) -> None:
    """Makes the project."""
    from bench import desk

    desk.write_project(Path(folder), stories=int(stories))
    desk.write_subscribers(Path(folder), int(count), sets=desk.topic_sets(int(sets), stories=int(stories)))


def sync(folder: str) -> list[Measured]:
    """Brings the preference file into the store."""
    from bench import desk
    from newsletter.app import gathering

    with desk.opened(Path(folder)) as app:
        measured = _Stopwatch()
        gathering.sync_subscribers(app)
        return [measured.so_far("sync")]


def issue(folder: str) -> list[Measured]:
    """Prepares the issue and sends it to nobody; the peak after sending is that of both."""
    from bench import desk
    from newsletter.app import issuing, sending

    with desk.opened(Path(folder)) as app:
        watch = _Stopwatch()
        prepared = issuing.prepare_issue(
            app, "weekly", at=desk.NOW.isoformat(), on_source=lambda name: None, on_subscriber=lambda count: None)
        frozen = watch.so_far("prepare")
        watch = _Stopwatch()
        sent = asyncio.run(sending.send(
            app, prepared.issue, transport="null", stop=asyncio.Event(), progress=lambda receipt: None))
        if not sent.finished or sent.sums["sent"] != prepared.audience.deliveries:
            raise AssertionError(f"not all were sent: {sent.sums}")
        return [frozen, watch.so_far("send")]


class _Stopwatch:
    """Wall clock, CPU of all threads, and the process's highest memory in KiB."""

    def __init__(self) -> None:
        self._wall, self._cpu = perf_counter(), process_time()

    def so_far(self, step: str) -> Measured:
        return {"step": step, "wall": perf_counter() - self._wall, "cpu": process_time() - self._cpu,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


if __name__ == "__main__":
    main()
