"""What must not go into the recycle bin: a batch with cards out in the world, a product with batches."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import BatchInUse, BatchUnfinished, NotFound, ProductInUse
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.services.hidden import removed
from app.services.recount import LIVE


def refuse_live_batch(session: Session, batch: Batch) -> None:
    """Raises BatchUnfinished, and BatchInUse while somebody may hold one of its cards with something on it."""
    if batch.state == "generating":
        raise BatchUnfinished(batch.serial)
    if batch.state == "voided":
        return
    rows = select(func.count(), func.sum(Card.balance_minor)).where(Card.batch_id == batch.id)
    cards, minor = session.execute(rows.where(Card.state.in_(LIVE))).one()
    if batch.released_at is not None:
        untouched = batch.quantity - (session.scalar(select(func.count()).where(Card.batch_id == batch.id)) or 0)
        cards, minor = cards + untouched, (minor or 0) + untouched * (batch.face_minor or 0)
    if cards:
        raise BatchInUse(batch.serial, cards, minor or 0)


def refuse_used_product(session: Session, product_id: int) -> None:
    """Raises ProductInUse while one of its batches is neither voided nor in the bin itself."""
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("product", str(product_id))
    wanted = select(func.count()).select_from(Batch).where(Batch.product_id == product_id, Batch.state != "voided")
    batches = session.scalar(wanted.where(Batch.id.not_in(removed("batch")))) or 0
    if batches:
        raise ProductInUse(product.name, batches)
