"""The messages about a card and its claim link: what phones and counters ask, and what desktops store for them."""

from typing import Annotated

from msgspec import Meta, Struct

from sync.protocol import LONGEST_CIPHERTEXT, LONGEST_TEXT, Digest, Id, MerchantCard, Token, Whole


class Gate(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Annotated[str, Meta(pattern="^(phone_tail|employee_no)$")]
    digest: Digest


class Pickup(Struct, frozen=True, forbid_unknown_fields=True):
    lookup: Digest
    ciphertext: Annotated[str, Meta(max_length=LONGEST_CIPHERTEXT)]


class LinkRequest(Struct, frozen=True, forbid_unknown_fields=True):
    op_id: Id
    batch_id: Id
    card_no: Whole
    auth_digest: Digest
    ciphertext: Annotated[str, Meta(max_length=LONGEST_CIPHERTEXT)]
    expires_at: Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})] | None = None
    gate: Gate | None = None
    pickup: Pickup | None = None


class LookupRequest(Struct, frozen=True, forbid_unknown_fields=True):
    d: Digest


class HistoryEntry(Struct, frozen=True):
    at: str
    amount_minor: int
    uses: int
    kind: str


class CardState(Struct, frozen=True):
    card: str
    """active, spent, frozen, expired, voided, unsealed, supplier."""
    remaining_minor: int | None
    remaining_uses: int | None
    history: list[HistoryEntry]
    link: str
    """waiting, opened, claimed, recalled, expired; empty where no link is meant."""
    merchant: MerchantCard


class LookupAnswer(Struct, frozen=True):
    state: CardState
    batch_id: str
    card_no: int
    product: str
    face_minor: int | None
    valid_until: str | None
    leased: bool = False
    """Whether a counter without a line decides about it at the moment."""


class OpenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    auth: Token
    gate: Digest | None = None


class AuthRequest(Struct, frozen=True, forbid_unknown_fields=True):
    auth: Token


class PickupRequest(Struct, frozen=True, forbid_unknown_fields=True):
    slug: Annotated[str, Meta(max_length=64)]
    lookup: Digest
    value: Annotated[str, Meta(max_length=64)] = ""


class OpenAnswer(Struct, frozen=True, omit_defaults=True):
    ciphertext: str
    batch_id: str
    expires_at: str | None
    state: CardState
    link_id: str | None = None
    auth: str | None = None


class StateAnswer(Struct, frozen=True):
    state: CardState
    gate_kind: str | None = None


class RedeemRequest(Struct, frozen=True, forbid_unknown_fields=True):
    op_id: Id
    merchant_id: Id
    d: Digest
    amount_minor: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    uses: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    link_id: Token | None = None
    challenge: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None
    form: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None


class RedeemAnswer(Struct, frozen=True):
    status: str
    op_id: str
    redeemed_minor: int
    redeemed_uses: int
    remaining_minor: int | None
    remaining_uses: int | None
    at: str
    receipt: str | None = None
    """The endpoint's word; none for what was decided by one of before."""


class MerchantPage(Struct, frozen=True):
    merchant_id: str
    name: str
    phone: str
    slug: str
