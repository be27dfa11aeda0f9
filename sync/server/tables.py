"""Tables of the endpoint, the same on SQLite and PostgreSQL. Instants are milliseconds since 1970; flags are 0 or 1."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

RowId = BigInteger().with_variant(Integer, "sqlite")

instance = Table("instance", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

merchant = Table(
    "merchant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("feed_seq", BigInteger, nullable=False),
    Column("feed_hash", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("recovering_ms", BigInteger),
    Column("restored_at", BigInteger),
)
"""`restored_at` is where the feed stood when the database was last put back from a backup; `recovering_ms` since when
its desktops are waited for."""

recovery = Table(
    "recovery",
    metadata,
    Column("merchant_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("done_ms", BigInteger),
    PrimaryKeyConstraint("merchant_id", "device_id"),
)
"""What each device has given back since the database was put back, and when it had nothing more."""

pairing = Table(
    "pairing",
    metadata,
    Column("code_digest", LargeBinary, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Column("name", Text, nullable=False, server_default=""),
    Column("made_by", Text),
)
"""`name` is what the device will be called, `made_by` the device that lets it in; empty when the command line did."""

device = Table(
    "device",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("enrolled_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger),
    CheckConstraint("state IN ('active', 'revoked')", name="ck_device_state"),
    CheckConstraint("role IN ('owner', 'manager', 'distributor', 'clerk', 'auditor')", name="ck_device_role"),
)

incarnation = Table(
    "incarnation",
    metadata,
    Column("device_id", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("device_id", "incarnation"),
)
"""Every life a device ever had; only the last one may speak."""

nonce = Table(
    "nonce",
    metadata,
    Column("device_id", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("device_id", "nonce"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("money", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("face_minor", BigInteger),
    Column("uses", Integer, nullable=False),
    Column("partial", Integer, nullable=False),
    Column("valid_from_ms", BigInteger),
    Column("valid_until_ms", BigInteger),
    Column("count", BigInteger, nullable=False),
    Column("frozen", Integer, nullable=False),
    Column("voided", Integer, nullable=False),
    Column("sealed_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("staged", Integer, nullable=False, server_default="0"),
    Column("leases", Integer, nullable=False, server_default="0"),
    UniqueConstraint("merchant_id", "uid"),
)
"""`leases` counts the open ones, so that a redemption from a batch without any asks no further. `frozen` is 1 where
people froze it and 2, or both together, where it is closed."""

lease = Table(
    "lease",
    metadata,
    Column("merchant_id", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("first_no", BigInteger, nullable=False),
    Column("end_no", BigInteger, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("taken_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    PrimaryKeyConstraint("merchant_id", "id"),
    Index("ix_lease_batch", "batch_id"),
    CheckConstraint("state IN ('open', 'returned', 'reclaimed')", name="ck_lease_state"),
)
"""Which cards a device decides about alone: numbers from `first_no` up to, not with, `end_no`."""

conflict = Table(
    "conflict",
    metadata,
    Column("merchant_id", Text, nullable=False),
    Column("op_id", Text, nullable=False),
    Column("lease_id", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("card_no", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("found_ms", BigInteger, nullable=False),
    Column("way", Text),
    Column("settled_ms", BigInteger),
    PrimaryKeyConstraint("merchant_id", "op_id"),
    CheckConstraint("way IN ('loss', 'contacted', 'undone')", name="ck_conflict_way"),
)
"""What a counter gave out offline and the card could not pay any more; `way` says how people settled it."""

chunk = Table(
    "chunk",
    metadata,
    Column("batch_id", BigInteger, nullable=False),
    Column("n", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("records", LargeBinary, nullable=False),
    PrimaryKeyConstraint("batch_id", "n"),
)
"""What was uploaded and is not sealed yet, encrypted (see uploads.py); emptied by the seal."""

card = Table(
    "card",
    metadata,
    Column("verifier", LargeBinary, primary_key=True),
    Column("batch_id", BigInteger, nullable=False),
    Column("no", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("frozen", Integer, nullable=False),
    Column("balance_minor", BigInteger),
    Column("uses_left", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("voided", Integer, nullable=False, server_default="0"),
    CheckConstraint("state IN ('active', 'spent', 'voided')", name="ck_card_state"),
    CheckConstraint("balance_minor IS NULL OR balance_minor >= 0", name="ck_card_balance"),
    CheckConstraint("uses_left >= 0", name="ck_card_uses"),
    sqlite_with_rowid=False,
)
"""In the order of the verifiers on SQLite: one page instead of two for a card that is looked up and changed."""

card_block = Table(
    "card_block",
    metadata,
    Column("batch_id", BigInteger, nullable=False),
    Column("n", Integer, nullable=False),
    Column("verifiers", LargeBinary, nullable=False),
    PrimaryKeyConstraint("batch_id", "n"),
)
"""Finds a card by its number; see batches.py."""

blob = Table(
    "blob",
    metadata,
    Column("merchant_id", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("stored_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("merchant_id", "id"),
)
"""What a desktop left here for its own later self, encrypted by it."""

redemption = Table(
    "redemption",
    metadata,
    Column("merchant_id", Text, nullable=False),
    Column("op_id", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("card_no", BigInteger, nullable=False),
    Column("use_no", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("remaining_minor", BigInteger),
    Column("remaining_uses", Integer),
    Column("reverses", Text),
    Column("reason", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("device_id", Text),
    Column("at_ms", BigInteger, nullable=False),
    Column("lease_id", Text),
    PrimaryKeyConstraint("merchant_id", "op_id"),
    UniqueConstraint("batch_id", "card_no", "use_no"),
    UniqueConstraint("merchant_id", "reverses"),
    CheckConstraint("kind IN ('redeemed', 'reversed', 'topped_up', 'refunded')", name="ck_redemption_kind"),
)
"""The ledger. What a card gains, by a top-up or a reversal, is negative. `use_no` is a second, independent guard
against counting a use twice."""

feed = Table(
    "feed",
    metadata,
    Column("merchant_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("op_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("receipt", LargeBinary),
    PrimaryKeyConstraint("merchant_id", "seq"),
)

op = Table(
    "op",
    metadata,
    Column("merchant_id", Text, nullable=False),
    Column("op_id", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("op_id", "merchant_id"),
)
"""Outcomes for ever. The id comes first in the key: the phone asks by it alone."""

link = Table(
    "link",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("card_no", BigInteger, nullable=False),
    Column("auth_digest", LargeBinary, nullable=False),
    Column("ciphertext", Text, nullable=False),
    Column("expires_at", Text),
    Column("gate_kind", Text),
    Column("gate_mac", LargeBinary),
    Column("pickup_mac", LargeBinary, unique=True),
    Column("pickup_ciphertext", Text),
    Column("stored_ms", BigInteger, nullable=False),
    Column("opened_ms", BigInteger),
    Column("claimed_ms", BigInteger),
    Column("recalled_ms", BigInteger),
    Index("ix_link_card", "batch_id", "card_no"),
)

link_token = Table(
    "link_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("link_id", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
"""What a pick-up code was exchanged for: lets the page go on without sending the code again."""

failure = Table(
    "failure",
    metadata,
    Column("bucket", LargeBinary, primary_key=True),
    Column("theoretical_ms", BigInteger, nullable=False),
)
"""Failures counted per address, link and merchant (GCRA: the theoretical arrival time of the next one)."""

APPEND_ONLY = ("redemption", "feed", "op")
