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

# A noisy machine is no reason to fail. CI tries the same examples each time; new ones are looked for at home.
settings.register_profile("newsletter", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("newsletter")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="expect from now on what comes out now")


@pytest.fixture(scope="session")
def weekly() -> Template:
    """The template that comes with the program."""
    return Template.load("weekly", DATA.parent.parent)


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """An issue of seven stories on four topics, two of them in other languages, one without a link."""
    issue = json.loads((DATA / "render" / "issue.json").read_text("utf-8"))
    return Manifest(
        issue="weekly-2026-11-30",
        newsletter=Newsletter("weekly", "The Quiet Desk", "Desk <desk@news.example.org>", description="Calmly told."),
        slot=Slot("2026-11-30T08:00", "Europe/London", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        topics=tuple(Topic(slug, label) for slug, label in issue["topics"]),
        candidates=tuple(map(_candidate, issue["stories"])),
        template="",
    )


def _candidate(given: dict[str, Any]) -> Candidate:
    topics, picture = given.pop("topics"), given.pop("picture", None)
    date = datetime(2026, 11, 24, 9, tzinfo=UTC)
    given["tags"] = tuple(given.get("tags", ()))
    story = Story(date=date, source="stories/", picture=Picture(*picture) if picture else None, **given)
    return Candidate(story, date, tuple(Match(slug, "tag", slug) for slug in topics), 1.0, "as given")
