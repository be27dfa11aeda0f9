"""Every life a device ever had, when it was last seen, and who let whom in under which name."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "incarnation",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "incarnation"),
    )
    op.get_bind().exec_driver_sql(
        "INSERT INTO incarnation (device_id, incarnation, first_ms) SELECT id, incarnation, enrolled_ms FROM device"
    )
    op.add_column("device", sa.Column("seen_ms", sa.BigInteger(), nullable=True))
    op.add_column("pairing", sa.Column("name", sa.Text(), nullable=False, server_default=""))
    op.add_column("pairing", sa.Column("made_by", sa.Text(), nullable=True))
