"""Subscribers: the data of the preference file, and the reasons for which some must not be mailed whatever it says."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, or_, select, update

from newsletter.address import Address
from newsletter.errors import TryLater, UsageError
from newsletter.model import Problem, Status, Subscriber, Subscription
from newsletter.store.engine import Database, streamed
from newsletter.store.outbox import issue_number
from newsletter.store.records import SUBSCRIBER_COLUMNS, interests_of, subscriber_of
from newsletter.store.syncing import Reading, Synced, Syncing
from newsletter.store.tables import delivery, former_handle, memory, newsletter, subscription
from newsletter.store.tables import issue as issues
from newsletter.store.tables import subscriber as table

_GRAVITY: Mapping[str, int] = {"bounced": 1, "unsubscribed": 2, "complained": 3}
"""Rank of each reason for silence: of two, the graver one stays."""


class Subscribers:
    """Queries about subscribers; each of them works for a million in constant memory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sync(self, rows: Iterable[Subscriber | Problem], reading: Reading, *,
             allow_removals: int | None = None) -> Synced:
        """Brings the store into line with the preference file, in one transaction.

        `key` identifies a subscriber; of two rows with one key the first counts and the second is a problem. A
        subscriber who is no longer in the file becomes `removed`. A silenced subscriber stays silenced; a row with the
        status `active` for them is a problem, and so is the row of a subscriber who was erased.

        Raises DataError, and changes nothing, if no row is left or if more than 20 active subscribers and more than a
        tenth of them would be removed, unless `allow_removals` permits that number.
        """
        with self._database.writing() as connection:
            return Syncing(connection, reading).sync(rows, allow_removals)

    def silence(self, key: str, reason: Status, *, now: datetime) -> None:
        """Records that this subscriber must not be mailed any more, whatever the preference file says later.

        `reason` is unsubscribed, bounced or complained; of two the graver one stays. Raises UsageError for an unknown
        key and ValueError for any other reason.
        """
        if reason not in _GRAVITY:
            raise ValueError(f"{reason} is no reason to be silent")
        milder = [known for known, gravity in _GRAVITY.items() if gravity < _GRAVITY[reason]]
        statement = (update(table)
                     .where(table.c.key == key, or_(table.c.silenced.is_(None), table.c.silenced.in_(milder)))
                     .values(silenced=reason, silenced_at=now, status=reason, changed_at=now))
        with self._database.writing() as connection:
            if not connection.execute(statement).rowcount:
                known = connection.scalar(select(table.c.id).where(table.c.key == key))
                if known is None:
                    raise UsageError("there is no such subscriber", cure="newsletter subscribers list")

    def suppress(self, issue_id: str, *, codes: Collection[str], after: int, now: datetime) -> int:
        """Silences, as bounced, the subscribers whom this issue and the `after` - 1 issues before did not reach.

        A subscriber counts as unreached by an issue if their mail was refused with one of the enhanced `codes`. Returns
        how many were silenced; with an `after` of 0 it does nothing.
        """
        if not after:
            return 0
        with self._database.writing() as connection:
            lost = _unreached(issue_number(connection, issue_id), codes, after)
            return connection.execute(
                update(table).where(table.c.id.in_(lost), table.c.silenced.is_(None))
                .values(silenced="bounced", silenced_at=now, status="bounced", changed_at=now)).rowcount

    def erase(self, key: str, *, now: datetime) -> bool:
        """Deletes all personal data of a subscriber. Returns false if the key is unknown.

        The row stays, with its number and its handle: the sums of old issues still hold, and no preference file brings
        the subscriber back. Raises TryLater while a mail to them is on its way.
        """
        with self._database.writing() as connection:
            number = connection.scalar(select(table.c.id).where(table.c.key == key))
            if number is None:
                return False
            theirs = delivery.c.subscriber == number
            if connection.scalar(select(delivery.c.id).where(theirs, delivery.c.state == "claimed").limit(1)):
                raise TryLater("a mail to this subscriber is on its way", cure="Try again in a moment.")
            connection.execute(update(table).where(table.c.id == number).values(
                key=f"erased {number}", email="", name="", interests="{}", timezone="", note="", extra="{}", line=0,
                newsletters="{}", paused_until=None, present=False, changed_at=now,
                status=case((table.c.silenced.is_(None), "removed"), else_=table.c.silenced)))
            connection.execute(delete(subscription).where(
                subscription.c.newsletter.in_(select(newsletter.c.name)), subscription.c.subscriber == number))
            # A server's reply often repeats the address, and so may a late reply to a mail in doubt.
            connection.execute(update(delivery).where(theirs).values(reply="", token=None))
            return True

    def get(self, key: str) -> Subscriber | None:
        """The subscriber with this key, whatever their status; None if there never was one."""
        return self._one(table.c.key == key)

    def by_id(self, id: int) -> Subscriber | None:
        """The subscriber with this number in the store; None if there is none."""
        return self._one(table.c.id == id)

    def by_handle(self, handle: str) -> Subscriber | None:
        """The subscriber whose address has this handle, or else the one who had that address before; None if neither
        exists."""
        former = select(former_handle.c.subscriber).where(former_handle.c.handle == handle)
        return self._one(table.c.handle == handle) or self._one(table.c.id.in_(former))

    def readdress(self, key: str, address: Address, handle: str, *, now: datetime) -> None:
        """Changes a subscriber's address. Links in mails to the former address still lead to them.

        `handle` is that of the new address. Raises UsageError for an unknown key and for an address in use.
        """
        with self._database.writing() as connection:
            row = connection.execute(select(table.c.id, table.c.handle).where(table.c.key == key)).first()
            if row is None:
                raise UsageError("there is no such subscriber", cure="newsletter subscribers list")
            if connection.scalar(select(table.c.id).where(table.c.key == address.key)):
                raise UsageError(f"{address.email} is a subscriber already", cure="newsletter subscribers list")
            if row.handle:
                connection.execute(insert(former_handle).values(handle=row.handle, subscriber=row.id))
            connection.execute(update(table).where(table.c.id == row.id).values(
                key=address.key, email=address.email, handle=handle, changed_at=now))

    def subscriptions(self, id: int) -> list[Subscription]:
        """The subscriptions of the subscriber with this number, by newsletter."""
        query = (select(subscription.c.newsletter, subscription.c.status, subscription.c.interests,
                        subscription.c.since)
                 .where(subscription.c.newsletter.in_(select(newsletter.c.name)), subscription.c.subscriber == id)
                 .order_by(subscription.c.newsletter))
        with self._database.reading() as connection:
            return [_subscription_of(row) for row in connection.execute(query)]

    def all(self, status: Status | None = None) -> Iterator[Subscriber]:
        """All subscribers, or those with one status, in the order in which they were added."""
        query = select(*SUBSCRIBER_COLUMNS).order_by(table.c.id)
        if status is not None:
            query = query.where(table.c.status == status)
        with self._database.reading() as connection:
            yield from map(subscriber_of, streamed(connection, query))

    def of(self, newsletter: str) -> Iterator[tuple[Subscriber, Subscription]]:
        """Every subscriber with a subscription to the newsletter, whatever its status, and that subscription; in the
        same order."""
        columns = (subscription.c.newsletter, subscription.c.status, subscription.c.interests, subscription.c.since)
        query = (select(*columns, *SUBSCRIBER_COLUMNS).join(table, table.c.id == subscription.c.subscriber)
                 .where(subscription.c.newsletter == newsletter).order_by(table.c.id))
        with self._database.reading() as connection:
            for row in streamed(connection, query):
                yield subscriber_of(row[len(columns):]), _subscription_of(row[:len(columns)])

    def find(self, text: str, limit: int) -> list[Subscriber]:
        """Subscribers whose address or name contains the text, in the order in which they were added; with an empty
        text, all.

        Subscribers who are no longer in the preference file are left out.
        """
        # SQLite folds ASCII alone: the other spellings find "Łukasz" for "łukasz" and "ŁUKASZ".
        spellings = {text, text.casefold(), text.title()}
        held = [table.c.name.icontains(each, autoescape=True) for each in spellings]
        query = (self._listed().where(or_(table.c.key.contains(text.casefold(), autoescape=True), *held))
                 .order_by(table.c.id).limit(limit))
        with self._database.reading() as connection:
            return [subscriber_of(row) for row in connection.execute(query)]

    def after(self, id: int, limit: int) -> list[Subscriber]:
        """Subscribers added after the one with this number, the next one first; removed ones are left out."""
        query = self._listed().where(table.c.id > id).order_by(table.c.id).limit(limit)
        with self._database.reading() as connection:
            return [subscriber_of(row) for row in connection.execute(query)]

    def before(self, id: int) -> Subscriber | None:
        """The subscriber added right before the one with this number, removed ones left out; None for the first."""
        query = self._listed().where(table.c.id < id).order_by(table.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else subscriber_of(row)

    def count(self) -> Mapping[Status, int]:
        """How many subscribers have each status; every status is a key."""
        query = select(table.c.status, func.count()).group_by(table.c.status)
        with self._database.reading() as connection:
            found: dict[Status, int] = {status: count for status, count in connection.execute(query)}  # noqa: C416
        return {status: found.get(status, 0) for status in get_args(Status)}

    def topics_chosen(self) -> Mapping[str, int]:
        """How many active subscribers chose each topic, by slug; `*` counts those who chose all."""
        query = select(table.c.interests).where(table.c.status == "active")
        chosen: Counter[str] = Counter()
        with self._database.reading() as connection:
            for (text,) in streamed(connection, query):
                chosen.update(interests_of(text).topics)
        return chosen

    def remembered(self, name: str) -> str:
        """The value stored under this name; empty if there is none."""
        with self._database.reading() as connection:
            return connection.scalar(select(memory.c.value).where(memory.c.name == name)) or ""

    def remember(self, name: str, value: str) -> None:
        """Stores a small value, such as the digest of the file last read."""
        with self._database.writing() as connection:
            if not connection.execute(update(memory).where(memory.c.name == name).values(value=value)).rowcount:
                connection.execute(insert(memory).values(name=name, value=value))

    def _listed(self) -> Select[Any]:
        """The query for subscribers who have not been removed or erased."""
        return select(*SUBSCRIBER_COLUMNS).where(table.c.status != "removed", table.c.email != "")

    def _one(self, condition: ColumnElement[bool]) -> Subscriber | None:
        with self._database.reading() as connection:
            row = connection.execute(select(*SUBSCRIBER_COLUMNS).where(condition)).first()
        return None if row is None else subscriber_of(row)


def _subscription_of(row: Sequence[Any]) -> Subscription:
    newsletter, status, interests, since = row
    return Subscription(newsletter, status, interests_of(interests), since)


_RECENT = 50
"""How many of the latest issues, of all newsletters, count when unreached subscribers are looked for."""


def _unreached(number: int, codes: Collection[str], after: int) -> Select[Any]:
    """Numbers of the subscribers whose last `after` answers all had one of the codes, the issue's own among them."""
    refused = (delivery.c.state == "refused") & delivery.c.enhanced.in_(codes)
    now = select(delivery.c.subscriber).where(delivery.c.issue == number, refused)
    recent = select(issues.c.number).order_by(issues.c.number.desc()).limit(_RECENT)
    latest = select(
        delivery.c.subscriber, case((refused, 1), else_=0).label("refused"),
        func.row_number().over(partition_by=delivery.c.subscriber, order_by=delivery.c.issue.desc()).label("age"),
    ).where(
        delivery.c.issue.in_(recent), delivery.c.subscriber.in_(now), delivery.c.state.in_(("sent", "refused")),
    ).subquery()
    return (select(latest.c.subscriber).where(latest.c.age <= after).group_by(latest.c.subscriber)
            .having(func.sum(latest.c.refused) == after))
