"""A store as version 0002 of the tables left it, and the project that it belongs to.

Three issues of the newsletter `weekly` were sent to six subscribers, the fourth was cancelled when three had got it,
and the fifth has been sent to three. tests/data/stores/0002.json has who got what, and the messages of the fifth as
that version composed them.
"""

import json
import lzma
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.project import SetClock
from tests.conftest import DATA
from tests.flow.desk import TOPICS, Desk

PEOPLE = {
    "ann@example.org": "ai; trade", "bob@example.org": "privacy", "cleo@example.org": "*", "dora@example.org": "ai",
    "emil@example.org": "*", "farah@example.org": "trade; privacy",
}
WEEKS = ("weekly-2026-11-02", "weekly-2026-11-09", "weekly-2026-11-16", "weekly-2026-11-23", "weekly-2026-11-30")
LEFT = ("dora@example.org", "emil@example.org", "farah@example.org")
"""Those whom the fifth issue still has to reach."""

_KNOWN = json.loads((DATA / "stores" / "0002.json").read_text("utf-8"))
SENT: dict[str, list[str]] = _KNOWN["sent"]
"""Addresses by issue."""
MESSAGES: dict[str, list[str]] = _KNOWN["messages"]
"""Message-ID and SHA-256 of the bytes of the fifth issue's messages, by address."""
STORIES: dict[str, dict[str, list[str]]] = _KNOWN["stories"]
"""Ids of the stories in each subscriber's edition, by issue and address."""

_DAILY = """
[newsletter.daily]
title = "The Day"
from = "Digital Desk <desk@news.example.org>"
sources = ["stories/"]
"""


def rows() -> dict[str, list[dict[str, Any]]]:
    """Every row, by table."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        connection.executescript(_dump())
        tables = [name for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {table: [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')] for table in tables}


def project(root: Path) -> Desk:
    """The project with its store, on the day on which the fifth issue was left half sent."""
    desk = Desk(root, SetClock(datetime(2026, 11, 27, 12, tzinfo=UTC)))
    desk.configure(newsletter=_DAILY)
    (root / "topics.toml").write_text(TOPICS, "utf-8")
    key = root / "newsletter.key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    for email, topics in PEOPLE.items():
        desk.reader(email, topics, name=email.partition("@")[0].title())
    for number in range(5):
        week(desk, number)
    with closing(sqlite3.connect(root / "newsletter.db")) as connection:
        connection.executescript(_dump())
    return desk


def week(desk: Desk, number: int) -> None:
    """The week's three stories."""
    day = datetime(2026, 10, 29, tzinfo=UTC) + timedelta(weeks=number)
    for topic, title in (("ai", "Chatbots"), ("trade", "Tariffs"), ("privacy", "Registers")):
        desk.story(f"{topic}-{number}", f"{title} in week {number}", [topic], date=f"{day:%Y-%m-%d}")


def _dump() -> str:
    return lzma.decompress((DATA / "stores" / "0002.sql.xz").read_bytes()).decode()
