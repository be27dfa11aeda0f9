"""How every figure is counted, in one sentence each: the words behind "?"."""

from app.vocabulary import Words, word

FORMULAS: Words = {
    "issued": "Cards assigned in a distribution or released as plain codes in the period, and the sum of their face "
    "values. Voided and recalled cards are left out.",
    "redeemed": "Redemptions in the period less reversals, and their amounts, as the ledger has them. Refunds are no "
    "redemptions.",
    "topped_up": "Top-ups in the period and what they put onto cards, as the ledger has them.",
    "refunded": "Refunds in the period and what they paid out, as the ledger has them.",
    "redemption_money": "Amount redeemed so far from the cards issued in the period ÷ the sum of their face values "
    "with all top-ups and less all refunds. Voided cards are left out.",
    "redemption_cards": "Cards issued in the period that were redeemed at least in part ÷ cards issued in the period. "
    "Voided cards are left out; a card that was only refunded counts as not redeemed.",
    "mature_30": "The redemption rate by amount, only of those cards of the period that were issued more than 30 days "
    "ago.",
    "outstanding": "Sum of the balances of all live cards at this moment: issued, not voided, not expired, whenever "
    "they were issued. Top-ups raise it, redemptions and refunds lower it.",
    "outstanding_cards": "All live cards at this moment: issued, not voided, not expired, whenever they were issued.",
    "delivery": "Deliveries that arrived ÷ deliveries sent, in the period.",
    "open": "Deliveries opened by a person ÷ deliveries that arrived, in the period. Link scanners do not count.",
    "claim": "Deliveries claimed ÷ deliveries that arrived, in the period.",
    "expiring": "Live cards whose validity ends within 30 days from now, and the sum of their balances.",
    "trend": "Per day: cards issued, and redemptions less reversals.",
    "by_product": "Per product: issued and redeemed in the period; outstanding at this moment.",
    "heatmap": "Redemptions less reversals in the period, by weekday and hour in the merchant's time zone.",
    "funnel": "Issued, sent, delivered, opened and claimed in the period; redeemed counts the cards issued in the "
    "period that were redeemed at least in part.",
}

TITLES: Words = {
    "issued": "Cards issued",
    "sent": "Sent",
    "delivered": "Delivered",
    "opened": "Opened",
    "claimed": "Claimed",
    "redeemed": "Redeemed",
    "topped_up": "Topped up",
    "refunded": "Refunded",
    "redemption_money": "Value redeemed",
    "redemption_cards": "Cards redeemed",
    "mature_30": "Redemption rate after 30 days",
    "outstanding": "Outstanding",
    "outstanding_cards": "Cards outstanding",
    "delivery": "Delivery rate",
    "open": "Open rate",
    "claim": "Claim rate",
    "expiring": "Ending in 30 days",
    "trend": "Issued and redeemed by day",
    "by_product": "Top products",
    "heatmap": "When cards are redeemed",
    "funnel": "Channel funnel",
}

WEEKDAYS: Words = {"0": "Mon", "1": "Tue", "2": "Wed", "3": "Thu", "4": "Fri", "5": "Sat", "6": "Sun"}


def title_of(key: str) -> str:
    """The name of a figure or step in the current language."""
    return word(TITLES, key)


def formula(key: str) -> str:
    """The sentence for a figure in the current language."""
    return word(FORMULAS, key)
