"""The project that is measured: invented stories, topics and subscribers, in the files that a person would write."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from bench.project import Project, SetClock
from newsletter.app import App, preparing, stories
from newsletter.model import Interests, Manifest, Subscriber

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
"""The time of the project's clock, and the slot of its issue."""

_TOPICS = (
    "bridges", "orchards", "railways", "harbours", "libraries", "forests", "glaciers", "markets", "theatres",
    "schools", "lighthouses", "rivers", "museums", "bakeries", "observatories", "vineyards", "canals", "quarries",
    "gardens", "ferries",
)
_NAMES = ("Ann", "Bo", "Chidi", "Dana", "Emil", "Farah", "Grete", "Hana", "Ines", "Zoë")
_SURNAMES = ("Abel", "Brook", "Castell", "Dune", "Ekholm", "Field", "Grove", "Hall", "Ivers", "Łaski")
_SYLLABLES = ("ba", "den", "fir", "gol", "hem", "kas", "lun", "mor", "nel", "pri", "rod", "sta", "tul", "ven", "wes")


def project(folder: Path) -> Project:
    """The project in the folder. Its clock stands still, so that every run has the same issue."""
    return Project(folder, SetClock(NOW))


def write_project(folder: Path, *, stories: int, relay: str = "") -> None:
    """Writes newsletter.toml, topics.toml and the stories. Two of three stories have one topic, the others two."""
    made = project(folder)
    made.configure(transport="null", relay=relay, newsletter="per_topic = 30\nmax_stories = 30")
    (folder / "topics.toml").write_text(
        "".join(f'[topic.{slug}]\nlabel = "{slug.title()}"\n' for slug in _TOPICS), "utf-8")
    for number in range(stories):
        _write_story(made, number)


def write_subscribers(folder: Path, count: int, *, sets: Sequence[tuple[str, ...]]) -> None:
    rows = ([each.email, each.name, "; ".join(each.interests.topics)] for each in subscribers(count, sets))
    project(folder).write_subscribers(["email", "name", "topics"], rows)


def subscribers(count: int, sets: Sequence[tuple[str, ...]]) -> Iterator[Subscriber]:
    """Invented subscribers, each with one of the sets; one in ten has a name with characters beyond ASCII."""
    interests = [Interests(topics) for topics in sets]
    for number in range(count):
        name = f"{_NAMES[number % 10]} {_SURNAMES[number // 10 % 9]}"
        email = f"reader{number}@mail{number % 50}.example"
        yield Subscriber(email, email, name, interests[number % len(interests)], id=number + 1)


def topic_sets(count: int, *, stories: int) -> list[tuple[str, ...]]:
    """Distinct sets of 6 to 15 topics, drawn at random. Each of them chooses at least a third of the stories.

    With 30 stories, editions have 10 to 27 of them, and in 6 of 2,000 editions a story is cut for size.
    """
    random = Random(1)  # noqa: S311  # draws topics, no secrets
    found: dict[frozenset[str], tuple[str, ...]] = {}
    while len(found) < count:
        chosen = tuple(random.sample(_TOPICS, random.randint(6, 15)))
        if sum(not set(_tags(number)).isdisjoint(chosen) for number in range(stories)) * 3 >= stories:
            found.setdefault(frozenset(chosen), chosen)
    return list(found.values())


def every_topic_set() -> Iterator[tuple[str, ...]]:
    """All 1,048,575 sets of topics, each once, small and large ones mixed."""
    size = 1 << len(_TOPICS)
    for number in range(1, size):
        mixed = number * 0x9E375 % size  # the factor is odd, so each number comes once
        yield tuple(topic for bit, topic in enumerate(_TOPICS) if mixed >> bit & 1)


def manifest(app: App) -> Manifest:
    """The issue of the project's stories, not frozen."""
    stories.fetch(app, progress=lambda source: None)
    newsletter = app.newsletter("weekly")
    made, _ = preparing.draft(app, newsletter, preparing.slot_typed(newsletter, NOW.isoformat()))
    return made


def _tags(number: int) -> list[str]:
    topics = [number % len(_TOPICS)] + ([(number * 7 + 3) % len(_TOPICS)] if number % 3 == 0 else [])
    return [_TOPICS[topic] for topic in dict.fromkeys(topics)]


def _write_story(made: Project, number: int) -> None:
    """A story of about 120 words. Stories have hardly a word in common, so that none is merged into another."""
    words = _words(number)
    title = " ".join(islice(words, 7)).capitalize()
    sentences = [" ".join(islice(words, 12)).capitalize() + "." for _ in range(10)]
    made.write_story(
        f"{number:03}", f"{' '.join(sentences[:5])}\n\n{' '.join(sentences[5:])}", title=title,
        date=(NOW - timedelta(hours=number + 1)).isoformat(), tags=str(_tags(number)),
        link=f"https://example.org/stories/{number}", summary=" ".join(sentences[:3]),
    )


def _words(seed: int) -> Iterator[str]:
    random = Random(seed)  # noqa: S311  # invents words, no secrets
    while True:
        yield "".join(random.choices(_SYLLABLES, k=random.randint(1, 4)))
