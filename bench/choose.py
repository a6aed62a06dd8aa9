"""Choosing the editions of many subscribers: preparing's own loop, with a store that forgets.

Choices are remembered by interests and past, so what counts is how many distinct sets of topics there are. The worst
case is one in which no two subscribers chose the same.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from time import process_time

from bench import compiling, desk
from bench.report import Row, arguments, progress, show
from newsletter import prepare
from newsletter.model import BlockSet, Edition, Interests, Manifest


def main(arguments_given: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[100_000, 1_000_000], help="(100000 1000000)")
    chosen = parser.parse_args(arguments_given)
    some = desk.topic_sets(chosen.sets, stories=chosen.stories)
    with tempfile.TemporaryDirectory() as folder:
        desk.write_project(Path(folder), stories=chosen.stories)
        with desk.opened(Path(folder)) as app:
            manifest = desk.manifest(app)
            blocks = compiling.blocks(app, manifest)
    rows = []
    for count in chosen.subscribers:
        rows.append(_measured(manifest, blocks, "as usual", islice(cycle(some), count)))
        rows.append(_measured(manifest, blocks, "all distinct", islice(desk.every_topic_set(), count)))
    show(rows, as_json=chosen.json)


def _measured(manifest: Manifest, blocks: BlockSet, case: str, sets: Iterable[tuple[str, ...]]) -> Row:
    readers = [Interests(topics).to_json() for topics in sets]
    progress(f"{case}: {len(readers):,} subscribers")
    begun = process_time()
    audience = prepare.freeze(
        manifest, lambda language: blocks, _Forgetful(readers), languages=[blocks.language], now=desk.NOW,
        progress=lambda count: None,
    )
    took = process_time() - begun
    return {"topic sets": case, "subscribers": audience.deliveries, "distinct": audience.editions,
            "ms CPU": round(1000 * took), "µs CPU each": round(1e6 * took / len(readers), 2)}


@dataclass(frozen=True, slots=True)
class _Forgetful:
    """Stands for the store: gives an audience and keeps nothing, so that choosing alone is measured."""

    readers: Sequence[str]
    """Each one's interests, as canonical text."""

    @contextmanager
    def freezing(self, manifest: Manifest, *, now: datetime) -> Iterator["_Freezing"]:
        yield _Freezing(self.readers)


class _Freezing:
    """An issue that is being frozen and forgotten; nobody has had an earlier one."""

    def __init__(self, readers: Sequence[str]) -> None:
        self._readers = readers
        self._editions = 0

    def keep_blocks(self, blocks: Sequence[BlockSet]) -> None:
        """Nothing to keep."""

    def audience(self, *, since: datetime) -> Iterator[tuple[int, str, str]]:
        for number, interests in enumerate(self._readers, 1):
            yield number, interests, ""

    def edition_stories(self, number: int) -> frozenset[str]:
        return frozenset()

    def edition_slot(self, number: int) -> datetime:
        return desk.NOW

    def edition(self, edition: Edition) -> int:
        self._editions += 1
        return self._editions

    def edition_count(self) -> int:
        return self._editions

    def deliver(self, subscriber_id: int, edition: int) -> None:
        """Nothing to keep."""

    def skip(self, subscriber_id: int, edition: int | None, reason: str, passed: bool) -> None:
        """Nothing to keep."""


if __name__ == "__main__":
    main()
