"""What narrows the list of cards, in words: one chip for each part of the question."""

from dataclasses import replace

from app.services.cards import CardFilter, CardNames
from app.services.ledger import CardsOut
from app.views.widgets.chip_bar import Chip, period_words
from app.vocabulary import CARD_STATES, CARD_VALIDITY, CHANNELS, word
from app.words import NO_DATA, ntr, tr

PERIOD, STATE, VALIDITY = "period", "states", "validity"


def chips_of(wanted: CardFilter, out: CardsOut | None, names: CardNames) -> list[Chip]:
    """`names`: what the product, the batch and the holder are called, as far as that is known yet."""
    chips = _named(wanted, out, names)
    asked = out or wanted
    if asked.issued_from is not None or asked.issued_to is not None:
        chips.append(Chip(PERIOD, tr("Issued"), period_words(asked.issued_from, asked.issued_to)))
    if out is not None:
        chips += _of_ledger(out)
    return chips


def without(key: str, wanted: CardFilter, out: CardsOut | None) -> tuple[CardFilter, CardsOut | None]:
    """The question with one part taken away. What is left of a dashboard's question is still one."""
    gone: dict[str, object] = {key: None}
    if key == STATE:
        gone = {"states": (), "frozen": None}
    elif key == VALIDITY:
        gone = {"validity": None, "ends_from": None, "ends_to": None}
    elif key == PERIOD:
        gone = {"issued_from": None, "issued_to": None}
    elif key in ("live", "redeemed"):
        gone = {key: False}
    if out is None:
        return replace(wanted, **gone), None  # type: ignore[arg-type]  # its own fields
    rest = replace(out, **gone)  # type: ignore[arg-type]  # its own fields
    return wanted, None if rest == CardsOut() else rest


def _named(wanted: CardFilter, out: CardsOut | None, names: CardNames) -> list[Chip]:
    product_id = out.product_id if out is not None else wanted.product_id
    chips = []
    if wanted.batch_id is not None:
        chips.append(Chip("batch_id", tr("Batch"), names.batch or NO_DATA))
    if product_id is not None:
        chips.append(Chip("product_id", tr("Product"), names.product or NO_DATA))
    states = [*wanted.states, *(["frozen"] if wanted.frozen else [])]
    if states:
        chips.append(Chip(STATE, tr("State"), " / ".join(word(CARD_STATES, state) for state in states)))
    if wanted.validity is not None:
        chips.append(Chip(VALIDITY, tr("Validity"), word(CARD_VALIDITY, wanted.validity)))
    elif wanted.ends_from is not None or wanted.ends_to is not None:
        ends = tr("ends {days}", days=period_words(wanted.ends_from, wanted.ends_to))
        chips.append(Chip(VALIDITY, tr("Validity"), ends))
    if wanted.person_id is not None:
        chips.append(Chip("person_id", tr("Holder"), names.holder or NO_DATA))
    return chips


def _of_ledger(out: CardsOut) -> list[Chip]:
    chips = []
    if out.channel is not None:
        chips.append(Chip("channel", tr("Channel"), word(CHANNELS, out.channel)))
    if out.live:
        chips.append(Chip("live", tr("State"), tr("still usable")))
    if out.expiring_days is not None:
        words = ntr("ends within {count} day", "ends within {count} days", out.expiring_days)
        chips.append(Chip("expiring_days", tr("Validity"), words))
    if out.redeemed:
        chips.append(Chip("redeemed", tr("Redeemed"), tr("at least in part")))
    if not chips and not out.by_time and out.product_id is None:
        chips.append(Chip("live", tr("State"), tr("issued")))
    return chips
