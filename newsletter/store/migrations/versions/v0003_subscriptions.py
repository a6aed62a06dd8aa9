"""Subscriptions, handles, which issue brought which story, and hashes over the stored text.

An issue that an older version froze keeps its hash (`manifest_hash`, from which its mails take their boundaries) and
the form of its links (`link_version` 1). The preference file is read again before anything is sent: it says who is
subscribed to what.
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _subscribers()
    _subscriptions()
    op.add_column("issue", sa.Column("text_hash", sa.Text(), nullable=False, server_default=""))
    op.add_column("issue", sa.Column("link_version", sa.Integer(), nullable=False, server_default=sa.text("1")))
    op.create_table(
        "brought",
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("issue", _NUMBER, nullable=False),
        sa.Column("pick", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("story", "issue", name="pk_brought"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_brought_issue"),
    )
    connection = op.get_bind()
    _hash_manifests(connection)
    _note_what_was_brought(connection)
    _remember(connection)


def _subscribers() -> None:
    with op.batch_alter_table("subscriber", recreate="never") as table:
        table.add_column(sa.Column("newsletters", sa.Text(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("paused_until", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("handle", sa.Text(), nullable=True))
    op.create_index("uq_subscriber_handle", "subscriber", ["handle"], unique=True)
    op.create_table(
        "former_handle",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("subscriber", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("handle", name="pk_former_handle"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscriber.id"], name="fk_former_handle_subscriber"),
    )


def _subscriptions() -> None:
    op.create_table(
        "newsletter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_newsletter"),
    )
    op.create_table(
        "subscription",
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("subscriber", _NUMBER, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("interests", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("newsletter", "subscriber", name="pk_subscription"),
        sa.ForeignKeyConstraint(["newsletter"], ["newsletter.name"], name="fk_subscription_newsletter"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscriber.id"], name="fk_subscription_subscriber"),
    )


def _hash_manifests(connection: sa.Connection) -> None:
    numbers = list(connection.scalars(sa.text("SELECT number FROM issue WHERE manifest <> ''")))
    for number in numbers:
        text = connection.scalar(sa.text("SELECT manifest FROM issue WHERE number = :number"), {"number": number})
        digest = hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()[:20]
        connection.execute(sa.text("UPDATE issue SET text_hash = :digest WHERE number = :number"),
                           {"digest": digest, "number": number})


def _note_what_was_brought(connection: sa.Connection) -> None:
    """Editions of one issue hold few distinct stories, however many editions there are. A story that was merged into
    another was brought by it."""
    for number in list(connection.scalars(sa.text("SELECT number FROM issue WHERE manifest <> ''"))):
        stories: set[str] = set()
        for content in connection.scalars(sa.text("SELECT content FROM edition WHERE issue = :number"),
                                          {"number": number}):
            stories.update(entry["story"] for section in json.loads(content)["sections"]
                           for entry in section["entries"])
        manifest = connection.scalar(sa.text("SELECT manifest FROM issue WHERE number = :number"), {"number": number})
        picks = {candidate["story"]["id"]: candidate["merged_into"] or candidate["story"]["id"]
                 for candidate in json.loads(manifest)["candidates"]}
        rows = [{"story": story, "issue": number, "pick": pick}
                for story, pick in ({story: story for story in stories} | picks).items() if pick in stories]
        if rows:
            connection.execute(
                sa.text("INSERT INTO brought (story, issue, pick) VALUES (:story, :issue, :pick)"), rows)


def _remember(connection: sa.Connection) -> None:
    """Links of version 1 name a row: they are this store's alone, and of the rows that are there by now."""
    connection.execute(sa.text("DELETE FROM memory WHERE name = 'preferences'"))
    last = connection.scalar(sa.text("SELECT max(id) FROM subscriber"))
    if last:
        connection.execute(sa.text("INSERT INTO memory (name, value) VALUES ('links by row up to', :last)"),
                           {"last": str(last)})
