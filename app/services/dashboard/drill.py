"""From a number to the list that counts it: which screen, narrowed by what."""

from dataclasses import dataclass
from datetime import timedelta

from app.errors import InvalidInput
from app.models.base import now
from app.services.dashboard.rows import Period
from app.services.ledger import CardsOut, DeliveryFilter, RedemptionFilter

CARDS_ISSUED = ("issued", "redemption_money", "redemption_cards")
DELIVERIES = {"delivery": "delivered", "open": "opened", "claim": "claimed"}
STEPS = ("sent", "delivered", "opened", "claimed")


@dataclass(frozen=True, slots=True)
class ListLink:
    """`list` is cards, deliveries or redemptions; `filter` narrows that list to what the number counts."""

    list: str
    filter: CardsOut | DeliveryFilter | RedemptionFilter


def link_to(
    number: str, period: Period, *, product_id: int | None, channel: str | None, cell: tuple[int, int] | None
) -> ListLink:
    """A rate leads to the list of its numerator, a rate of redemption to the cards of its period."""
    begin, end = period.begin, period.end
    if number in ("outstanding", "expiring"):
        days = 30 if number == "expiring" else None
        return ListLink("cards", CardsOut(product_id=product_id, channel=channel, live=True, expiring_days=days))
    if number in CARDS_ISSUED:
        return ListLink("cards", CardsOut(product_id=product_id, channel=channel, issued_from=begin, issued_to=end))
    if number == "mature_30":
        old = min(end, now() - timedelta(days=30))
        return ListLink("cards", CardsOut(product_id=product_id, channel=channel, issued_from=begin, issued_to=old))
    if number == "redeemed_cards":
        out = CardsOut(product_id=product_id, channel=channel, issued_from=begin, issued_to=end, redeemed=True)
        return ListLink("cards", out)
    if number in (*DELIVERIES, *STEPS):
        step = DELIVERIES.get(number, number)
        return ListLink("deliveries", DeliveryFilter(step, begin, end, product_id=product_id, channel=channel))
    if number in ("redeemed", "heatmap"):
        weekday, hour = cell if cell is not None else (None, None)
        wanted = RedemptionFilter(
            begin=begin,
            end=end,
            product_id=product_id,
            channel=channel,
            net=cell is None,
            use=cell is not None,
            weekday=weekday,
            hour=hour,
        )
        return ListLink("redemptions", wanted)
    raise InvalidInput("number", "unknown-kind")
