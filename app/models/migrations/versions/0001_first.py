"""The first schema, spelled out: it stays as it is whatever the models become."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _audit_checkpoint()
    _audit_entry()
    _card_key()
    _daily_figure()
    _number()
    _outbox_op()
    _person()
    _product()
    _raw_event()
    _redemption()
    _setting()
    _batch()
    _distribution()
    _card()
    _code_block()
    _delivery()
    _delivery_indices()
    op.get_bind().exec_driver_sql(
        "INSERT INTO number (n) WITH RECURSIVE up(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM up WHERE n < 20479) "
        "SELECT n FROM up"
    )
    for table in ("audit_entry", "audit_checkpoint"):
        for act in ("UPDATE", "DELETE"):
            op.get_bind().exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )


def _audit_checkpoint() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_checkpoint")),
    )


def _audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )


def _card_key() -> None:
    op.create_table(
        "card_key",
        sa.Column("blind", sa.LargeBinary(length=16), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("blind", name=op.f("pk_card_key")),
        sqlite_with_rowid=False,
    )


def _daily_figure() -> None:
    op.create_table(
        "daily_figure",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "hour", "product_id", "channel", "metric", name=op.f("pk_daily_figure")),
    )


def _number() -> None:
    op.create_table(
        "number", sa.Column("n", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("n", name=op.f("pk_number"))
    )


def _outbox_op() -> None:
    op.create_table(
        "outbox_op",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("op_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("aggregate", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("in_flight_since", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'in_flight', 'applied', 'rejected', 'withdrawn')", name=op.f("ck_outbox_op_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_op")),
        sa.UniqueConstraint("op_id", name=op.f("uq_outbox_op_op_id")),
    )
    op.create_index("ix_outbox_op_aggregate", "outbox_op", ["aggregate"])
    op.create_index("ix_outbox_op_state", "outbox_op", ["state", "id"])


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pinyin_key", sa.String(), nullable=False),
        sa.Column("search", sa.String(), nullable=False),
        sa.Column("employee_no", sa.String(), nullable=True),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("phone_tail", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index("ix_person_email", "person", ["email"])
    op.create_index("ix_person_employee_no", "person", ["employee_no"])
    op.create_index("ix_person_phone", "person", ["phone"])
    op.create_index("ix_person_phone_tail", "person", ["phone_tail"])
    op.create_index("ix_person_pinyin_key", "person", ["pinyin_key", "id"])


def _product() -> None:
    op.create_table(
        "product",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("face_minor", sa.Integer(), nullable=True),
        sa.Column("min_minor", sa.Integer(), nullable=True),
        sa.Column("max_minor", sa.Integer(), nullable=True),
        sa.Column("step_minor", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("target_url", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('fixed', 'variable', 'exchange', 'supplier')", name=op.f("ck_product_kind")),
        sa.CheckConstraint("face_minor IS NULL OR face_minor >= 0", name=op.f("ck_product_face")),
        sa.CheckConstraint("uses >= 1", name=op.f("ck_product_uses")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )


def _raw_event() -> None:
    op.create_table(
        "raw_event",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "epoch", name=op.f("pk_raw_event")),
    )


def _redemption() -> None:
    op.create_table(
        "redemption",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("remaining_minor", sa.Integer(), nullable=True),
        sa.Column("remaining_uses", sa.Integer(), nullable=True),
        sa.Column("reverses", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("device_class", sa.String(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('redeemed', 'reversed')", name=op.f("ck_redemption_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption")),
    )
    op.create_index("ix_redemption_at", "redemption", ["at"])
    op.create_index("ix_redemption_batch_at", "redemption", ["batch_id", "at"])
    op.create_index("ix_redemption_card", "redemption", ["card_id"])
    op.create_index("ix_redemption_reverses", "redemption", ["reverses"])


def _setting() -> None:
    op.create_table(
        "setting",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )


def _batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.LargeBinary(length=16), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("code_length", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("first_card_id", sa.Integer(), nullable=False),
        sa.Column("face_minor", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed_at", sa.BigInteger(), nullable=True),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('generating', 'ready', 'published', 'voided')", name=op.f("ck_batch_state")),
        sa.CheckConstraint("made >= 0 AND made <= quantity", name=op.f("ck_batch_made")),
        sa.CheckConstraint("taken >= 0 AND taken <= quantity", name=op.f("ck_batch_taken")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_batch_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("first_card_id", name=op.f("uq_batch_first_card_id")),
        sa.UniqueConstraint("serial", name=op.f("uq_batch_serial")),
        sa.UniqueConstraint("uid", name=op.f("uq_batch_uid")),
    )
    op.create_index(op.f("ix_batch_product_id"), "batch", ["product_id"])


def _distribution() -> None:
    op.create_table(
        "distribution",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("template", sa.JSON(), nullable=False),
        sa.Column("roster_hash", sa.String(), nullable=True),
        sa.Column("out_folder", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_distribution_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distribution")),
        sa.UniqueConstraint("uid", name=op.f("uq_distribution_uid")),
    )


def _card() -> None:
    op.create_table(
        "card",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=True),
        sa.Column("balance_minor", sa.Integer(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('in_stock', 'assigned', 'active', 'spent', 'voided')", name=op.f("ck_card_state")
        ),
        sa.CheckConstraint("balance_minor IS NULL OR balance_minor >= 0", name=op.f("ck_card_balance")),
        sa.CheckConstraint("uses_left >= 0", name=op.f("ck_card_uses_left")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_card_batch_id_batch")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_card_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
    )
    op.create_index("ix_card_batch_state", "card", ["batch_id", "state"])
    op.create_index("ix_card_person", "card", ["person_id"])
    op.create_index("ix_card_state_changed", "card", ["state", "changed_at"])


def _code_block() -> None:
    op.create_table(
        "code_block",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_code_block_batch_id_batch")),
        sa.PrimaryKeyConstraint("batch_id", "no", name=op.f("pk_code_block")),
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("distribution_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("link_id", sa.String(), nullable=True),
        sa.Column("link_secret", sa.String(), nullable=True),
        sa.Column("pickup_code", sa.String(), nullable=True),
        sa.Column("link_stored_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("recalled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('prepared', 'released', 'sending', 'sent', 'delivered', 'claimed', 'failed', 'uncertain', "
            "'recalled', 'skipped')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distribution.id"], name=op.f("fk_delivery_distribution_id_distribution")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_delivery_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "distribution_id", "person_id", "no", name=op.f("uq_delivery_distribution_id_person_id_no")
        ),
    )


def _delivery_indices() -> None:
    op.create_index("ix_delivery_card", "delivery", ["card_id"])
    op.create_index("ix_delivery_distribution_state", "delivery", ["distribution_id", "state"])
    op.create_index("ix_delivery_link", "delivery", ["link_id"], unique=True)
    op.create_index("ix_delivery_person", "delivery", ["person_id"])
