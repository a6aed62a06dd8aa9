"""The outbox: one delivery for each (issue, subscriber), with its state.

    queued → claimed → sent | refused | queued again | in_doubt        queued → withdrawn

Always: the issue's frozen audience = the sum over all states. A sender claims under its own token, and only an answer
that comes with that token settles a row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, get_args

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    CursorResult,
    Dialect,
    Select,
    Update,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from newsletter.errors import UsageError
from newsletter.model import Delivery, Receipt, Settled, State
from newsletter.store.audience import mailable
from newsletter.store.engine import Database, streamed
from newsletter.store.records import RECEIPT_COLUMNS, SUBSCRIBER_COLUMNS, receipt_of, subscriber_of
from newsletter.store.tables import EPOCH, brought, lease, microseconds, subscriber, subscription
from newsletter.store.tables import delivery as table
from newsletter.store.tables import issue as issues
from newsletter.text import meant, nearest, quoted


@dataclass(frozen=True, slots=True)
class Had:
    """One issue that a subscriber was to get: its id, the number of their edition, and the delivery's state."""

    issue_id: str
    edition: int
    state: State


class Outbox:
    """Queries about deliveries. An unknown `issue_id` raises UsageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self, issue_id: str, *, limit: int, settled: Sequence[Settled], now: datetime, token: str,
    ) -> list[Delivery]:
        """Settles `settled` and claims up to `limit` deliveries that are due, in one transaction.

        Each delivery has its subscriber's present data. If the subscriber may no longer be mailed, the delivery is
        withdrawn instead. Deliveries of one edition come together. `token` identifies the sender. Once this has
        returned, the claims survive a power loss. An empty list means that nothing is due (see `next_due`) or that the
        issue is not `sending`.
        """
        with self._database.claiming() as connection:
            number, state, newsletter = _issue_for_settling(connection, issue_id)
            _settle(connection, settled, number, now, token)
            if state == "cancelled":
                withdraw_queued(connection, number, now)
            claiming = _Claiming(connection, issue_id, {"number": number, "newsletter": newsletter}, now, token)
            return claiming.claim(limit) if state == "sending" else []

    def recover(
        self, issue_id: str, settle: Callable[[str, Sequence[Delivery]], Sequence[Settled]], *, now: datetime,
    ) -> int:
        """Settles the claims of senders that are gone, and returns how many deliveries there were.

        A sender is gone when its lease has expired or was ended. `settle` gets such a sender's token and its claims,
        and returns the settlement of each. If the sender turns out to be alive, its answer to a delivery in doubt still
        counts.
        """
        with self._database.writing() as connection:
            number = issue_number(connection, issue_id)
            claims = _claims_of_the_dead(connection, issue_id, number, self._database.clock(connection))
            for token, theirs in claims.items():
                _settle(connection, settle(token, theirs), number, now, token)
                connection.execute(delete(lease).where(lease.c.token == token))
            return sum(map(len, claims.values()))

    def resend(self, issue_id: str, which: Literal["in_doubt", "refused"], *, now: datetime) -> int:
        """Queues deliveries in the state `which` once more, and returns how many. A finished issue is reopened.

        Only deliveries whose subscriber may be mailed are queued: the others would not be sent. Of the refused, those
        are left out whose subscriber was mailed one of the issue's stories by another issue in the meantime.
        """
        with self._database.writing() as connection:
            number = issue_number(connection, issue_id)
            newsletter = select(issues.c.newsletter).where(issues.c.number == number).scalar_subquery()
            active = (select(subscriber.c.id).join(subscription, subscription.c.subscriber == subscriber.c.id)
                      .where(subscription.c.newsletter == newsletter, mailable(now)))
            wanted = [table.c.issue == number, table.c.state == which, table.c.subscriber.in_(active)]
            if which == "refused":
                wanted.append(table.c.subscriber.not_in(_mailed_since(connection, number)))
            again = connection.execute(
                update(table).where(*wanted)
                .values(state="queued", due_at=EPOCH, changed_at=now)).rowcount
            if again:
                connection.execute(update(issues).where(issues.c.number == number, issues.c.state == "finished")
                                   .values(state="sending", finished_at=None))
            return again

    def sums(self, issue_id: str) -> Mapping[State, int]:
        """How many deliveries are in each state; every state is a key."""
        with self._database.reading() as connection:
            return count_states(connection, issue_number(connection, issue_id))

    def audience(self, issue_id: str) -> int:
        """How many deliveries were frozen. The sums must add up to this number."""
        with self._database.reading() as connection:
            number = issue_number(connection, issue_id)
            return int(connection.execute(select(issues.c.audience).where(issues.c.number == number)).scalar_one())

    def next_due(self, issue_id: str) -> datetime | None:
        """When the next queued delivery may be claimed: 1970 means at once, None that nothing is queued."""
        with self._database.reading() as connection:
            query = select(func.min(table.c.due_at)).where(
                table.c.issue == issue_number(connection, issue_id), table.c.state == "queued")
            due: datetime | None = connection.scalar(query)
        return due

    def last_change(self, issue_id: str) -> datetime | None:
        """When a delivery last changed its state; None if none ever did. Reads every row."""
        with self._database.reading() as connection:
            query = select(func.max(table.c.changed_at)).where(table.c.issue == issue_number(connection, issue_id))
            changed: datetime | None = connection.scalar(query)
        return changed

    def deliveries(self, issue_id: str, state: State | None = None, ever_in_doubt: bool = False) -> Iterator[Delivery]:
        """All deliveries of the issue, or those of one state, or those that were ever in doubt, by subscriber."""
        with self._database.reading() as connection:
            # This is the order of the unique index: a million rows in any other order would not stream.
            number = issue_number(connection, issue_id)
            query = _deliveries().where(table.c.issue == number).order_by(table.c.subscriber)
            if state is not None:
                query = query.where(table.c.state == state)
            if ever_in_doubt:
                query = query.where(table.c.ever_in_doubt)
            for row in streamed(connection, query):
                yield _delivery_of(issue_id, row)

    def delivery(self, issue_id: str, key: str) -> Delivery | None:
        """The delivery for the subscriber with this key; None if they were not in the audience."""
        with self._database.reading() as connection:
            query = _deliveries().where(table.c.issue == issue_number(connection, issue_id), subscriber.c.key == key)
            row = connection.execute(query).first()
        return None if row is None else _delivery_of(issue_id, row)

    def had(self, subscriber_id: int) -> list[Had]:
        """The issues that this subscriber was to get, of all newsletters, the latest slot first."""
        with self._database.reading() as connection:
            numbers = list(connection.scalars(select(issues.c.number)))  # the index begins with them
            query = (select(issues.c.id, table.c.edition, table.c.state).join(issues, issues.c.number == table.c.issue)
                     .where(table.c.issue.in_(numbers), table.c.subscriber == subscriber_id)
                     .order_by(issues.c.slot_at.desc(), issues.c.number.desc()))
            return [Had(*row) for row in connection.execute(query)]


def _mailed_since(connection: Connection, number: int) -> Select[Any]:
    """Subscribers whom another issue with one of this issue's stories mails or mailed: a refusal had given the stories
    back, so the other issue may have brought them."""
    stories = select(brought.c.story).where(brought.c.issue == number)
    others = set(connection.scalars(
        select(brought.c.issue).distinct().where(brought.c.story.in_(stories), brought.c.issue > number)))
    return select(table.c.subscriber).where(
        table.c.issue.in_(others), table.c.state.not_in(("refused", "withdrawn")))


def issue_number(connection: Connection, issue_id: str) -> int:
    """The issue's number. Raises UsageError for an unknown id."""
    number: int | None = connection.scalar(select(issues.c.number).where(issues.c.id == issue_id))
    if number is None:
        near = nearest(issue_id, connection.scalars(select(issues.c.id)))
        raise UsageError(f"there is no issue {quoted(issue_id)}", cure=meant(near) or "newsletter issue list")
    return number


def count_states(connection: Connection, number: int) -> dict[State, int]:
    """How many deliveries of an issue are in each state; every state is a key."""
    query = select(table.c.state, func.count()).where(table.c.issue == number).group_by(table.c.state)
    found: dict[State, int] = {state: count for state, count in connection.execute(query)}  # noqa: C416
    return {state: found.get(state, 0) for state in get_args(State)}


def withdraw_queued(connection: Connection, number: int, now: datetime) -> int:
    """Withdraws the issue's queued deliveries, and returns how many there were."""
    return connection.execute(update(table).where(table.c.issue == number, table.c.state == "queued")
                              .values(state="withdrawn", token=None, changed_at=now)).rowcount


def _issue_for_settling(connection: Connection, issue_id: str) -> tuple[int, str, str]:
    """The issue's number, state and newsletter. The row is locked: the state stays until this transaction ends."""
    row: Any = _run(connection, _ISSUE, {"which": issue_id}).first()
    return (row[0], row[1], row[2]) if row else (issue_number(connection, issue_id), "", "")


def _claims_of_the_dead(
    connection: Connection, issue_id: str, number: int, clock: datetime,
) -> dict[str, list[Delivery]]:
    alive = select(lease.c.token).where(lease.c.until > clock)
    query = _deliveries(table.c.token).where(
        table.c.issue == number, table.c.state == "claimed", table.c.token.not_in(alive))
    claims: dict[str, list[Delivery]] = {}
    for *row, token in connection.execute(query):
        claims.setdefault(token, []).append(_delivery_of(issue_id, row))
    return claims


def _settle(connection: Connection, settled: Sequence[Settled], number: int, now: datetime, token: str) -> None:
    answered = [_settlement(each, each.receipt, number, now, token) for each in settled if each.receipt]
    untouched = [{"which": each.id, "number": number, "mine": token, "now": microseconds(now)}
                 for each in settled if not each.receipt]
    if answered:
        _run(connection, _SETTLE, answered)
    if untouched:
        _run(connection, _GIVE_BACK, untouched)


def _settlement(settled: Settled, receipt: Receipt, number: int, now: datetime, token: str) -> dict[str, Any]:
    """The parameters of `_SETTLE`, as the driver expects them."""
    again_at = settled.again_at
    doubt = receipt.outcome == "in_doubt"
    again = receipt.outcome == "deferred" or (doubt and again_at is not None)
    return {
        "which": settled.id, "number": number, "mine": token,
        "new_state": "queued" if again else receipt.outcome,
        "new_due": microseconds(again_at) if again and again_at else 0,
        "new_token": token if doubt else None, "doubt": doubt, "now": microseconds(now),
        "new_outcome": receipt.outcome, "new_code": receipt.code, "new_enhanced": receipt.enhanced,
        "new_reply": receipt.reply,
    }


@dataclass(frozen=True, slots=True)
class _Claiming:
    """One sender's claims in one transaction."""

    connection: Connection
    issue_id: str
    which: Mapping[str, Any]
    """The issue's number and its newsletter."""
    now: datetime
    token: str

    def claim(self, limit: int) -> list[Delivery]:
        claimed: list[Delivery] = []
        while len(claimed) < limit:
            some = {**self.which, "most": limit - len(claimed), "now": microseconds(self.now)}
            due = [(_delivery_of(self.issue_id, row, "claimed"), row[-1]) for row in _run(self.connection, _DUE, some)]
            if not due:
                break
            mailable_now = [each for each, is_mailable in due if is_mailable]
            self._move(mailable_now, "claimed", self.token)
            self._move([each for each, is_mailable in due if not is_mailable], "withdrawn", None)
            claimed += mailable_now
        return claimed

    def _move(self, deliveries: Sequence[Delivery], state: State, token: str | None) -> None:
        if deliveries:
            _run(self.connection, _MOVE, [
                {"which": each.id, "new_state": state, "new_token": token, "now": microseconds(self.now)}
                for each in deliveries])


def _run(
    connection: Connection, statement: Select[Any] | Update, values: dict[str, Any] | list[dict[str, Any]],
) -> CursorResult[Any]:
    """Runs a statement on the driver, once for each set of values. When SQLAlchemy processed each statement and each
    value, that was most of the cost of a claim."""
    return connection.exec_driver_sql(_text(statement, connection.dialect), values)


@cache
def _text(statement: Select[Any] | Update, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect))


def _deliveries(*more: Column[Any]) -> Select[Any]:
    return (select(*_OWN_COLUMNS, *RECEIPT_COLUMNS, *SUBSCRIBER_COLUMNS, *more)
            .join_from(table, subscriber, subscriber.c.id == table.c.subscriber))


def _delivery_of(issue_id: str, row: Sequence[Any], now_in: State | None = None) -> Delivery:
    """The delivery of a row of `_deliveries`; `now_in` is its state if that has changed since the row was read."""
    number, edition, state, attempts, ever_in_doubt = row[:5]
    return Delivery(number, issue_id, subscriber_of(row[9:_LAST_COLUMN]), edition, now_in or state, attempts,
                    receipt_of(row[5:9]), bool(ever_in_doubt))


_LAST_COLUMN = 9 + len(SUBSCRIBER_COLUMNS)
_ISSUE = (select(issues.c.number, issues.c.state, issues.c.newsletter).where(issues.c.id == bindparam("which"))
          .with_for_update(read=True))

_OWN_COLUMNS = tuple(table.c[name] for name in ("id", "edition", "state", "attempts", "ever_in_doubt"))

# The limit is in a query of its own, which reads the index in the index's order: the cost depends on the limit, not on
# how many rows wait or are done. Otherwise the database might read the subscriber of every due row first. The query
# returns all columns that are needed: where rows are locked one by one, a second read might see a row as it was before
# the lock. It is a CTE because PostgreSQL runs a locking CTE exactly once; it might run a subquery again, and lock more
# rows.
_NEXT = (
    select(*_OWN_COLUMNS, *RECEIPT_COLUMNS, table.c.subscriber, table.c.due_at)
    .where(table.c.issue == bindparam("number"), table.c.state == literal_column("'queued'"),
           table.c.due_at <= bindparam("now"))
    .order_by(table.c.due_at, table.c.edition).limit(bindparam("most")).offset(literal_column("0"))
    .with_for_update(skip_locked=True).cte("next"))
_DUE = (
    select(*(_NEXT.c[column.name] for column in (*_OWN_COLUMNS, *RECEIPT_COLUMNS)), *SUBSCRIBER_COLUMNS,
           case((mailable(bindparam("now", type_=BigInteger)), literal_column("1")), else_=literal_column("0")))
    .join_from(_NEXT, subscriber, subscriber.c.id == _NEXT.c.subscriber)
    .join(subscription, (subscription.c.subscriber == _NEXT.c.subscriber)
          & (subscription.c.newsletter == bindparam("newsletter")), isouter=True)
    .order_by(_NEXT.c.due_at, _NEXT.c.edition))

_MOVE = update(table).where(table.c.id == bindparam("which")).values(
    state=bindparam("new_state"), token=bindparam("new_token"), changed_at=bindparam("now"))

_GIVE_BACK = (
    update(table)
    .where(table.c.id == bindparam("which"), table.c.issue == bindparam("number"), table.c.token == bindparam("mine"),
           table.c.state == literal_column("'claimed'"))
    .values(state=literal_column("'queued'"), token=null(), changed_at=bindparam("now")))

# A row keeps its token as long as an answer with that token can settle it: while the row is claimed or in doubt, and
# while it waits to be sent again after a doubt, until another sender claims it. If the first sender turns out to be
# alive, its answer may save a second mail.
_SETTLE = (
    update(table)
    .where(table.c.id == bindparam("which"), table.c.issue == bindparam("number"), table.c.token == bindparam("mine"))
    .values(state=bindparam("new_state"), due_at=bindparam("new_due"), token=bindparam("new_token"),
            attempts=table.c.attempts + literal_column("1"),
            ever_in_doubt=or_(table.c.ever_in_doubt, bindparam("doubt")),
            changed_at=bindparam("now"), outcome=bindparam("new_outcome"), code=bindparam("new_code"),
            enhanced=bindparam("new_enhanced"), reply=bindparam("new_reply")))
