"""Subscribers: read from the preference file into the store, looked up, listed, and exported as such a file."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from newsletter import preferences
from newsletter.app import App, issues
from newsletter.errors import DataError
from newsletter.model import Interests, Newsletter, Status, Subscriber, Subscription, status_at
from newsletter.store import Had, Reading, Synced


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription as it is now."""

    subscription: Subscription
    status: Status
    """The effective status: the subscriber's own status and pause count for all newsletters."""


@dataclass(frozen=True, slots=True)
class Known:
    """All that the store knows of a subscriber."""

    subscriber: Subscriber
    subscriptions: tuple[Subscribed, ...]
    """In order of newsletter; only newsletters of newsletter.toml."""
    issues: tuple[Had, ...]
    """Issues that had a delivery for them, the latest first."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A subscriber in a list: of everyone, or of one newsletter."""

    subscriber: Subscriber
    status: Status
    interests: Interests


def sync_subscribers(app: App, *, allow_removals: int | None = None) -> Synced | None:
    """Reads the preference file into the store; None if the file, topics and newsletters are the same as last time.

    `allow_removals` is how many subscribers may be missing that were there before. Raises DataError if the file, or
    that of the topics, cannot be used.
    """
    path = _present(app, app.settings.preferences, "Write one (see subscribers/README.md)")
    topics_path = _present(app, app.settings.topics, "Put it back")
    newsletters = tuple(app.settings.newsletters.values())
    seen = _digest(path, topics_path, newsletters=newsletters)
    if app.store.subscribers.remembered("preferences") == seen:
        return None
    topics = app.topics()
    rows = preferences.read(path, topic=topics.slug, suggestion=topics.suggestion,
                            newsletters=tuple(app.settings.newsletters), place=app.settings.preferences)
    reading = Reading(newsletters, app.keyring.handle, app.settings.preferences, app.now())
    synced = app.store.subscribers.sync(rows, reading, allow_removals=allow_removals)
    app.store.subscribers.remember("preferences", "" if synced.problems else seen)
    return synced


def look_up(app: App, email: str) -> Known:
    """The subscriber with an address, however it is spelt. Raises UsageError if there is none."""
    subscriber = issues.subscriber(app, email)
    return Known(
        subscriber,
        tuple(Subscribed(each, status_at(app.now(), subscriber, each.status))
              for each in app.store.subscribers.subscriptions(subscriber.id)
              if each.newsletter in app.settings.newsletters),
        tuple(app.store.outbox.had(subscriber.id)),
    )


def list_subscribers(app: App, *, status: str = "", newsletter: str = "") -> Iterator[Listed]:
    """All subscribers, or those of a newsletter with their status and interests there.

    With `status`, only subscribers of that status. Raises UsageError for an unknown newsletter.
    """
    if newsletter:
        listed = (Listed(subscriber, status_at(app.now(), subscriber, each.status), each.interests)
                  for subscriber, each in app.store.subscribers.of(app.newsletter(newsletter).name))
    else:
        listed = (Listed(each, status_at(app.now(), each), each.interests) for each in app.store.subscribers.all())
    return (each for each in listed if not status or each.status == status)


def count_active(app: App) -> int:
    """The number of active subscribers."""
    return app.store.subscribers.count()["active"]


def export_subscribers(app: App, format: str, out: TextIO) -> None:
    """Writes all subscribers, whatever their status, as a preference file. Raises UsageError for an unknown format."""
    preferences.write(app.store.subscribers.all(), format, out)


def _present(app: App, name: str, cure: str) -> Path:
    path = app.root / name
    if not path.exists():
        raise DataError("there is no such file", place=name,
                        cure=f"{cure}, or name it under [files] in newsletter.toml.")
    return path


def _digest(*paths: Path, newsletters: Sequence[Newsletter]) -> str:
    """A hash of the files' content and of the newsletters, by which an unchanged file need not be read again."""
    total = hashlib.sha256(repr([(each.name, each.everybody) for each in newsletters]).encode())
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
