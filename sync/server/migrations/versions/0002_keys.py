"""Cards lie in the order of their verifiers on SQLite, and outcomes are found by the op id alone, as the phone asks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql("ALTER TABLE op DROP CONSTRAINT op_pkey, ADD PRIMARY KEY (op_id, merchant_id)")
        return
    _card("card_next")
    _replace("card", by="verifier")
    _op("op_next")
    _replace("op", by="op_id")
    for act in ("UPDATE", "DELETE"):
        bind.exec_driver_sql(
            f"CREATE TRIGGER op_no_{act.lower()} BEFORE {act} ON op "
            "BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END"
        )


def _replace(table: str, *, by: str) -> None:
    op.get_bind().exec_driver_sql(f"INSERT INTO {table}_next SELECT * FROM {table} ORDER BY {by}")
    op.drop_table(table)
    op.rename_table(f"{table}_next", table)


def _card(name: str) -> None:
    op.create_table(
        name,
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("no", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("frozen", sa.Integer(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'spent', 'voided')", name="ck_card_state"),
        sa.CheckConstraint("balance_minor IS NULL OR balance_minor >= 0", name="ck_card_balance"),
        sa.CheckConstraint("uses_left >= 0", name="ck_card_uses"),
        sa.PrimaryKeyConstraint("verifier"),
        sa.UniqueConstraint("batch_id", "no"),
        sqlite_with_rowid=False,
    )


def _op(name: str) -> None:
    op.create_table(
        name,
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("op_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("op_id", "merchant_id"),
    )
