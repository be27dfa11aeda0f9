"""Receipts beside the events of the ledger; an endpoint that was put back waits for what desktops give back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("feed", sa.Column("receipt", sa.LargeBinary(), nullable=True))
    op.add_column("merchant", sa.Column("recovering_ms", sa.BigInteger(), nullable=True))
    op.add_column("merchant", sa.Column("restored_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "recovery",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "device_id"),
    )
