"""The endpoint's receipts beside the entries of its ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("redemption", recreate="always") as redemption:
        redemption.add_column(sa.Column("receipt", sa.LargeBinary(), nullable=True))
