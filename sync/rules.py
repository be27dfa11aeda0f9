"""May this card be redeemed, topped up, refunded? Pure functions, used at both ends; no clock, no database."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace


class CardFacts(Struct, frozen=True):
    """Everything a verdict depends on."""

    card_state: str
    """active, spent or voided (a desktop's in_stock and assigned count as active once published)."""
    card_frozen: bool
    batch_frozen: bool
    ended: bool
    """The card or its batch was voided; it may be used up all the same."""
    sealed: bool
    money: bool
    partial: bool
    balance_minor: int | None
    uses_left: int
    valid_from: datetime | None
    valid_until: datetime | None


class Wanted(Struct, frozen=True):
    """What somebody wants to redeem; None means all of it."""

    amount_minor: int | None = None
    uses: int | None = None


def judge(card: CardFacts, wanted: Wanted, at: datetime) -> str | None:
    """Why not: a problem key of the protocol, or None when the card may be redeemed. Worst reason first."""
    if not card.sealed:
        return "card-unknown"
    if card.ended or card.card_state == "voided":
        return "card-voided"
    if card.batch_frozen:
        return "batch-frozen"
    if card.card_frozen:
        return "card-frozen"
    return _timely(card, at) or _enough(card, wanted)


def judge_top_up(card: CardFacts, at: datetime) -> str | None:
    """Why nothing may be put onto the card; None when it may. One that is used up may: so it is charged again."""
    if not card.sealed:
        return "not-sealed"
    if card.ended or card.card_state == "voided":
        return "card-voided"
    if not card.money:
        return "no-money"
    if card.batch_frozen:
        return "batch-frozen"
    if card.card_frozen:
        return "card-frozen"
    return "card-expired" if card.valid_until is not None and at > card.valid_until else None


def judge_refund(card: CardFacts, wanted: Wanted) -> str | None:
    """Why so much of the card may not be paid out; None when it may. A frozen or expired one may be."""
    if not card.sealed:
        return "not-sealed"
    if card.ended or card.card_state == "voided":
        return "card-voided"
    if (wanted.uses if card.money else wanted.amount_minor) is not None:
        return "invalid"
    left, part = (card.balance_minor or 0, wanted.amount_minor) if card.money else (card.uses_left, wanted.uses)
    if left <= 0:
        return "card-spent"
    return "insufficient-balance" if part is not None and part > left else None


def past_freezes(card: CardFacts) -> CardFacts:
    """For what was decided elsewhere, before: a freeze says what is decided from now on."""
    return replace(card, batch_frozen=False, card_frozen=False)


def _timely(card: CardFacts, at: datetime) -> str | None:
    if card.valid_until is not None and at > card.valid_until:
        return "card-expired"
    if card.valid_from is not None and at < card.valid_from:
        return "card-not-yet"
    return None


def _enough(card: CardFacts, wanted: Wanted) -> str | None:
    if (wanted.uses if card.money else wanted.amount_minor) is not None:
        return "invalid"  # who takes a card of money for one of uses must not be given all of its money
    if card.money:
        return _enough_money(card, card.balance_minor or 0, wanted.amount_minor)
    if card.uses_left <= 0:
        return "card-spent"
    return "insufficient-balance" if wanted.uses is not None and wanted.uses > card.uses_left else None


def _enough_money(card: CardFacts, balance: int, wanted: int | None) -> str | None:
    if card.card_state == "spent" or balance <= 0:
        return "card-spent"
    if wanted is not None and wanted > balance:
        return "insufficient-balance"
    if wanted is not None and wanted < balance and not card.partial:
        return "no-partial"
    return None
