"""Subscribers in and out: the preference file is brought into the store, and everyone in the store written as one."""

import hashlib
from pathlib import Path
from typing import TextIO

from newsletter import preferences
from newsletter.app import App
from newsletter.errors import DataError
from newsletter.store import Synced


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
