"""Leases: cards that a device decides about alone, and what it gave out that a card could not pay any more."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("batch", sa.Column("leases", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("redemption", sa.Column("lease_id", sa.Text(), nullable=True))
    op.create_table(
        "lease",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("first_no", sa.BigInteger(), nullable=False),
        sa.Column("end_no", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "id"),
        sa.CheckConstraint("state IN ('open', 'returned', 'reclaimed')", name="ck_lease_state"),
    )
    op.create_index("ix_lease_batch", "lease", ["batch_id"])
    op.create_table(
        "conflict",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("op_id", sa.Text(), nullable=False),
        sa.Column("lease_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("card_no", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("found_ms", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.Text(), nullable=True),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "op_id"),
        sa.CheckConstraint("way IN ('loss', 'contacted', 'undone')", name="ck_conflict_way"),
    )
