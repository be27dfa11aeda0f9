"""Do the books agree? Cards against the ledger, deliveries against cards, figures against their sources, the outbox."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from app.models.batch import Batch, Card, CodeBlock
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp
from app.models.redemption import DailyFigure, Redemption
from app.services.integrity.rows import FEW, Finding
from app.services.recount import GONE, ISSUED, PAID, Key, recounted
from app.vocabulary import CARD_STATES, word

SERIAL = func.printf("%s-%06d", Batch.serial, Card.id - Batch.first_card_id + 1)
LEDGER = (
    select(
        Redemption.card_id,
        func.sum(Redemption.amount_minor).label("amount"),
        func.sum(Redemption.uses).label("uses"),
        func.sum(case((Redemption.kind == "topped_up", Redemption.amount_minor), else_=0)).label("put_on"),
        func.sum(case((Redemption.kind.in_(PAID), Redemption.amount_minor + Redemption.uses), else_=0)).label("paid"),
    )
    .group_by(Redemption.card_id)
    .subquery()
)
WITH_AMOUNT = ("issued", "redeemed", "reversed", "topped_up", "refunded")
"""Metrics whose amount is compared, too."""


def balances(session: Session) -> Iterator[Finding]:
    """Balance = face − Σ amounts, uses likewise, and never out of bounds: above its face only what was put onto it."""
    left = Batch.face_minor - func.coalesce(LEDGER.c.amount, 0)
    uses = Batch.uses - func.coalesce(LEDGER.c.uses, 0)
    for serial, is_, must in _cards(session, Card.balance_minor.is_not(left), (Card.balance_minor, left)):
        yield Finding("balance", serial, f"{is_} ≠ {must}")
    for serial, is_, must in _cards(session, Card.uses_left != uses, (Card.uses_left, uses)):
        yield Finding("uses", serial, f"{is_} ≠ {must}")
    beyond = or_(
        Card.balance_minor < 0,
        Card.uses_left < 0,
        Card.uses_left > Batch.uses,
        Card.balance_minor > Batch.face_minor - func.coalesce(LEDGER.c.put_on, 0),
    )
    for serial, balance, uses_left in _cards(session, beyond, (Card.balance_minor, Card.uses_left)):
        yield Finding("below-zero", serial, f"{balance}, {uses_left}")
    paid = -func.coalesce(LEDGER.c.paid, 0)
    for serial, is_, must in _cards(session, Card.adjusted != paid, (Card.adjusted, paid)):
        yield Finding("adjusted", serial, f"{is_} ≠ {must}")


def states(session: Session) -> Iterator[Finding]:
    """Spent means that nothing is left; ended that somebody ended it; in stock that nothing was taken; a person's card
    is a person's."""
    empty = case((Card.balance_minor.is_not(None), Card.balance_minor == 0), else_=Card.uses_left == 0)
    untouched = and_(Card.balance_minor.is_not_distinct_from(Batch.face_minor), Card.uses_left == Batch.uses)
    wrong = or_(
        and_(Card.state == "spent", ~empty),
        and_(Card.state.in_(("assigned", "active")), empty),
        and_(Card.state == "in_stock", ~untouched),
        and_(Card.state.in_(("in_stock", "assigned", "active")), Card.voided_at.is_not(None)),
        and_(Card.state == "voided", Card.voided_at.is_(None), Batch.state != "voided"),
    )
    for serial, state, balance in _cards(session, wrong, (Card.state, Card.balance_minor)):
        yield Finding("state", serial, f"{word(CARD_STATES, state)}, {balance}")
    handed = exists().where(Delivery.card_id == Card.id).correlate(Card)
    nobodys = and_(Card.state == "assigned", Card.person_id.is_(None), ~handed)
    for serial, _, _ in _cards(session, nobodys, (Card.state, Card.uses_left)):
        yield Finding("nobody", serial)
    begun = exists().where(Card.id == Redemption.card_id)
    for entry_id in session.scalars(select(Redemption.id).where(~begun).limit(FEW)):
        yield Finding("stray-entry", entry_id)


def deliveries(session: Session) -> Iterator[Finding]:
    """No card in two live deliveries; every live delivery's card is out, and of the product that was decided."""
    doubled = (
        select(Delivery.card_id, func.count())
        .where(Delivery.card_id.is_not(None), Delivery.state.not_in(GONE))
        .group_by(Delivery.card_id)
        .having(func.count() > 1)
        .limit(FEW)
    )
    for card_id, times in session.execute(doubled):
        yield Finding("two-deliveries", _serial(session, card_id), str(times))
    wanted = (
        select(Delivery.id, Delivery.card_id, Card.state)
        .outerjoin(Card, Card.id == Delivery.card_id)
        .where(Delivery.card_id.is_not(None), Delivery.state.not_in(GONE))
        .where(or_(Card.id.is_(None), Card.state.not_in((*ISSUED, "voided"))))
    )
    for delivery_id, card_id, _ in session.execute(wanted.limit(FEW)):
        yield Finding("delivery-card", str(delivery_id), _serial(session, card_id))
    other = (
        select(Delivery.id, Delivery.card_id)
        .join(Card, Card.id == Delivery.card_id)
        .join(Batch, Batch.id == Card.batch_id)
        .where(Batch.product_id.is_distinct_from(Delivery.product_id))
    )
    for delivery_id, card_id in session.execute(other.limit(FEW)):
        yield Finding("delivery-product", str(delivery_id), _serial(session, card_id))


def figures(session: Session) -> Iterator[Finding]:
    """The rollup against a recount from deliveries, batches and the ledger."""
    stored = {
        Key(row.day, row.hour, row.product_id, row.channel, row.metric): (row.count, row.amount_minor)
        for row in session.scalars(select(DailyFigure))
    }
    counted = recounted(session)
    told = 0
    for key in sorted(stored.keys() | counted.keys()):
        is_, must = (_compared(key, found.get(key, (0, 0))) for found in (stored, counted))
        if is_ != must and told < FEW:
            told += 1
            where = f"{key.day} {key.hour:02d}:00 {key.channel} {key.metric}"
            yield Finding("figure", where, f"{is_} ≠ {must}")


def outbox(session: Session) -> Iterator[Finding]:
    """An answer has its time, a refusal its problem, what is under way its start."""
    problem = func.coalesce(cast(OutboxOp.problem, Text), "null")
    wrong = or_(
        and_(OutboxOp.state.in_(("applied", "rejected")), OutboxOp.answered_at.is_(None)),
        and_(OutboxOp.state == "rejected", problem == "null"),
        and_(OutboxOp.state == "applied", problem != "null"),
        and_(OutboxOp.state == "in_flight", OutboxOp.in_flight_since.is_(None)),
    )
    for op_id, type_, state in session.execute(
        select(OutboxOp.op_id, OutboxOp.type, OutboxOp.state).where(wrong).limit(FEW)
    ):
        yield Finding("outbox", op_id, f"{type_} {state}")


def batch_counts(session: Session) -> Iterator[Finding]:
    """As many codes in blocks as a batch says it made, and all of them when it is ready."""
    stored = func.coalesce(select(func.sum(CodeBlock.count)).where(CodeBlock.batch_id == Batch.id).scalar_subquery(), 0)
    wanted = select(Batch.serial, stored, Batch.made, Batch.quantity).where(
        or_(stored != Batch.made, and_(Batch.state != "generating", Batch.made != Batch.quantity))
    )
    for serial, blocks, made, quantity in session.execute(wanted.limit(FEW)):
        yield Finding("batch-count", serial, f"{blocks} / {made} / {quantity}")


def _cards(session: Session, wrong: ColumnElement[bool], told: tuple[Any, Any]) -> Iterator[Any]:
    """(serial, *told) of cards that have a row and are wrong so."""
    wanted = (
        select(SERIAL, *told)
        .select_from(Card)
        .join(Batch, Batch.id == Card.batch_id)
        .outerjoin(LEDGER, LEDGER.c.card_id == Card.id)
        .where(wrong)
        .limit(FEW)
    )
    yield from session.execute(wanted)


def _serial(session: Session, card_id: int | None) -> str:
    assert card_id is not None, "asked for with a card"
    wanted = select(Batch).where(Batch.first_card_id <= card_id).order_by(Batch.first_card_id.desc()).limit(1)
    batch = session.scalar(wanted)
    return f"{batch.serial}-{card_id - batch.first_card_id + 1:06d}" if batch else str(card_id)


def _compared(key: Key, figure: tuple[int, int]) -> tuple[int, ...]:
    return (figure[0], abs(figure[1])) if key.metric in WITH_AMOUNT else figure[:1]
