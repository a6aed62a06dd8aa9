"""The desk that flow tests work at."""

from pathlib import Path

import pytest

from tests.flow.desk import TOPICS, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Three topics, three stories, and readers who chose differently."""
    made = Desk(tmp_path)
    made.configure()
    (tmp_path / "topics.toml").write_text(TOPICS, "utf-8")
    made.story("chatbots", "Chatbots must say that they are machines", ["ai"])
    made.story("steel", "Steel tariffs are halved", ["trade"], date="2026-11-24")
    made.story("census", "The census will ask less", ["privacy"], date="2026-11-23")
    made.reader("ann@example.org", "ai; trade", name="Ann Lee")
    made.reader("bob@example.org", "privacy", name="Bob")
    made.reader("all@example.org", "*")
    made.reader("none@example.org", "")
    return made
