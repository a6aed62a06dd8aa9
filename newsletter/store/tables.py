"""The tables, as SQLAlchemy sees them. A change here needs a migration; `tests/contract` compares the two.

    source      the state of each source of stories
    story       each version of each story, the current one marked
    subscriber  each subscriber ever seen; the number never changes and is never used again
    former_handle  handles of addresses that a subscriber had before
    newsletter  each newsletter ever seen in newsletter.toml, and since when
    subscription  a subscriber's subscription to a newsletter: one row for each pair
    memory      small values by name, such as the digest of the file last read
    issue       one row for each slot, unique by (newsletter, slot_key)
    block       an issue's compiled blocks, one row for each language
    edition     an issue as chosen for one set of interests and one past
    brought     which issues contain a story in one of their editions
    delivery    the outbox: one row for each (issue, subscriber)
    skip        which subscribers were left out of an issue, and why
    lease       which senders work on an issue, and until when each counts as alive

Times are integers, microseconds since 1970 in UTC: as exact as a datetime, equal on every database, and sorted as
numbers. (ISO text would sort wrongly as soon as one of two equal seconds has a fraction.)
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""1970. In `delivery.due_at` it means "at once"."""

_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 and returned in UTC. Raises ValueError for a naive one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


def microseconds(instant: datetime) -> int:
    """The instant in microseconds since 1970. Raises ValueError for one without a time zone."""
    if instant.utcoffset() is None:
        raise ValueError(f"{instant!r} has no time zone")
    return (instant - EPOCH) // _MICROSECOND


_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key that increments by itself: on SQLite only a column declared INTEGER does."""

metadata = MetaData(naming_convention={
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
})

source = Table(
    "source", metadata,
    Column("name", Text, primary_key=True),
    Column("last_fetch", Instant, nullable=False),
    Column("url", Text),  # with the four below: the FeedState; null for files
    Column("etag", Text, nullable=False, server_default=""),
    Column("last_modified", Text, nullable=False, server_default=""),
    Column("not_before", Instant),
    Column("paused", Text, nullable=False, server_default=""),
)

story = Table(
    "story", metadata,
    Column("id", Text, primary_key=True),
    Column("version", String(20), primary_key=True),
    Column("source", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("date", Instant, nullable=False),
    Column("dated", Boolean, nullable=False),
    Column("link", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("language", Text, nullable=False),
    Column("picture_url", Text),  # null: no picture
    Column("picture_alt", Text, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("available", Instant, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Index("ix_story_source", "source"),
    Index("ix_story_available", "available"),
)

subscriber = Table(
    "subscriber", metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("interests", Text, nullable=False),  # canonical JSON: equal interests are equal text
    Column("timezone", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("extra", Text, nullable=False),  # JSON, in the order of the file's columns
    Column("line", Integer, nullable=False),
    Column("present", Boolean, nullable=False, server_default=true()),  # in the preference file when last read
    Column("silenced", Text),  # why this subscriber must not be mailed, whatever the file says; null: no reason
    Column("silenced_at", Instant),
    Column("added_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("newsletters", Text, nullable=False, server_default="{}"),  # JSON: chosen, declined and variations
    Column("paused_until", Instant),
    Column("handle", Text),  # used in place of the address where that must not be shown; null: not computed yet
    Index("uq_subscriber_handle", "handle", unique=True),
    sqlite_autoincrement=True,
)

former_handle = Table(
    "former_handle", metadata,
    Column("handle", Text, primary_key=True),
    Column("subscriber", _NUMBER, ForeignKey("subscriber.id"), nullable=False),
)

newsletter = Table(
    "newsletter", metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),  # first in newsletter.toml
)

# The key begins with the newsletter: an issue's audience is read in one scan, and one subscription in one lookup.
subscription = Table(
    "subscription", metadata,
    Column("newsletter", Text, ForeignKey("newsletter.name"), primary_key=True),
    Column("subscriber", _NUMBER, ForeignKey("subscriber.id"), primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("interests", Text, nullable=False),  # canonical JSON, variations for this newsletter included
    Column("since", Instant, nullable=False),
)

memory = Table(
    "memory", metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

issue = Table(
    "issue", metadata,
    Column("number", _NUMBER, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("newsletter", Text, nullable=False),
    Column("slot_key", Text, nullable=False),
    Column("slot_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("manifest_hash", Text, nullable=False),  # empty for a missed issue, as is the manifest
    Column("manifest", Text, nullable=False),
    Column("audience", Integer, nullable=False),
    Column("prepared_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("note", Text, nullable=False),
    Column("text_hash", Text, nullable=False, server_default=""),  # of the manifest's text as it was stored
    Column("link_version", Integer, nullable=False, server_default=text("1")),  # how links identify the subscriber
    UniqueConstraint("newsletter", "slot_key"),
    sqlite_autoincrement=True,
)

block = Table(
    "block", metadata,
    Column("issue", _NUMBER, ForeignKey("issue.number"), primary_key=True),
    Column("language", Text, primary_key=True),
    Column("content", Text, nullable=False),
)

edition = Table(
    "edition", metadata,
    Column("number", _NUMBER, primary_key=True),
    Column("issue", _NUMBER, ForeignKey("issue.number"), nullable=False),
    Column("digest", String(20), nullable=False),
    Column("content", Text, nullable=False),
    Column("audience", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("issue", "digest"),
    sqlite_autoincrement=True,
)

brought = Table(
    "brought", metadata,
    Column("story", Text, primary_key=True),
    Column("issue", _NUMBER, ForeignKey("issue.number"), primary_key=True, autoincrement=False),
    Column("pick", Text, nullable=False),  # the story that stood for it in the issue's editions; often itself
)

delivery = Table(
    "delivery", metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("issue", _NUMBER, ForeignKey("issue.number"), nullable=False),
    Column("subscriber", _NUMBER, ForeignKey("subscriber.id"), nullable=False),
    Column("edition", _NUMBER, ForeignKey("edition.number"), nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("due_at", Instant, nullable=False, server_default=text("0")),  # the earliest time to claim it
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("ever_in_doubt", Boolean, nullable=False, server_default=false()),
    Column("token", Text),  # of the sender whose answer can settle it
    Column("changed_at", Instant),  # when it came into its state; null while it never left `queued`
    Column("outcome", Text),  # with the three below: the last Receipt; null: none yet
    Column("code", Integer),
    Column("enhanced", Text),
    Column("reply", Text),
    UniqueConstraint("issue", "subscriber"),
    # One index serves three queries without reading a row: the sums by state; the next due rows, however many others
    # wait or are done; and claims that keep an edition together.
    Index("ix_delivery_state", "issue", "state", "due_at", "edition"),
)

skip = Table(
    "skip", metadata,
    Column("issue", _NUMBER, ForeignKey("issue.number"), primary_key=True, autoincrement=False),
    Column("subscriber", _NUMBER, ForeignKey("subscriber.id"), primary_key=True, autoincrement=False),
    Column("edition", _NUMBER, ForeignKey("edition.number")),
    Column("reason", Text, nullable=False),
    Column("passed", Boolean, nullable=False),  # its stories count as had, though no mail was sent
)

lease = Table(
    "lease", metadata,
    Column("token", Text, primary_key=True),  # the same as in the rows that the sender has claimed
    Column("issue", _NUMBER, ForeignKey("issue.number"), nullable=False),
    Column("until", Instant, nullable=False),  # by the database's clock
)
