"""A project in a folder, with the files that a person would write. Benchmarks, chaos runs and tests work on it.

Each of them chooses the number of stories and subscribers, and the settings.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from newsletter import config
from newsletter.app import App
from newsletter.delivering import Pace

_CONFIG = """
[site]
base_url = "https://news.example.org"
postal_address = "Digital Desk, 1 Harbour Street, Exampleton"
[delivery]
transport = "{transport}"
{delivery}
{relay}
[newsletter.weekly]
title = "The Week"
from = "Digital Desk <desk@news.example.org>"
sources = ["stories/"]
schedule = "every monday at 08:00"
timezone = "Europe/London"
{newsletter}
"""

_RELAY = """
[[relay]]
name = "main"
host = "127.0.0.1"
port = {port}
security = "none"
connections = {connections}
"""


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now

    def seconds_until(self, instant: datetime) -> float:
        return (instant - self._now).total_seconds()


@dataclass
class Project:
    root: Path
    clock: SetClock
    pace: Pace = field(default_factory=Pace, kw_only=True)

    def configure(
        self, *, transport: str = "file", delivery: str = "", relay: str = "", newsletter: str = "",
    ) -> None:
        """Writes newsletter.toml. `relay` is a whole table; `delivery` and `newsletter` are further keys of those
        tables."""
        text = _CONFIG.format(transport=transport, delivery=delivery, relay=relay, newsletter=newsletter)
        (self.root / "newsletter.toml").write_text(text, "utf-8")

    def write_story(self, name: str, text: str, **front: str) -> None:
        """Writes a story, or another version of it. `front` is its front matter, the values in YAML."""
        path = self.root / "stories" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        head = "".join(f"{key}: {value}\n" for key, value in front.items())
        path.write_text(f"---\n{head}---\n\n{text}\n", "utf-8")

    def write_subscribers(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Writes the preference file row by row: there may be a million rows."""
        path = self.root / "subscribers" / "subscribers.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)

    @contextmanager
    def app(self) -> Iterator[App]:
        app = self.open()
        try:
            yield app
        finally:
            app.close()

    def open(self) -> App:
        """The opened project, which the caller must close."""
        return App(config.read(self.root / config.FILE), clock=self.clock, jitter=lambda: 0.5,
                   pace=self.pace)


def relay_table(port: int, *, connections: int = 10) -> str:
    """The `[[relay]]` table of a relay on this machine."""
    return _RELAY.format(port=port, connections=connections)
