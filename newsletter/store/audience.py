"""The audience of an issue: the subscribers who may be mailed, and the past of each.

The stories that a subscriber had before are read from deliveries of all newsletters: from the editions of earlier
issues that contain one of the issue's stories (table `brought`). The time of the last mail, for the frequency, and the
stories of quiet editions that were not sent are read from the issue's own newsletter alone.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Text, cast, func, literal_column, null, or_, select

from newsletter.model import Manifest, Member, Past
from newsletter.store.engine import streamed
from newsletter.store.records import edition_of, interests_of
from newsletter.store.tables import brought, delivery, edition, issue, skip, subscriber, subscription

_LONGEST_PERIOD = timedelta(days=32)
"""Subscribers with the longest frequency get one mail a calendar month."""
_PIECE = 500
"""How many story ids go into one IN clause."""


_ACTIVE: ColumnElement[str] = literal_column("'active'")  # no parameter: claims run their statements as text


def mailable(at: datetime | ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a subscriber joined with a subscription may be mailed at an instant: only if both are active."""
    return ((subscriber.c.status == _ACTIVE) & (subscription.c.status == _ACTIVE)
            & or_(subscriber.c.paused_until.is_(None), subscriber.c.paused_until <= at))


class Audience:
    """The members of an issue's audience, with their pasts."""

    def __init__(self, connection: Connection, manifest: Manifest, *, before: int | None = None) -> None:
        """`before` is the number of an issue; it and later ones do not belong to the past. With None, every issue does.
        """
        self._connection, self._manifest, self._before = connection, manifest, before
        self._stories = frozenset(each.story.id for each in manifest.candidates)
        self._past = lru_cache(16_384)(self._past_of)
        self._edition = lru_cache(16_384)(self._edition_of)

    def members(self) -> Iterator[Member]:
        """Every subscriber who may be mailed at the issue's slot, in the order in which they were added."""
        query = (self._query(subscription.c.interests)
                 .join_from(subscriber, subscription, subscription.c.subscriber == subscriber.c.id)
                 .where(subscription.c.newsletter == self._manifest.newsletter.name,
                        mailable(self._manifest.slot.instant)))
        for number, interests, sent, passed in streamed(self._connection, query.order_by(subscriber.c.id)):
            yield Member(number, interests_of(interests), self._past(sent, passed))

    def member(self, subscriber_id: int) -> Member | None:
        """One subscriber as a member, whether they may be mailed or not; None if the number is unknown."""
        on = ((subscription.c.subscriber == subscriber.c.id)
              & (subscription.c.newsletter == self._manifest.newsletter.name))
        query = (self._query(func.coalesce(subscription.c.interests, subscriber.c.interests))
                 .join_from(subscriber, subscription, on, isouter=True).where(subscriber.c.id == subscriber_id))
        row = self._connection.execute(query).first()
        return None if row is None else Member(row[0], interests_of(row[1]), self._past(row[2], row[3]))

    def brought(self, subscriber_id: int) -> dict[str, str]:
        """Ids of the issue's stories that a subscriber had, each with the id of the latest issue that mailed it."""
        query = (select(issue.c.id, delivery.c.edition).join(delivery, delivery.c.issue == issue.c.number)
                 .where(issue.c.number.in_(self._earlier_with_a_story()), delivery.c.subscriber == subscriber_id,
                        delivery.c.state.not_in(("refused", "withdrawn")))
                 .order_by(issue.c.number))
        return {story: name for name, number in self._connection.execute(query).all()
                for story in self._edition(number)[0]}

    def _query(self, interests: ColumnElement[str]) -> Select[Any]:
        """Number, interests, and two columns of edition numbers: of editions that were mailed, and of quiet ones that
        were not sent but whose stories count as had.

        Both are looked up by (issue, subscriber), so the cost for a subscriber grows with the issues that matter alone.
        """
        own, others = self._earlier_own(), self._earlier_with_a_story()
        counts = sorted({*own, *others})
        if not counts:
            return select(subscriber.c.id, interests, null().label("sent"), null().label("passed"))
        sent = _numbers(delivery.c.edition).where(
            delivery.c.subscriber == subscriber.c.id, delivery.c.issue.in_(counts),
            delivery.c.state.not_in(("refused", "withdrawn")))
        passed = _numbers(skip.c.edition).where(
            skip.c.subscriber == subscriber.c.id, skip.c.passed, skip.c.issue.in_(
                select(issue.c.number).where(issue.c.number.in_(counts), issue.c.state != "cancelled",
                                             issue.c.newsletter == self._manifest.newsletter.name)))
        return select(subscriber.c.id, interests, sent.scalar_subquery().label("sent"),
                      passed.scalar_subquery().label("passed"))

    def _earlier_own(self) -> list[int]:
        """This newsletter's recent issues, which decide when a subscriber was mailed last."""
        since = self._manifest.slot.instant - _LONGEST_PERIOD
        return list(self._connection.scalars(select(issue.c.number).where(
            issue.c.newsletter == self._manifest.newsletter.name, issue.c.slot_at >= since, *self._earlier())))

    def _earlier_with_a_story(self) -> set[int]:
        """Earlier issues with an edition that contains one of the stories; of this newsletter alone if it may repeat
        the stories of others."""
        found: set[int] = set()
        own = [issue.c.newsletter == self._manifest.newsletter.name] if self._manifest.newsletter.repeats else []
        stories = sorted(self._stories)
        for start in range(0, len(stories), _PIECE):
            found.update(self._connection.scalars(
                select(brought.c.issue).distinct().join(issue, issue.c.number == brought.c.issue)
                .where(brought.c.story.in_(stories[start:start + _PIECE]), *own, *self._earlier())))
        return found

    def _earlier(self) -> list[ColumnElement[bool]]:
        return [] if self._before is None else [issue.c.number < self._before]

    def _past_of(self, sent: str | None, passed: str | None) -> Past:
        mails = [self._edition(number) for number in _parsed(sent)]
        quiet = [self._edition(number) for number in _parsed(passed)]
        had = frozenset[str]().union(*(stories for stories, _ in (*mails, *quiet)))
        return Past(had, max((slot for _, slot in mails if slot is not None), default=None))

    def _edition_of(self, number: int) -> tuple[frozenset[str], datetime | None]:
        """The issue's stories that an earlier edition brought, and its slot if it was this newsletter's (else None)."""
        query = select(issue.c.newsletter, issue.c.slot_at).join(edition).where(edition.c.number == number)
        newsletter, slot = self._connection.execute(query).one()
        own = newsletter == self._manifest.newsletter.name
        return self._stories & stories_of(self._connection, number), slot if own else None


def stories_of(connection: Connection, edition_number: int) -> frozenset[str]:
    """Ids of the stories that an edition brought: its own, and those that they stood for."""
    query = select(edition.c.issue, edition.c.content).where(edition.c.number == edition_number)
    number, content = connection.execute(query).one()
    own = edition_of(content).stories
    merged = select(brought.c.story).where(brought.c.issue == number, brought.c.pick.in_(own))
    return frozenset((*own, *connection.scalars(merged)))


def _numbers(column: Column[int]) -> Select[Any]:
    return select(func.aggregate_strings(cast(column, Text), ","))


def _parsed(numbers: str | None) -> Sequence[int]:
    return [int(number) for number in numbers.split(",")] if numbers else []
