"""Messages per second of CPU, our way and the plain way with the same packages; and the cost of compiling.

Our way compiles each story once and then joins bytes; the work for an edition is done for its first subscriber. The
plain way does everything for each subscriber. Rounds alternate, since the machine may be busy; figures are medians.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from random import Random
from statistics import mean, median
from time import process_time
from typing import TypeVar

from bench import apart, compiling, desk
from bench.plain import Plain
from bench.report import Row, arguments, progress, show
from newsletter.app import App
from newsletter.choosing.edition import Chooser
from newsletter.composing.message import Composer
from newsletter.model import Edition, Subscriber
from newsletter.render.compile import Site
from newsletter.render.layout import layout
from newsletter.render.lean import lean
from newsletter.render.weights import weigh


@dataclass(frozen=True, slots=True)
class Round:
    """Messages per second of CPU in one round."""

    ours: float
    plain: float
    encoded: float
    """The plain way's last step alone: EmailMessage makes a message of text and HTML."""


Delivery = tuple[Subscriber, Edition]


def main(arguments_given: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__)
    parser.add_argument("--subscribers", type=int, default=100_000, help="messages in a round, our way (100000)")
    parser.add_argument("--plain", type=int, default=60, help="messages in a round, the plain way (60)")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (5)")
    parser.add_argument("--starts", type=int, default=3, help="new processes in which the issue is compiled (3)")
    chosen = parser.parse_args(arguments_given)
    with tempfile.TemporaryDirectory() as folder:
        desk.write_project(Path(folder), stories=chosen.stories)
        with desk.project(Path(folder)).app() as app:
            progress("compiling in new processes")
            compiled = [apart.call("bench.compiling", "costs", folder) for _ in range(chosen.starts)]
            way = _Ways(app, desk.topic_sets(chosen.sets, stories=chosen.stories))
            deliveries = way.deliveries(chosen.subscribers)
            way.check(deliveries[:: max(1, len(deliveries) // 20)])
            rounds = [way.round(number, deliveries, chosen.plain) for number in range(chosen.rounds)]
            size = mean(len(way.composer().compose(*each).wire) for each in deliveries[::10])
    show(_rows(compiled, rounds, size, way), as_json=chosen.json)


class _Ways:
    """Both ways, over the same editions of the same issue."""

    def __init__(self, app: App, sets: Sequence[tuple[str, ...]]) -> None:
        self._app = app
        self._manifest = desk.manifest(app)
        self._template = app.template(self._manifest.newsletter)
        self._blocks = compiling.blocks(app, self._manifest)
        weights = weigh(self._blocks)
        self._sets = sets
        self._chooser = Chooser(self._manifest, lambda language: weights)
        site = Site(app.settings.site.postal_address, app.links().web(self._manifest.issue_id))
        self._plain = Plain(self._template, self._manifest, app.links(), site, desk.NOW)
        self.stories: list[int] = []
        """How many stories each edition has."""

    def composer(self) -> Composer:
        """A new composer, which has no plans yet."""
        blocks = {self._blocks.language: self._blocks}
        return Composer(self._manifest, blocks, self._app.links(), date=desk.NOW, boundary="0" * 20)

    def deliveries(self, subscribers: int) -> list[Delivery]:
        """Each subscriber with their edition. Those of one edition come together, in the order of claims."""
        editions = [self._chooser.choose(interests, frozenset()).edition for interests in
                    dict.fromkeys(each.interests for each in desk.subscribers(len(self._sets), self._sets))]
        self.stories = [len(edition.stories) for edition in editions]
        numbered = enumerate(desk.subscribers(subscribers, self._sets))
        paired = [(subscriber, editions[number % len(editions)]) for number, subscriber in numbered]
        return sorted(paired, key=lambda each: each[0].id % len(editions))

    def check(self, deliveries: Iterable[Delivery]) -> None:
        """Raises AssertionError unless both ways produce the same content; else the comparison would mean nothing."""
        composer = self.composer()
        for subscriber, edition in deliveries:
            ours = _parts(composer.compose(subscriber, edition).wire)
            if ours != _parts(self._plain.message(subscriber, edition)):
                raise AssertionError(f"the two ways differ for {subscriber.email}")

    def round(self, number: int, deliveries: Sequence[Delivery], plain: int) -> Round:
        """Measures our way with all deliveries and the plain way with some."""
        progress(f"round {number + 1}")
        some = Random(number).sample(deliveries, min(plain, len(deliveries)))  # noqa: S311  # a sample, no secret
        composer = self.composer()
        ours = _rate(lambda each: b"".join(composer.compose(*each).parts), deliveries)
        whole = _rate(lambda each: self._plain.message(*each), some)
        encoded = _rate(lambda each: self._plain.mail(*each), [self._made(*each) for each in some])
        return Round(ours, whole, encoded)

    def _made(self, subscriber: Subscriber, edition: Edition) -> tuple[Subscriber, str, str, str]:
        placed = layout(edition, self._manifest, self._template.words(self._blocks.language))
        return (subscriber, placed[0].values["subject"], self._plain.text(subscriber, placed),
                self._plain.html(subscriber, placed))


Work = TypeVar("Work")


def _rate(work: Callable[[Work], object], items: Sequence[Work]) -> float:
    begun = process_time()
    for item in items:
        work(item)
    return len(items) / (process_time() - begun)


def _parts(wire: bytes) -> tuple[str, ...]:
    """The visible content of a mail: subject, text and HTML, made lean and without white space."""
    mail = message_from_bytes(wire, EmailMessage, policy=default)
    bodies = (mail.get_body((kind,)) for kind in ("plain", "html"))
    return (mail["Subject"], *("".join(lean(body.get_content()).split()) for body in bodies if body))


def _rows(compiled: Sequence[dict[str, float]], rounds: Sequence[Round], size: float, ways: _Ways) -> list[Row]:
    figures = [
        ("stories of the smallest edition", min(ways.stories), ""),
        ("stories of the largest edition", max(ways.stories), ""),
        ("bytes of a message", round(size), "bytes"),
        ("compiling the issue, cold", round(median(each["cold"] for each in compiled)), "ms CPU"),
        ("compiling the issue, warm", round(median(each["warm"] for each in compiled)), "ms CPU"),
        ("messages, our way", round(median(each.ours for each in rounds)), "/s CPU"),
        ("messages, plain way", round(median(each.plain for each in rounds), 1), "/s CPU"),
        ("messages, EmailMessage alone", round(median(each.encoded for each in rounds), 1), "/s CPU"),
        ("our way / plain way", round(median(each.ours / each.plain for each in rounds)), "times"),
        ("our way / EmailMessage alone", round(median(each.ours / each.encoded for each in rounds)), "times"),
    ]
    return [{"figure": name, "value": value, "unit": unit} for name, value, unit in figures]


if __name__ == "__main__":
    main()
