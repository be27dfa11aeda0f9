"""The first schema, spelled out, and the triggers that make ledger, feed and ops append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("redemption", "feed", "op")


def upgrade() -> None:
    _batch()
    _card()
    _chunk()
    _device()
    _failure()
    _feed()
    _instance()
    _link()
    _link_token()
    _merchant()
    _nonce()
    _op()
    _pairing()
    _redemption()
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(
            "CREATE FUNCTION kaxia_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'this table is append-only'; END $$"
        )
    for table in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            bind.exec_driver_sql(_trigger(bind.dialect.name, table, act))


def _trigger(dialect: str, table: str, act: str) -> str:
    name = f"{table}_no_{act.lower()}"
    if dialect == "postgresql":
        return f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kaxia_append_only()"
    return f"CREATE TRIGGER {name} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END"


def _batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("money", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("face_minor", sa.BigInteger(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("partial", sa.Integer(), nullable=False),
        sa.Column("valid_from_ms", sa.BigInteger(), nullable=True),
        sa.Column("valid_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("frozen", sa.Integer(), nullable=False),
        sa.Column("voided", sa.Integer(), nullable=False),
        sa.Column("sealed_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("merchant_id", "uid"),
    )


def _card() -> None:
    op.create_table(
        "card",
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
    )


def _chunk() -> None:
    op.create_table(
        "chunk",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "n"),
    )


def _device() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("enrolled_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'manager', 'distributor', 'clerk', 'auditor')", name="ck_device_role"),
        sa.CheckConstraint("state IN ('active', 'revoked')", name="ck_device_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_device_merchant_id"), "device", ["merchant_id"])


def _failure() -> None:
    op.create_table(
        "failure",
        sa.Column("bucket", sa.LargeBinary(), nullable=False),
        sa.Column("theoretical_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket"),
    )


def _feed() -> None:
    op.create_table(
        "feed",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("op_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "seq"),
    )


def _instance() -> None:
    op.create_table(
        "instance",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("card_no", sa.BigInteger(), nullable=False),
        sa.Column("auth_digest", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("gate_kind", sa.Text(), nullable=True),
        sa.Column("gate_mac", sa.LargeBinary(), nullable=True),
        sa.Column("pickup_mac", sa.LargeBinary(), nullable=True),
        sa.Column("pickup_ciphertext", sa.Text(), nullable=True),
        sa.Column("stored_ms", sa.BigInteger(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=True),
        sa.Column("claimed_ms", sa.BigInteger(), nullable=True),
        sa.Column("recalled_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pickup_mac"),
    )
    op.create_index("ix_link_card", "link", ["batch_id", "card_no"])


def _link_token() -> None:
    op.create_table(
        "link_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )


def _merchant() -> None:
    op.create_table(
        "merchant",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("feed_seq", sa.BigInteger(), nullable=False),
        sa.Column("feed_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )


def _nonce() -> None:
    op.create_table(
        "nonce",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "nonce"),
    )
    op.create_index(op.f("ix_nonce_at_ms"), "nonce", ["at_ms"])


def _op() -> None:
    op.create_table(
        "op",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("op_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "op_id"),
    )


def _pairing() -> None:
    op.create_table(
        "pairing",
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code_digest"),
    )


def _redemption() -> None:
    op.create_table(
        "redemption",
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
        sa.CheckConstraint("kind IN ('redeemed', 'reversed')", name="ck_redemption_kind"),
        sa.PrimaryKeyConstraint("merchant_id", "op_id"),
        sa.UniqueConstraint("batch_id", "card_no", "use_no"),
        sa.UniqueConstraint("merchant_id", "reverses"),
    )
