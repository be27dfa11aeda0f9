"""What the counter's services give: frozen rows, and how they are made."""

from dataclasses import dataclass
from datetime import datetime

from app.services.cards import CardRow
from app.services.leases import Decided
from app.words import worth
from sync.phone import CardState, LookupAnswer
from sync.protocol import OpResult, from_wire

REFUSALS = {
    "spent": "card-spent",
    "frozen": "card-frozen",
    "expired": "card-expired",
    "voided": "card-voided",
    "unsealed": "not-sealed",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the counter shows about a card. `reason` is None when it may be redeemed, else a key of messages.REASONS."""

    reason: str | None
    serial: str
    product: str
    face_minor: int | None
    remaining_minor: int | None
    remaining_uses: int | None
    valid_until: datetime | None
    holder: str
    last_at: datetime | None
    last_place: str
    offline: bool = False
    """The endpoint did not answer: this is what the vault knew at the last sync."""
    leased: bool = False
    """This computer decides about the card alone."""


@dataclass(frozen=True, slots=True)
class Payable:
    """What may be put onto a card or paid out, as the vault knows it. A reason is a key of messages.REASONS, None where
    it may be asked for; `rule` is one of vocabulary.RULES that lets the card hold `most_minor`."""

    card_id: int
    serial: str
    product: str
    balance_minor: int | None
    """None for a card of uses."""
    uses_left: int
    rule: str | None
    most_minor: int | None
    top_up_reason: str | None
    refund_reason: str | None

    def is_over(self, amount_minor: int) -> bool:
        """Whether it would hold more than it may with so much put onto it."""
        return self.most_minor is not None and (self.balance_minor or 0) + amount_minor > self.most_minor


@dataclass(frozen=True, slots=True)
class RedemptionResult:
    """`outcome` is redeemed, reversed, topped_up or refunded; what was put onto a card is negative."""

    outcome: str
    redemption_id: str
    serial: str
    redeemed_minor: int
    redeemed_uses: int
    remaining_minor: int | None
    remaining_uses: int | None
    at: datetime
    own_word: bool = False
    """Decided by this computer under a lease; the endpoint hears it with the next sync."""

    def worth_before_and_after(self) -> tuple[str, str]:
        """What the card held, in words."""
        minor, uses = self.remaining_minor, self.remaining_uses
        before = worth(None if minor is None else minor + self.redeemed_minor, (uses or 0) + self.redeemed_uses)
        return before, worth(minor, uses)


@dataclass(frozen=True, slots=True)
class Use:
    """One line of the counter's list of last uses."""

    id: str
    serial: str
    product: str
    holder: str
    kind: str
    amount_minor: int
    uses: int
    at: datetime
    place: str
    undoable: bool
    unsent: bool = False
    """Decided by this computer under a lease, and the endpoint has not confirmed it."""


def of_row(row: CardRow, reason: str | None) -> Verdict:
    return Verdict(
        reason=reason,
        serial=row.serial,
        product=row.product,
        face_minor=row.face_minor,
        remaining_minor=row.balance_minor,
        remaining_uses=row.uses_left,
        valid_until=row.valid_until,
        holder=row.holder,
        last_at=None,
        last_place="",
    )


def of_answer(answer: LookupAnswer, row: CardRow | None, place: str) -> Verdict:
    state: CardState = answer.state
    uses = [entry for entry in state.history if entry.kind == "redeemed"]
    return Verdict(
        reason=REFUSALS.get(state.card),
        serial=row.serial if row else "",
        product=answer.product,
        face_minor=answer.face_minor,
        remaining_minor=state.remaining_minor,
        remaining_uses=state.remaining_uses,
        valid_until=from_wire(answer.valid_until) if answer.valid_until else None,
        holder=row.holder if row else "",
        last_at=from_wire(uses[-1].at) if uses else None,
        last_place=place,
    )


def decided(outcome: str, serial: str, own: Decided) -> RedemptionResult:
    return RedemptionResult(
        outcome=outcome,
        redemption_id=own.op_id,
        serial=serial,
        redeemed_minor=own.amount_minor,
        redeemed_uses=own.uses,
        remaining_minor=own.remaining_minor,
        remaining_uses=own.remaining_uses,
        at=own.at,
        own_word=True,
    )


def told(outcome: str, serial: str, answer: OpResult) -> RedemptionResult:
    said = answer.outcome or {}
    return RedemptionResult(
        outcome=outcome,
        redemption_id=answer.op_id,
        serial=serial,
        redeemed_minor=int(said["redeemed_minor"]),
        redeemed_uses=int(said["redeemed_uses"]),
        remaining_minor=said["remaining_minor"],
        remaining_uses=said["remaining_uses"],
        at=from_wire(said["at"]),
    )
