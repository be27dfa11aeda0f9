"""What a distribution would do, before anything is taken."""

from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.services.distribution.preparing import places, product_of
from app.services.distribution.rows import DistributionSpec, Plan
from app.services.stock import stock_of

SHOWN_NAMES = 3
WINDOW_MINUTES = 10


def plan(session: Session, spec: DistributionSpec) -> Plan:
    """Sort the list out and count. Raises NotFound."""
    product = product_of(session, spec.product_id)
    listed = places(session, spec)
    names = [place.person.name for place in listed if place.state == "prepared"]
    stock = stock_of(session, spec.product_id)
    face = spec.amount_minor if spec.amount_minor is not None else product.face_minor
    if face is None:
        face = session.query(Batch.face_minor).filter_by(product_id=product.id).order_by(Batch.id).limit(1).scalar()
    pace = spec.pace_per_10min if spec.channel == "email" else None
    return Plan(
        people=len(names),
        total_minor=len(names) * (face or 0),
        stock=stock,
        missing=max(0, len(names) - stock),
        skipped=tuple(place.person.id for place in listed if place.state == "skipped"),
        unreachable=tuple(place.person.id for place in listed if place.state == "failed"),
        first_names=tuple(names[:SHOWN_NAMES]),
        last_names=tuple(names[SHOWN_NAMES:][-SHOWN_NAMES:]),
        cost_minor=0,
        minutes=WINDOW_MINUTES * ((max(len(names), 1) - 1) // pace) if pace else 0,
    )
