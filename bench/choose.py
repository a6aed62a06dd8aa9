"""Choosing the editions of many subscribers, with the function that preparing calls for each of them.

Decisions are cached by interests and past, so the cost depends on the number of distinct sets of topics. In the worst
case no two subscribers chose the same.
"""

import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from time import process_time

from bench import compiling, desk
from bench.report import Row, arguments, progress, show
from newsletter import prepare
from newsletter.model import BlockSet, Interests, Manifest, Member, Past
from newsletter.render.weights import weigh


def main(arguments_given: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[100_000, 1_000_000], help="(100000 1000000)")
    chosen = parser.parse_args(arguments_given)
    some = desk.topic_sets(chosen.sets, stories=chosen.stories)
    with tempfile.TemporaryDirectory() as folder:
        desk.write_project(Path(folder), stories=chosen.stories)
        with desk.project(Path(folder)).app() as app:
            manifest = desk.manifest(app)
            blocks = compiling.blocks(app, manifest)
    rows = []
    for count in chosen.subscribers:
        rows.append(_measured(manifest, blocks, "as usual", islice(cycle(some), count)))
        rows.append(_measured(manifest, blocks, "all distinct", islice(desk.every_topic_set(), count)))
    show(rows, as_json=chosen.json)


def _measured(manifest: Manifest, blocks: BlockSet, case: str, sets: Iterable[tuple[str, ...]]) -> Row:
    known = cache(Interests)  # the store too gives equal interests as one object
    chosen = [known(topics) for topics in sets]
    progress(f"{case}: {len(chosen):,} subscribers")
    weights = weigh(blocks)
    decider = prepare.Decider(manifest, lambda language: weights)
    members = (Member(number, interests, Past()) for number, interests in enumerate(chosen, 1))
    begun = process_time()
    for _ in prepare.decided(members, decider, lambda decision: decision.size):
        pass
    took = process_time() - begun
    return {"topic sets": case, "subscribers": len(chosen), "distinct": len(set(chosen)),
            "ms CPU": round(1000 * took), "µs CPU each": round(1e6 * took / len(chosen), 2)}


if __name__ == "__main__":
    main()
