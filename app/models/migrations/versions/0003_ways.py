"""Each delivery has a channel of its own, may change it, keeps the mail server's words, and is reminded of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INSTANTS = ("link_stored_at", "sent_at", "delivered_at", "opened_at", "claimed_at", "recalled_at")
KEPT = (
    "id, distribution_id, person_id, no, product_id, wanted_minor, card_id, amount_minor, state, reason, retryable, "
    "attempts, message_id, link_id, link_secret, pickup_code, link_stored_at, sent_at, delivered_at, opened_at, "
    "claimed_at, recalled_at"
)


def upgrade() -> None:
    _new_delivery()
    op.get_bind().exec_driver_sql(
        f"INSERT INTO delivery_new ({KEPT}, channel) SELECT {KEPT}, "
        "(SELECT channel FROM distribution WHERE distribution.id = delivery.distribution_id) FROM delivery"
    )
    op.drop_table("delivery")
    op.rename_table("delivery_new", "delivery")
    op.create_index("ix_delivery_card", "delivery", ["card_id"])
    op.create_index("ix_delivery_distribution_state", "delivery", ["distribution_id", "state"])
    op.create_index("ix_delivery_link", "delivery", ["link_id"], unique=True)
    op.create_index("ix_delivery_person", "delivery", ["person_id"])
    _reminder()


def _new_delivery() -> None:
    op.create_table(
        "delivery_new",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("distribution_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("wanted_minor", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("change_to", sa.String(), nullable=True),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("said", sa.String(), nullable=True),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("link_id", sa.String(), nullable=True),
        sa.Column("link_secret", sa.String(), nullable=True),
        sa.Column("pickup_code", sa.String(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in INSTANTS),
        sa.CheckConstraint(
            "state IN ('prepared', 'released', 'sending', 'sent', 'delivered', 'claimed', 'failed', 'uncertain', "
            "'recalled', 'skipped')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distribution.id"], name=op.f("fk_delivery_distribution_id_distribution")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_delivery_person_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_delivery_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "distribution_id", "person_id", "no", name=op.f("uq_delivery_distribution_id_person_id_no")
        ),
    )


def _reminder() -> None:
    op.create_table(
        "reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("said", sa.String(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('sending', 'sent', 'failed', 'uncertain')", name=op.f("ck_reminder_state")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_reminder_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
    )
    op.create_index("ix_reminder_delivery", "reminder", ["delivery_id"])
