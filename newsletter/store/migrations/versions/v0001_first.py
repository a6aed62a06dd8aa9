"""The first tables. Never edited again: what they mean is told in `newsletter.store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _stories()
    _subscribers()
    _issues()
    _editions()
    _outbox()


def _text(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable, server_default=default)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _stories() -> None:
    op.create_table(
        "source",
        _text("name"),
        _instant("last_fetch"),
        _text("url", nullable=True),
        _text("etag", default=""),
        _text("last_modified", default=""),
        _instant("not_before", nullable=True),
        _text("paused", default=""),
        sa.PrimaryKeyConstraint("name", name="pk_source"),
    )
    op.create_table(
        "story",
        _text("id"),
        sa.Column("version", sa.String(20), nullable=False),
        _text("source"),
        _text("title"),
        _instant("date"),
        _flag("dated"),
        _text("link"),
        _text("body"),
        _text("text"),
        _text("summary"),
        sa.Column("tags", sa.JSON(), nullable=False),
        _text("language"),
        _text("picture_url", nullable=True),
        _text("picture_alt"),
        sa.Column("weight", sa.Integer(), nullable=False),
        _flag("pinned"),
        _flag("current"),
        _flag("held"),
        _instant("available"),
        _instant("kept_at"),
        sa.PrimaryKeyConstraint("id", "version", name="pk_story"),
    )
    op.create_index("ix_story_source", "story", ["source"])
    op.create_index("ix_story_available", "story", ["available"])


def _subscribers() -> None:
    op.create_table(
        "subscriber",
        sa.Column("id", _NUMBER, nullable=False),
        _text("key"),
        _text("email"),
        _text("name"),
        _text("interests"),
        _text("timezone"),
        _text("status"),
        _text("note"),
        _text("extra"),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False, server_default=sa.true()),
        _text("silenced", nullable=True),
        _instant("silenced_at", nullable=True),
        _instant("added_at"),
        _instant("changed_at"),
        sa.PrimaryKeyConstraint("id", name="pk_subscriber"),
        sa.UniqueConstraint("key", name="uq_subscriber_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "memory",
        _text("name"),
        _text("value"),
        sa.PrimaryKeyConstraint("name", name="pk_memory"),
    )


def _issues() -> None:
    op.create_table(
        "issue",
        sa.Column("number", _NUMBER, nullable=False),
        _text("id"),
        _text("newsletter"),
        _text("slot_key"),
        _instant("slot_at"),
        _text("state"),
        _text("manifest_hash"),
        _text("manifest"),
        sa.Column("audience", sa.Integer(), nullable=False),
        _instant("prepared_at"),
        _instant("started_at", nullable=True),
        _instant("finished_at", nullable=True),
        _text("note"),
        sa.PrimaryKeyConstraint("number", name="pk_issue"),
        sa.UniqueConstraint("id", name="uq_issue_id"),
        sa.UniqueConstraint("newsletter", "slot_key", name="uq_issue_newsletter_slot_key"),
        sqlite_autoincrement=True,
    )


def _editions() -> None:
    op.create_table(
        "block",
        sa.Column("issue", _NUMBER, nullable=False),
        _text("language"),
        _text("content"),
        sa.PrimaryKeyConstraint("issue", "language", name="pk_block"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_block_issue"),
    )
    op.create_table(
        "edition",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("issue", _NUMBER, nullable=False),
        sa.Column("digest", sa.String(20), nullable=False),
        _text("content"),
        sa.Column("audience", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("number", name="pk_edition"),
        sa.UniqueConstraint("issue", "digest", name="uq_edition_issue_digest"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_edition_issue"),
        sqlite_autoincrement=True,
    )


def _outbox() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("issue", _NUMBER, nullable=False),
        sa.Column("subscriber", _NUMBER, nullable=False),
        sa.Column("edition", _NUMBER, nullable=False),
        _text("state", default="queued"),
        sa.Column("due_at", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("ever_in_doubt", sa.Boolean(), nullable=False, server_default=sa.false()),
        _text("token", nullable=True),
        _instant("changed_at", nullable=True),
        _text("outcome", nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        _text("enhanced", nullable=True),
        _text("reply", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("issue", "subscriber", name="uq_delivery_issue_subscriber"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_delivery_issue"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscriber.id"], name="fk_delivery_subscriber"),
        sa.ForeignKeyConstraint(["edition"], ["edition.number"], name="fk_delivery_edition"),
    )
    op.create_index("ix_delivery_state", "delivery", ["issue", "state", "due_at", "edition"])
    op.create_table(
        "skip",
        sa.Column("issue", _NUMBER, nullable=False),
        sa.Column("subscriber", _NUMBER, nullable=False),
        sa.Column("edition", _NUMBER, nullable=True),
        _text("reason"),
        _flag("passed"),
        sa.PrimaryKeyConstraint("issue", "subscriber", name="pk_skip"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_skip_issue"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscriber.id"], name="fk_skip_subscriber"),
        sa.ForeignKeyConstraint(["edition"], ["edition.number"], name="fk_skip_edition"),
    )
