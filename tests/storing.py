"""Databases, values and short ways for tests of the store."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from psycopg import Connection
from sqlalchemy import URL

from newsletter.model import (
    Candidate,
    Decision,
    Edition,
    Entry,
    Interests,
    Manifest,
    Newsletter,
    Receipt,
    Section,
    Slot,
    Status,
    Story,
    Subscriber,
    Topic,
)
from newsletter.standing.answers import Answers, Pauses, Policy
from newsletter.store import Reading, Settled, Store, open_store
from newsletter.store.engine import Database, open_database

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
PLACE = "subscribers/subscribers.csv"
SENT = Receipt("sent", 250, "2.0.0", "2.0.0 Ok")
REFUSED = Receipt("refused", 550, "5.1.1", "5.1.1 no such user")
DEFERRED = Receipt("deferred", 451, "4.7.1", "4.7.1 later")
IN_DOUBT = Receipt("in_doubt")
EVERYTHING = Interests(("*",))

Url = AbstractContextManager[str]
_numbers = count()


class Databases(Protocol):
    """Makes databases of one kind, and takes them away after use. A URL is all that a test knows of one."""

    def blank(self) -> Url:
        """Without tables."""

    def ready(self) -> Url:
        """With empty tables; a copy of the first one, since migrations take their time."""


class Files:
    """SQLite."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first = folder / "first.db"
        with opened(f"sqlite:///{self._first}"):
            pass

    @contextmanager
    def blank(self) -> Iterator[str]:
        yield f"sqlite:///{self._folder / f'{next(_numbers)}.db'}"

    @contextmanager
    def ready(self) -> Iterator[str]:
        with self.blank() as url:
            shutil.copy(self._first, url.removeprefix("sqlite:///"))
            yield url


@dataclass(frozen=True)
class Server:
    """PostgreSQL, whose user may make databases."""

    url: URL
    connection: Connection[Any]
    template: str = "template0"
    """The database that `ready` ones are copies of."""

    def blank(self) -> Url:
        return self._copy_of("template0")

    def ready(self) -> Url:
        return self._copy_of(self.template)

    @contextmanager
    def _copy_of(self, template: str) -> Iterator[str]:
        name = f"newsletter_test_{os.getpid()}_{next(_numbers)}"
        self.connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self.connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def opened(url: str) -> AbstractContextManager[Store]:
    return closing(open_store(url, root=Path()))


def database_of(url: str) -> AbstractContextManager[Database]:
    """The database of a store, for what somebody else does to it meanwhile."""
    return closing(open_database(url, Path()))


def person(name: str, *topics: str, status: Status = "active", line: int = 0) -> Subscriber:
    return Subscriber(f"{name}@example.org", f"{name}@example.org", name.title(), Interests(topics), status=status,
                      line=line)


def crowd(count: int) -> list[Subscriber]:
    return [person(f"reader{number}", f"topic{number % 3}", line=number + 2) for number in range(count)]


def story(id: str, *, title: str = "", tags: tuple[str, ...] = ("ai",), date: datetime = NOW, source: str = "stories/",
          dated: bool = True) -> Story:
    return Story(id, title or f"About {id}", date, source, dated, tags=tags)


NEWSLETTERS = tuple(Newsletter(name, "The Week", "desk@example.org") for name in ("weekly", "daily"))


def handle(key: str) -> str:
    """A stand-in for the keyed hash of an address."""
    return f"handle of {key}"


READING = Reading(NEWSLETTERS, handle, PLACE, NOW)


def manifest(week: int = 0, newsletter: str = "weekly", *stories: str) -> Manifest:
    instant = NOW + timedelta(weeks=week)
    candidates = tuple(Candidate(story(each), NOW, (), 1.0, "as given") for each in stories)
    return Manifest(f"{newsletter}-{week}", Newsletter(newsletter, "The Week", "desk@example.org"),
                    Slot(f"{instant:%Y-%m-%dT%H:%M}", "Europe/London", instant), (Topic("ai", "AI"),), candidates, "t")


def edition(*stories: str, interests: Interests = EVERYTHING) -> Edition:
    return Edition(interests, frozenset(), (Section("ai", tuple(map(Entry, stories))),))


def fill(store: Store, people: Iterable[Subscriber]) -> None:
    store.subscribers.sync(people, READING, allow_removals=10_000)


def freeze(store: Store, week: int = 0, newsletter: str = "weekly") -> str:
    """An issue for all active subscribers, one edition for each set of interests; its id."""
    with store.issues.freezing(manifest(week, newsletter), now=NOW) as freezing:
        for member in freezing.audience():
            brought = edition(f"{newsletter}-story-{week}", interests=member.interests)
            freezing.keep(member.subscriber_id, freezing.record(Decision(brought)))
    issue = f"{newsletter}-{week}"
    store.issues.start(issue, NOW)
    return issue


def send(store: Store, issue_id: str, receipt: Receipt = SENT) -> None:
    """Sends all that is due, and gets the same answer each time."""
    settled: list[Settled] = []
    while taken := store.outbox.take(issue_id, limit=10, settled=settled, now=NOW, token="sender"):
        settled = [Settled(each.id, receipt, NOW + timedelta(hours=1)) for each in taken]


def recover(store: Store, issue_id: str, policy: Policy) -> int:
    """A new sender comes after one that died and left no journal; how many deliveries it had claimed."""
    answers = Answers(policy, timedelta(days=3), Pauses(), now=lambda: NOW, jitter=lambda: 0)
    return store.outbox.recover(issue_id, lambda token, claims: [answers.lost(each) for each in claims], now=NOW)


def stored(subscriber: Subscriber, store: Store) -> Subscriber:
    """The subscriber with the number the store gave."""
    found = store.subscribers.get(subscriber.key)
    assert found is not None
    return replace(subscriber, id=found.id)
