"""A card remembers that it was ended by itself, though it is used up; kept events are found by their op, entries of the
ledger by their number in the feed and by their lease."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("card", sa.Column("voided_at", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE card SET voided_at = changed_at WHERE state = 'voided' "
        "AND batch_id NOT IN (SELECT id FROM batch WHERE state = 'voided')"
    )
    op.create_index("ix_raw_event_op", "raw_event", ["op_id"])
    op.create_index("ix_redemption_seq", "redemption", ["seq"])
    op.create_index("ix_redemption_lease", "redemption", ["lease_id"], sqlite_where=sa.text("lease_id IS NOT NULL"))
