"""The store: stories, subscribers, issues and the outbox, in one SQL database.

All methods are synchronous and safe to call from several threads and processes. Every write happens completely or not
at all, and is on disk when the call returns.
"""

from pathlib import Path

from newsletter.model import Settled
from newsletter.store.engine import Database, open_database
from newsletter.store.freezing import Freezing
from newsletter.store.issue import AlreadyPrepared, Issue, Skip
from newsletter.store.issues import Issues
from newsletter.store.journal import Journal, Journals
from newsletter.store.leases import Leases
from newsletter.store.outbox import Had, Outbox
from newsletter.store.stories import Kept, Listed, SourceStatus, Stories
from newsletter.store.subscribers import Subscribers
from newsletter.store.syncing import Reading, Synced

__all__ = [
    "AlreadyPrepared", "Freezing", "Had", "Issue", "Issues", "Journal", "Journals", "Kept", "Leases",
    "Listed", "Outbox", "Reading", "Settled", "Skip", "SourceStatus", "Store", "Stories", "Subscribers", "Synced",
    "open_store",
]


class Store:
    """The whole store; each attribute has the queries about its noun."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.stories = Stories(database)
        self.subscribers = Subscribers(database)
        self.issues = Issues(database)
        self.outbox = Outbox(database)
        self.leases = Leases(database)

    @property
    def is_shared(self) -> bool:
        """Whether senders on several machines may use it at once; if not, only one process may send."""
        return self._database.is_shared

    def close(self) -> None:
        self._database.close()


def open_store(url: str, *, root: Path) -> Store:
    """Opens the store that newsletter.toml names, and creates it if it does not exist.

    `url` is `sqlite:///PATH`, where a relative path is relative to `root`, or `postgresql://USER@HOST/NAME`, where the
    database must exist. An older store is migrated first.
    Raises ConfigError for any other URL, a missing driver, a server that denies access and a store that a newer program
    wrote; TryLater if the server cannot be reached.
    """
    return Store(open_database(url, root))
