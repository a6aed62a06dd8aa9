"""What tests of several layers share."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from newsletter.model import Candidate, Manifest, Match, Newsletter, Picture, Slot, Story, Topic
from newsletter.render.template import Template

DATA = Path(__file__).parent / "data"

# Each promise is proven twice: in small by the quick ring, which every run of the tests is, and in full by the thorough
# one. A noisy machine is no reason to fail. CI tries the same examples each time; new ones are looked for at home.
settings.register_profile("quick", max_examples=50, deadline=None, derandomize="CI" in os.environ)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=500)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="expect from now on what comes out now")
    parser.addoption("--thorough", action="store_true", default=bool(os.environ.get("THOROUGH")),
                     help="also the tests marked thorough, and ten times as many examples (or set THOROUGH=1)")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("thorough" if config.getoption("thorough") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("thorough"):
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(pytest.mark.skip(reason="of the thorough ring: run with --thorough"))


@pytest.fixture(scope="session")
def weekly() -> Template:
    """The template that comes with the program."""
    return Template.load("weekly", DATA.parent.parent)


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """An issue of seven stories on four topics, two of them in other languages, one without a link."""
    issue = json.loads((DATA / "render" / "issue.json").read_text("utf-8"))
    return Manifest(
        issue_id="weekly-2026-11-30",
        newsletter=Newsletter("weekly", "The Quiet Desk", "Desk <desk@news.example.org>", description="Calmly told."),
        slot=Slot("2026-11-30T08:00", "Europe/London", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        topics=tuple(Topic(slug, label) for slug, label in issue["topics"]),
        candidates=tuple(map(_candidate, issue["stories"])),
        template_hash="",
    )


def _candidate(given: dict[str, Any]) -> Candidate:
    topics, picture = given.pop("topics"), given.pop("picture", None)
    date = datetime(2026, 11, 24, 9, tzinfo=UTC)
    given["tags"] = tuple(given.get("tags", ()))
    story = Story(date=date, source="stories/", picture=Picture(*picture) if picture else None, **given)
    return Candidate(story, date, tuple(Match(slug, "tag", slug) for slug in topics), 1.0, "as given")
