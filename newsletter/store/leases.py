"""Leases: which senders are alive.

A sender has one row for as long as it works, and renews it. A sender whose lease has expired counts as dead: the next
sender takes over its claims (`Outbox.recover`). So a sender that could not renew its lease for most of that time must
stop by itself before another one takes over. Times are those of the database's clock, which all senders share.
"""

from datetime import timedelta

from sqlalchemy import delete, insert, update

from newsletter.store.engine import Database
from newsletter.store.outbox import issue_number
from newsletter.store.tables import lease as table


class Leases:
    """Queries about senders, each identified by the token in its claims."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, issue_id: str, token: str, length: timedelta) -> None:
        """Records a new sender, which counts as alive for `length` from now on."""
        with self._database.claiming() as connection:
            until = self._database.clock(connection) + length
            connection.execute(insert(table).values(token=token, issue=issue_number(connection, issue_id), until=until))

    def renew(self, token: str, length: timedelta) -> bool:
        """Extends a sender's lease to `length` from now on. Returns false if another sender has taken over already."""
        with self._database.claiming() as connection:
            until = self._database.clock(connection) + length
            return connection.execute(update(table).where(table.c.token == token).values(until=until)).rowcount == 1

    def end(self, token: str) -> None:
        """Ends a sender's lease. Deliveries that it has left claimed are treated as those of a dead sender."""
        with self._database.claiming() as connection:
            connection.execute(delete(table).where(table.c.token == token))

    def end_all(self) -> None:
        """Ends every lease. For a caller that knows for certain that no sender is alive, and need not wait."""
        with self._database.claiming() as connection:
            connection.execute(delete(table))
