"""The project that is measured: invented stories, topics and readers, written as the files a person would write."""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from newsletter import config
from newsletter.app import App, preparing, stories
from newsletter.model import Interests, Manifest, Subscriber

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
"""What the clock of the project shows, and the slot of its issue."""

_TOPICS = (
    "bridges", "orchards", "railways", "harbours", "libraries", "forests", "glaciers", "markets", "theatres",
    "schools", "lighthouses", "rivers", "museums", "bakeries", "observatories", "vineyards", "canals", "quarries",
    "gardens", "ferries",
)
_NAMES = ("Ann", "Bo", "Chidi", "Dana", "Emil", "Farah", "Grete", "Hana", "Ines", "Zoë")
_SURNAMES = ("Abel", "Brook", "Castell", "Dune", "Ekholm", "Field", "Grove", "Hall", "Ivers", "Łaski")
_SYLLABLES = ("ba", "den", "fir", "gol", "hem", "kas", "lun", "mor", "nel", "pri", "rod", "sta", "tul", "ven", "wes")

_CONFIG = """
[site]
base_url = "https://news.example.org"
postal_address = "Example Desk, 1 Example Street, Example"
[delivery]
transport = "null"
[newsletter.weekly]
title = "The Weekly Example"
from = "Example Desk <desk@news.example.org>"
sources = ["stories/"]
per_topic = 30
max_stories = 30
"""


@dataclass(frozen=True, slots=True)
class _Still:
    """A clock that stands still: the same issue in every run."""

    def now(self) -> datetime:
        return NOW

    def seconds_until(self, instant: datetime) -> float:
        return (instant - NOW).total_seconds()


def write_project(folder: Path, *, stories: int) -> None:
    """newsletter.toml, topics.toml and the stories. Two of three stories have one topic, the others two."""
    (folder / "stories").mkdir(parents=True)
    (folder / "newsletter.toml").write_text(_CONFIG, "utf-8")
    (folder / "topics.toml").write_text(
        "".join(f'[topic.{slug}]\nlabel = "{slug.title()}"\n' for slug in _TOPICS), "utf-8")
    for number in range(stories):
        (folder / "stories" / f"{number:03}.md").write_text(_story(number), "utf-8")


def write_subscribers(folder: Path, count: int, *, sets: Sequence[tuple[str, ...]]) -> None:
    """The preference file, written line by line: it may have a million."""
    path = folder / "subscribers" / "subscribers.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "name", "topics"])
        writer.writerows([each.email, each.name, "; ".join(each.interests.topics)] for each in people(count, sets))


def people(count: int, sets: Sequence[tuple[str, ...]]) -> Iterator[Subscriber]:
    """Invented readers, each with one of the sets; one in ten has a name beyond ASCII."""
    interests = [Interests(topics) for topics in sets]
    for number in range(count):
        name = f"{_NAMES[number % 10]} {_SURNAMES[number // 10 % 9]}"
        email = f"reader{number}@mail{number % 50}.example"
        yield Subscriber(email, email, name, interests[number % len(interests)], id=number + 1)


def topic_sets(count: int, *, stories: int) -> list[tuple[str, ...]]:
    """Distinct sets of 6 to 15 topics, drawn at random; with each, at least a third of the stories are chosen.

    With 30 stories these are editions of 10 to 27, and in 6 of 2,000 a story is cut for size.
    """
    random = Random(1)  # noqa: S311  # draws topics, no secrets
    found: dict[frozenset[str], tuple[str, ...]] = {}
    while len(found) < count:
        chosen = tuple(random.sample(_TOPICS, random.randint(6, 15)))
        if sum(not set(_tags(number)).isdisjoint(chosen) for number in range(stories)) * 3 >= stories:
            found.setdefault(frozenset(chosen), chosen)
    return list(found.values())


def every_topic_set() -> Iterator[tuple[str, ...]]:
    """All 1,048,575 sets of the topics, each once, small and large ones mixed."""
    size = 1 << len(_TOPICS)
    for number in range(1, size):
        mixed = number * 0x9E375 % size  # odd, so it meets each number once
        yield tuple(topic for bit, topic in enumerate(_TOPICS) if mixed >> bit & 1)


@contextmanager
def opened(folder: Path) -> Iterator[App]:
    app = App(config.read(folder / "newsletter.toml"), clock=_Still(), jitter=lambda: 0.5)
    try:
        yield app
    finally:
        app.close()


def manifest(app: App) -> Manifest:
    """The issue of the project's stories, not frozen."""
    stories.fetch(app, progress=lambda source: None)
    newsletter = app.newsletter("weekly")
    made, _ = preparing.draft(app, newsletter, preparing.slot_typed(newsletter, NOW.isoformat()))
    return made


def _tags(number: int) -> list[str]:
    topics = [number % len(_TOPICS)] + ([(number * 7 + 3) % len(_TOPICS)] if number % 3 == 0 else [])
    return [_TOPICS[topic] for topic in dict.fromkeys(topics)]


def _story(number: int) -> str:
    """A story of about 120 words that shares hardly a word with the others, so that none stands for another."""
    words = _words(number)
    title = " ".join(islice(words, 7)).capitalize()
    sentences = [" ".join(islice(words, 12)).capitalize() + "." for _ in range(10)]
    front = {"title": title, "date": (NOW - timedelta(hours=number + 1)).isoformat(), "tags": _tags(number),
             "link": f"https://example.org/stories/{number}", "summary": " ".join(sentences[:3])}
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]
    return "\n".join(["---", *lines, "---", "", " ".join(sentences[:5]), "", " ".join(sentences[5:]), ""])


def _words(seed: int) -> Iterator[str]:
    random = Random(seed)  # noqa: S311  # invents words, no secrets
    while True:
        yield "".join(random.choices(_SYLLABLES, k=random.randint(1, 4)))
