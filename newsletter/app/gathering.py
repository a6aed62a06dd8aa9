"""Stories and subscribers in: sources are fetched, pasted stories added, the preference file brought into the store."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from newsletter import preferences, prepare
from newsletter.app import App
from newsletter.errors import DataError
from newsletter.prepare import Fetched
from newsletter.store import Synced

ADDED = "added"
"""The source of stories that were pasted or added from a file or URL by hand; every newsletter takes them."""


def fetch(app: App, newsletters: Sequence[str] = (), *, progress: Callable[[str], None]) -> Fetched:
    """Reads the sources of these newsletters, of all by default."""
    chosen = [app.newsletter(name) for name in newsletters or app.settings.newsletters]
    every = {source for newsletter in app.settings.newsletters.values() for source in newsletter.sources}
    app.store.stories.retain([*sorted(every), ADDED])
    names = list(dict.fromkeys(source for newsletter in chosen for source in newsletter.sources))
    return prepare.fetch(names, app.sources, app.store.stories, now=app.now(), progress=progress)


def add_stories(app: App, data: bytes, *, name: str) -> Fetched:
    """Adds the stories of a text, feed or page by hand; `name` says in problems where they came from.

    What an editor adds is wanted now, so nothing of it is held.
    """
    now = app.now()
    harvest = app.sources.harvest_bytes(data, name=name, now=now)
    stories = [replace(story, source=ADDED) for story in harvest.stories]
    kept = app.store.stories.keep(ADDED, stories, (), now=now, state=None)
    return Fetched(kept.new, kept.changed, kept.unchanged, kept.held, harvest.problems)


def add_from_url(app: App, url: str) -> Fetched:
    """Adds the stories of a feed or text at a URL, once; it does not become a source."""
    now = app.now()
    harvest = app.sources.harvest(url, now=now, state=None)
    stories = [replace(story, source=ADDED) for story in harvest.stories]
    kept = app.store.stories.keep(ADDED, stories, (), now=now, state=None)
    return Fetched(kept.new, kept.changed, kept.unchanged, kept.held, harvest.problems)


def sync_subscribers(app: App, *, allow_removals: int | None = None) -> Synced | None:
    """Brings the preference file into the store; None if neither it nor the topics changed since the last time."""
    path = app.root / app.settings.preferences
    if not path.exists():
        raise DataError("there is no preference file", place=app.settings.preferences,
                        cure="write one (subscribers/README.md says how) or name it in newsletter.toml: preferences")
    seen = _digest(path, app.root / app.settings.topics)
    if app.store.subscribers.remembered("preferences") == seen:
        return None
    topics = app.topics()
    rows = preferences.read(path, topic=topics.slug, suggestion=topics.suggestion, place=app.settings.preferences)
    synced = app.store.subscribers.sync(
        rows, now=app.now(), place=app.settings.preferences, allow_removals=allow_removals,
    )
    app.store.subscribers.remember("preferences", "" if synced.problems else seen)
    return synced


def export_subscribers(app: App, format: str, out: TextIO) -> None:
    """Writes everyone ever seen as a preference file. Raises UsageError for an unknown format."""
    preferences.write(app.store.subscribers.all(), format, out)


def _digest(*paths: Path) -> str:
    """Of the files' content: what is the same need not be read again. A file with problems is read each time."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
