"""The ledger takes top-ups and refunds. SQLite cannot change a check: there the table is made anew, with its guards."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KINDS = "kind IN ('redeemed', 'reversed', 'topped_up', 'refunded')"


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(
            "ALTER TABLE redemption DROP CONSTRAINT ck_redemption_kind, "
            f"ADD CONSTRAINT ck_redemption_kind CHECK ({KINDS})"
        )
        return
    _redemption("redemption_next")
    bind.exec_driver_sql("INSERT INTO redemption_next SELECT * FROM redemption ORDER BY rowid")
    op.drop_table("redemption")
    op.rename_table("redemption_next", "redemption")
    for act in ("UPDATE", "DELETE"):
        bind.exec_driver_sql(
            f"CREATE TRIGGER redemption_no_{act.lower()} BEFORE {act} ON redemption "
            "BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END"
        )


def _redemption(name: str) -> None:
    op.create_table(
        name,
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("op_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("card_no", sa.BigInteger(), nullable=False),
        sa.Column("use_no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("remaining_minor", sa.BigInteger(), nullable=True),
        sa.Column("remaining_uses", sa.Integer(), nullable=True),
        sa.Column("reverses", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease_id", sa.Text(), nullable=True),
        sa.CheckConstraint(KINDS, name="ck_redemption_kind"),
        sa.PrimaryKeyConstraint("merchant_id", "op_id"),
        sa.UniqueConstraint("batch_id", "card_no", "use_no"),
        sa.UniqueConstraint("merchant_id", "reverses"),
    )
