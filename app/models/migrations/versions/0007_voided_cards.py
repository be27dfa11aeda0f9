"""A card remembers that it was ended by itself, though it is used up; kept events are found by their op."""

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
