"""Why nothing was redeemed from a card, put onto it or paid out."""

from dataclasses import dataclass

from app.errors.base import AppError


@dataclass(eq=False)
class RedemptionRefused(AppError):
    """A card may not be redeemed; `reason` is a problem key. `remaining_minor` where the balance is too low."""

    reason: str
    remaining_minor: int | None = None


@dataclass(eq=False)
class PinWrong(AppError):
    """Not the manager's PIN; `left` tries until nobody is heard for a while."""

    left: int


@dataclass(eq=False)
class PinLocked(AppError):
    """It was wrong too often; `minutes` until it is heard again."""

    minutes: int


@dataclass(eq=False)
class CodeMistyped(AppError):
    """No card is known by this code, and its check symbols do not agree with the rest of it."""


@dataclass(eq=False)
class RedemptionUncertain(AppError):
    """The request went out and no answer came back; `op_id` is asked again with the next sync."""

    op_id: str


@dataclass(eq=False)
class PaymentRefused(RedemptionRefused):
    """Nothing was put onto a card or paid out; the same for a top-up or a refund."""


@dataclass(eq=False)
class PaymentUncertain(RedemptionUncertain):
    """The same for a top-up or a refund."""


@dataclass(eq=False)
class OverCardLimit(AppError):
    """With a top-up a card would hold more than a rule of the trade lets it; `rule` is a key of vocabulary.RULES."""

    rule: str
    would_minor: int
    most_minor: int


@dataclass(eq=False)
class SlipRefused(AppError):
    """This computer signs no receipt for an entry; `reason` is a key of messages.REASONS."""

    reason: str
