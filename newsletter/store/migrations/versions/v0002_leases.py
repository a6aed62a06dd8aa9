"""The lease of an issue: its sender, and the time until which it holds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "lease",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("issue", number, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_lease"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_lease_issue"),
    )
