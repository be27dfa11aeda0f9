"""Cards are found by their number through blocks instead of an index; what a restored desktop gets back has a table."""

from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BLOCK, VERIFIER = 500, 32


def upgrade() -> None:
    op.add_column("batch", sa.Column("staged", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "card_block",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("verifiers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "n"),
    )
    block = sa.table("card_block", sa.column("batch_id"), sa.column("n"), sa.column("verifiers"))
    op.create_table(
        "blob",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("stored_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id"),
    )
    bind = op.get_bind()
    for row in _blocks(bind):
        bind.execute(block.insert().values(row))
    bind.exec_driver_sql("UPDATE batch SET staged = 256 WHERE sealed_ms IS NOT NULL")
    unsealed = "SELECT id FROM batch WHERE sealed_ms IS NULL"
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(f"DELETE FROM card WHERE batch_id IN ({unsealed})")
        op.drop_constraint("card_batch_id_no_key", "card")
        return
    _card("card_next")
    bind.exec_driver_sql(
        f"INSERT INTO card_next SELECT * FROM card WHERE batch_id NOT IN ({unsealed}) ORDER BY verifier"
    )
    op.drop_table("card")
    op.rename_table("card_next", "card")


def _blocks(bind: sa.Connection) -> Iterator[dict[str, object]]:
    """Whole blocks, for a chunk was uploaded as a whole; what is missing all the same is zeros, which find no card."""
    every = sa.text("SELECT batch_id, no, verifier FROM card ORDER BY batch_id, no")
    cards = bind.execute(every.execution_options(stream_results=True))
    for (batch_id, n), found in groupby(cards, lambda card: (card[0], card[1] // BLOCK)):
        verifiers = bytearray()
        for _, number, verifier in found:
            verifiers += bytes(number % BLOCK * VERIFIER - len(verifiers)) + bytes(verifier)
        yield {"batch_id": batch_id, "n": n, "verifiers": bytes(verifiers)}


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
        sqlite_with_rowid=False,
    )
