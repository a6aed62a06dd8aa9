"""Leases: which senders are alive.

A sender has one row for as long as it works, and renews it. Whose row is past its time is taken for dead: what it had
claimed is taken back by the next one (`Outbox.recover`). So a sender that could not renew for most of that time must
stop by itself, before anybody takes over; times are those of the database, which all senders share.
"""

from datetime import timedelta

from sqlalchemy import delete, insert, update

from newsletter.store.engine import Database
from newsletter.store.outbox import issue_number
from newsletter.store.tables import lease as table


class Leases:
    """Queries about senders, each known by the token in its claims."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, issue_id: str, token: str, length: timedelta) -> None:
        """A sender starts; it is alive for `length` from now on."""
        with self._database.claiming() as connection:
            until = self._database.clock(connection) + length
            connection.execute(insert(table).values(token=token, issue=issue_number(connection, issue_id), until=until))

    def renew(self, token: str, length: timedelta) -> bool:
        """The sender is alive for another `length`; false if it was taken for dead already."""
        with self._database.claiming() as connection:
            until = self._database.clock(connection) + length
            return connection.execute(update(table).where(table.c.token == token).values(until=until)).rowcount == 1

    def end(self, token: str) -> None:
        """The sender is done. What it may have left claimed is as a dead one's."""
        with self._database.claiming() as connection:
            connection.execute(delete(table).where(table.c.token == token))

    def end_all(self) -> None:
        """Every sender is dead: the caller knows it from elsewhere, and need not wait for their leases."""
        with self._database.claiming() as connection:
            connection.execute(delete(table))
