"""A delivery knows its product and its face, so that one distribution can give cards of several products."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEPT = (
    "id, distribution_id, person_id, no, card_id, amount_minor, state, reason, retryable, attempts, message_id, "
    "link_id, link_secret, pickup_code, link_stored_at, sent_at, delivered_at, opened_at, claimed_at, recalled_at"
)


def upgrade() -> None:
    """SQLite adds a column at the end of the words of its table; made anew, the table reads as every other one."""
    _delivery("delivery_next")
    op.get_bind().exec_driver_sql(
        f"INSERT INTO delivery_next ({KEPT}, product_id, wanted_minor) "
        f"SELECT {', '.join(f'delivery.{name}' for name in KEPT.split(', '))}, "
        "distribution.product_id, json_extract(distribution.template, '$.amount_minor') "
        "FROM delivery JOIN distribution ON distribution.id = delivery.distribution_id"
    )
    op.drop_table("delivery")
    op.rename_table("delivery_next", "delivery")
    op.create_index("ix_delivery_card", "delivery", ["card_id"])
    op.create_index("ix_delivery_distribution_state", "delivery", ["distribution_id", "state"])
    op.create_index("ix_delivery_link", "delivery", ["link_id"], unique=True)
    op.create_index("ix_delivery_person", "delivery", ["person_id"])


def _delivery(name: str) -> None:
    op.create_table(
        name,
        *(sa.Column(column, sa.Integer(), nullable=False) for column in ("id", "distribution_id", "person_id", "no")),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("wanted_minor", sa.Integer(), nullable=True),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        *(sa.Column(column, sa.String(), nullable=True) for column in ("link_id", "link_secret", "pickup_code")),
        *(
            sa.Column(f"{step}_at", sa.BigInteger(), nullable=True)
            for step in ("link_stored", "sent", "delivered", "opened", "claimed", "recalled")
        ),
        sa.CheckConstraint(
            "state IN ('prepared', 'released', 'sending', 'sent', 'delivered', 'claimed', 'failed', 'uncertain', "
            "'recalled', 'skipped')",
            name=op.f("ck_delivery_state"),
        ),
        *(
            sa.ForeignKeyConstraint([f"{other}_id"], [f"{other}.id"], name=op.f(f"fk_delivery_{other}_id_{other}"))
            for other in ("distribution", "person", "product")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "distribution_id", "person_id", "no", name=op.f("uq_delivery_distribution_id_person_id_no")
        ),
    )
