"""Leases and conflicts; top-ups and refunds; an entry of the ledger remembers its lease, a kept event its op."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("redemption", recreate="always") as redemption:
        redemption.add_column(sa.Column("lease_id", sa.String(), nullable=True))
        redemption.drop_constraint(op.f("ck_redemption_kind"), type_="check")
        redemption.create_check_constraint(
            op.f("ck_redemption_kind"), "kind IN ('redeemed', 'reversed', 'topped_up', 'refunded')"
        )
    op.add_column("card", sa.Column("adjusted", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_card_adjusted", "card", ["state"], sqlite_where=sa.text("adjusted != 0"))
    with op.batch_alter_table("raw_event", recreate="always") as raw_event:
        raw_event.add_column(sa.Column("op_id", sa.String(), nullable=True))
    op.create_table(
        "lease",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("first_card_id", sa.Integer(), nullable=False),
        sa.Column("end_card_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("device_name", sa.String(), nullable=False),
        sa.Column("incarnation", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'returning', 'returned', 'reclaimed', 'left')", name=op.f("ck_lease_state")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_lease_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lease")),
    )
    op.create_index("ix_lease_state", "lease", ["state"])
    _conflict()


def _conflict() -> None:
    op.create_table(
        "conflict",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("lease_id", sa.String(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("way IN ('loss', 'contacted', 'undone')", name=op.f("ck_conflict_way")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_conflict_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflict")),
    )
    op.create_index("ix_conflict_card", "conflict", ["card_id"])
