"""Products: make, change, list, put away; with the rules of the trade as prompts."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app.config import RESOURCES
from app.errors import InvalidInput, NotFound, ReasonMissing, RuleOverrideNeeded
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.hidden import removed
from app.services.recount import HAS_ADJUSTED, LIVE, REDEEMED
from app.services.stock import USABLE
from app.services.texts import one_line
from app.topics import Topic

KINDS = ("fixed", "variable", "exchange", "supplier")
FORMS = ("stored_value", "voucher", "membership", "course", "supplier_code")
LARGEST_MINOR = 100_000_000
"""One million yuan: beyond it, a typed amount is a slip."""
MOST_USES = 1_000
LONGEST_VALID_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class ProductSpec:
    """What a product is made from. Amounts in fen; `form` says what it is in trade (see domain words)."""

    name: str
    kind: str
    form: str = "voucher"
    named: bool = False
    face_minor: int | None = None
    min_minor: int | None = None
    max_minor: int | None = None
    step_minor: int | None = None
    uses: int = 1
    partial: bool = True
    valid_days: int | None = None
    valid_until: datetime | None = None
    target_url: str | None = None
    description: str = ""


class Stock(NamedTuple):
    """Cards of a product: made, still in stock, redeemed at least in part, and those that could be given now."""

    quantity: int = 0
    in_stock: int = 0
    redeemed: int = 0
    to_give: int = 0


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product as listed, with its stock and what was handed out."""

    id: int
    name: str
    kind: str
    form: str
    named: bool
    currency: str
    face_minor: int | None
    min_minor: int | None
    max_minor: int | None
    step_minor: int | None
    uses: int
    partial: bool
    valid_days: int | None
    valid_until: datetime | None
    target_url: str | None
    description: str
    archived: bool
    created_at: datetime
    quantity: int = 0
    in_stock: int = 0
    to_give: int = 0
    redeemed: int = 0

    @property
    def issued(self) -> int:
        return self.quantity - self.in_stock


@dataclass(frozen=True, slots=True)
class ProductName:
    """A product as it is offered to choose from."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rule of the trade that speaks to a product: `rule` is a key of vocabulary.RULES, `hard` needs a reason."""

    rule: str
    hard: bool
    source: str
    as_of: str


@cache
def rule_pack() -> list[dict[str, Any]]:
    """The dated rules of the trade, newest data file."""
    newest = max((RESOURCES / "rules").glob("trade_*.json"))
    rules: list[dict[str, Any]] = json.loads(newest.read_text(encoding="utf-8"))["rules"]
    return rules


def prompts(spec: ProductSpec, at: datetime) -> list[Prompt]:
    """The rules that speak to this product. Pure; never legal advice, only a question asked in time."""
    found = []
    for rule in rule_pack():
        about_it = spec.form in rule["forms"] and rule["named"] in (None, spec.named)
        if about_it and _speaks(rule["when"], spec, at):
            found.append(Prompt(rule["id"], rule["hard"], rule["source"], rule["as_of"]))
    return found


def most_on_a_card(*, form: str, named: bool) -> tuple[str, int] | None:
    """The rule about how much a card of this form may hold, and the fen; None where no rule speaks of it."""
    found = [
        (str(rule["id"]), int(rule["when"]["face_over_minor"]))
        for rule in rule_pack()
        if "face_over_minor" in rule["when"] and form in rule["forms"] and rule["named"] in (None, named)
    ]
    return min(found, key=lambda rule: rule[1], default=None)


def _speaks(when: dict[str, Any], spec: ProductSpec, at: datetime) -> bool:
    """One condition of a rule: `always`, `face_over_minor`, `expires`, `expires_within_days`."""
    if "face_over_minor" in when:
        largest = max(spec.face_minor or 0, spec.max_minor or 0)
        return largest > int(when["face_over_minor"])
    expires_in = _expires_in(spec, at)
    if "expires" in when:
        return expires_in is not None
    if "expires_within_days" in when:
        return expires_in is not None and expires_in < timedelta(days=int(when["expires_within_days"]))
    return bool(when.get("always"))


def _expires_in(spec: ProductSpec, at: datetime) -> timedelta | None:
    if spec.valid_until is not None:
        return spec.valid_until - at
    return timedelta(days=spec.valid_days) if spec.valid_days else None


class CatalogService:
    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    def add(self, spec: ProductSpec, *, override_reason: str | None = None) -> int:
        """Make a product; its id. Raises InvalidInput, RuleOverrideNeeded (a hard rule without a reason)."""
        at = now()
        spec = checked(spec, at)
        hard = self._asked_for_override(spec, at, override_reason)
        with self._database.write(Topic.CATALOG, Topic.AUDIT) as session:
            product = Product(**_columns(spec), created_at=at)
            session.add(product)
            session.flush()
            product_id = product.id
            self._audit.record(session, "product.added", subject=f"product:{product_id}", name=spec.name)
            self._record_override(session, product_id, hard, override_reason)
        return product_id

    def change(self, product_id: int, spec: ProductSpec, *, override_reason: str | None = None) -> None:
        """New batches follow the new values; batches already made keep theirs. An end day that has passed may stay."""
        at = now()
        with self._database.write(Topic.CATALOG, Topic.AUDIT) as session:
            before = _product(session, product_id)
            spec = checked(spec, at, passed=before.valid_until)
            hard = self._asked_for_override(spec, at, override_reason)
            if before.kind != spec.kind and session.scalar(
                select(func.count()).where(Batch.product_id == product_id).select_from(Batch)
            ):
                raise InvalidInput("kind", "kind-has-batches")
            session.execute(update(Product).where(Product.id == product_id).values(_columns(spec)))
            self._audit.record(session, "product.changed", subject=f"product:{product_id}", name=spec.name)
            self._record_override(session, product_id, hard, override_reason)

    def archive(self, product_id: int, *, archived: bool = True) -> None:
        """Take off the shelf (or put back): nothing is deleted."""
        with self._database.write(Topic.CATALOG, Topic.AUDIT) as session:
            _product(session, product_id)
            at = now() if archived else None
            session.execute(update(Product).where(Product.id == product_id).values(archived_at=at))
            action = "product.archived" if archived else "product.restored"
            self._audit.record(session, action, subject=f"product:{product_id}")

    def products(self, *, archived: bool | None = False, kind: str | None = None) -> list[ProductRow]:
        """All products on the shelf (or put away; None: both), newest first."""
        wanted = select(Product).where(Product.id.not_in(removed("product"))).order_by(Product.id.desc())
        if archived is not None:
            wanted = wanted.where(Product.archived_at.is_not(None) if archived else Product.archived_at.is_(None))
        if kind is not None:
            wanted = wanted.where(Product.kind == kind)
        with self._database.read() as session:
            stock = _stock(session)
            return [_row(product, stock) for product in session.scalars(wanted)]

    def product(self, product_id: int) -> ProductRow:
        with self._database.read() as session:
            return _row(_product(session, product_id), _stock(session, product_id))

    def find(self, text: str, limit: int = 20) -> list[ProductName]:
        """By a part of the name, newest first, also those put away; the newest of all for an empty text."""
        wanted = select(Product.id, Product.name).order_by(Product.id.desc()).limit(limit)
        wanted = wanted.where(Product.id.not_in(removed("product")))
        if text.strip():
            wanted = wanted.where(Product.name.icontains(text.strip(), autoescape=True))
        with self._database.read() as session:
            return [ProductName(*row) for row in session.execute(wanted)]

    def name_of(self, product_id: int) -> str:
        with self._database.read() as session:
            return _product(session, product_id).name

    def _asked_for_override(self, spec: ProductSpec, at: datetime, reason: str | None) -> list[str]:
        hard = [prompt.rule for prompt in prompts(spec, at) if prompt.hard]
        if hard and reason is None:
            raise RuleOverrideNeeded(tuple(hard))
        if hard and not (reason or "").strip():
            raise ReasonMissing
        return hard

    def _record_override(self, session: Session, product_id: int, hard: list[str], reason: str | None) -> None:
        if hard:
            self._audit.record(session, "rule.overridden", subject=f"product:{product_id}", rules=hard, reason=reason)


def checked(spec: ProductSpec, at: datetime, *, passed: datetime | None = None) -> ProductSpec:
    """The spec with what its kind does not use cleared. Raises InvalidInput naming the field.

    `passed`: the end day a product has already; it alone may lie in the past.
    """
    name = one_line("name", spec.name)
    if spec.kind not in KINDS:
        raise InvalidInput("kind", "unknown-kind")
    if spec.form not in FORMS:
        raise InvalidInput("form", "unknown-kind")
    if spec.valid_until is not None and spec.valid_until <= at and spec.valid_until != passed:
        raise InvalidInput("valid_until", "in-the-past")
    if spec.valid_days is not None and not 1 <= spec.valid_days <= LONGEST_VALID_DAYS:
        raise InvalidInput("valid_days", "out-of-range")
    if spec.target_url and not spec.target_url.startswith("https://"):
        raise InvalidInput("target_url", "not-https")
    return replace(_checked_value(spec), name=name)


def _checked_value(spec: ProductSpec) -> ProductSpec:
    if spec.kind == "fixed":
        _amount("face_minor", spec.face_minor)
        return replace(spec, min_minor=None, max_minor=None, step_minor=None, uses=1)
    if spec.kind == "variable":
        return _checked_range(spec)
    if spec.kind == "exchange":
        if not 1 <= spec.uses <= MOST_USES:
            raise InvalidInput("uses", "out-of-range")
        return replace(spec, min_minor=None, max_minor=None, step_minor=None, partial=spec.uses > 1)
    return replace(spec, form="supplier_code", min_minor=None, max_minor=None, step_minor=None, uses=1, partial=False)


def _checked_range(spec: ProductSpec) -> ProductSpec:
    lowest, highest = _amount("min_minor", spec.min_minor), _amount("max_minor", spec.max_minor)
    step = _amount("step_minor", spec.step_minor if spec.step_minor is not None else 1)
    if highest < lowest:
        raise InvalidInput("max_minor", "out-of-range")
    face = spec.face_minor if spec.face_minor is not None else lowest
    if not lowest <= face <= highest or (face - lowest) % step:
        raise InvalidInput("face_minor", "out-of-range")
    return replace(spec, face_minor=face, step_minor=step, uses=1)


def _amount(field: str, amount_minor: int | None) -> int:
    if amount_minor is None:
        raise InvalidInput(field, "required")
    if not 1 <= amount_minor <= LARGEST_MINOR:
        raise InvalidInput(field, "out-of-range")
    return amount_minor


def _columns(spec: ProductSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in ProductSpec.__dataclass_fields__}


def _product(session: Session, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("product", str(product_id))
    return product


def _stock(session: Session, product_id: int | None = None) -> dict[int, Stock]:
    """What a batch in the bin has left is no stock."""
    made = select(
        Batch.id, Batch.product_id, Batch.made, Batch.released_at, Batch.state, Batch.frozen_at, Batch.valid_until
    ).where(Batch.state != "voided")
    if product_id is not None:
        made = made.where(Batch.product_id == product_id)
    lives = select(Card.batch_id, Card.state, func.count()).group_by(Card.batch_id, Card.state)  # by its index alone
    begun: dict[int, dict[str, int]] = {}
    for batch_id, state, count in session.execute(lives):
        begun.setdefault(batch_id, {})[state] = count
    partly = _counted(session, Card.state.in_(LIVE), REDEEMED)
    paid_out = _counted(session, HAS_ADJUSTED, Card.state == "spent", ~REDEEMED)
    stopped = _counted(session, Card.state == "in_stock", Card.frozen_at.is_not(None))
    in_bin = set(session.scalars(removed("batch")))
    totals: dict[int, Stock] = {}
    for batch in session.execute(made):
        cards = begun.get(batch.id, {})
        untouched = batch.made - sum(cards.values()) if batch.released_at is None and batch.state != "generating" else 0
        stock, is_removed = untouched + cards.get("in_stock", 0), batch.id in in_bin
        gives = not is_removed and _gives(batch)
        before = totals.get(batch.product_id, Stock())
        totals[batch.product_id] = Stock(
            before.quantity + batch.made - cards.get("voided", 0) - (stock if is_removed else 0),
            before.in_stock + (0 if is_removed else stock),
            before.redeemed + cards.get("spent", 0) - paid_out.get(batch.id, 0) + partly.get(batch.id, 0),
            before.to_give + (stock - stopped.get(batch.id, 0) if gives else 0),
        )
    return totals


def _counted(session: Session, *which: ColumnElement[bool]) -> dict[int, int]:
    """Batch id → how many of its cards that have a row are such."""
    wanted = select(Card.batch_id, func.count()).join(Batch, Batch.id == Card.batch_id).where(*which)
    return {row[0]: row[1] for row in session.execute(wanted.group_by(Card.batch_id))}


def _gives(batch: Any) -> bool:
    """Whether a distribution would take cards of this batch."""
    is_good = batch.valid_until is None or batch.valid_until > now()
    return is_good and batch.state in USABLE and batch.frozen_at is None and batch.released_at is None


def _row(product: Product, stock: dict[int, Stock]) -> ProductRow:
    values = {name: getattr(product, name) for name in ProductRow.__dataclass_fields__ if hasattr(product, name)}
    return ProductRow(**values, archived=product.archived_at is not None, **stock.get(product.id, Stock())._asdict())
