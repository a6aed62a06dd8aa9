"""Subscribers in and out: the preference file is brought into the store, and everyone in the store written as one."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from newsletter import preferences
from newsletter.app import App
from newsletter.errors import DataError
from newsletter.model import Newsletter
from newsletter.store import Reading, Synced


def sync_subscribers(app: App, *, allow_removals: int | None = None) -> Synced | None:
    """Brings the preference file into the store; None if nothing that it depends on has changed since the last time."""
    path = app.root / app.settings.preferences
    if not path.exists():
        raise DataError("there is no preference file", place=app.settings.preferences,
                        cure="write one (subscribers/README.md says how) or name it in newsletter.toml: preferences")
    newsletters = tuple(app.settings.newsletters.values())
    seen = _digest(path, app.root / app.settings.topics, newsletters=newsletters)
    if app.store.subscribers.remembered("preferences") == seen:
        return None
    topics = app.topics()
    rows = preferences.read(path, topic=topics.slug, suggestion=topics.suggestion, place=app.settings.preferences)
    reading = Reading(newsletters, app.keyring.handle, app.settings.preferences, app.now())
    synced = app.store.subscribers.sync(rows, reading, allow_removals=allow_removals)
    app.store.subscribers.remember("preferences", "" if synced.problems else seen)
    return synced


def export_subscribers(app: App, format: str, out: TextIO) -> None:
    """Writes everyone ever seen as a preference file. Raises UsageError for an unknown format."""
    preferences.write(app.store.subscribers.all(), format, out)


def _digest(*paths: Path, newsletters: Sequence[Newsletter]) -> str:
    """Of the files' content and of the newsletters that there are: what is the same need not be read again. A file with
    problems is read each time."""
    total = hashlib.sha256(repr([(each.name, each.everybody) for each in newsletters]).encode())
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
