"""A card remembers that it was voided, though it was used up before, or since by a counter that had not heard of it.

The feed knows which: also those that were used up, taken back and then forgotten to be voided.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BLOCK, VERIFIER = 500, 32
"""As in batches.py when this was written."""


def upgrade() -> None:
    op.add_column("card", sa.Column("voided", sa.Integer(), nullable=False, server_default="0"))
    bind = op.get_bind()
    told = sa.text("SELECT merchant_id, body FROM feed WHERE type = 'card.voided@1'")
    block = sa.text(
        "SELECT k.verifiers FROM card_block k JOIN batch b ON b.id = k.batch_id "
        "WHERE b.merchant_id = :merchant_id AND b.uid = :uid AND k.n = :n"
    )
    end = sa.text(
        "UPDATE card SET voided = 1, state = CASE WHEN state = 'spent' THEN state ELSE 'voided' END WHERE verifier = :v"
    )
    for merchant_id, body in bind.execute(told).all():
        event = json.loads(body)
        n, at = divmod(event["card_no"], BLOCK)
        row = bind.execute(block, {"merchant_id": merchant_id, "uid": event["batch_id"], "n": n}).first()
        if row is not None:
            bind.execute(end, {"v": bytes(row[0])[at * VERIFIER : (at + 1) * VERIFIER]})
    op.execute("UPDATE card SET voided = 1 WHERE state = 'voided'")
