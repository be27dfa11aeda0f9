"""Redeem at the counter and reverse, top up and refund: the endpoint decides, the vault remembers."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import (
    CodeMistyped,
    EndpointNotStarted,
    EndpointRefused,
    EndpointUnreachable,
    InvalidInput,
    NotFound,
    OverCardLimit,
    PaymentRefused,
    PaymentUncertain,
    ReasonMissing,
    RedemptionRefused,
    RedemptionUncertain,
)
from app.models.base import now
from app.models.batch import Batch
from app.models.database import Database
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.audit import AuditLog
from app.services.cards import CardRow, CardService, masked
from app.services.cards.codes import CodeReader, batch_of, batches_of, serial_of
from app.services.cloud import CloudService, word
from app.services.cloud.late_answers import is_late
from app.services.cloud.pushing import OPEN, PASSING, as_decided, decided_at
from app.services.cloud.working_set import UNCONFIRMED
from app.services.leases import LeaseService
from app.services.outbox import enqueue
from app.services.recount import USE
from app.services.redemptions.ages import Ages
from app.services.redemptions.paying import is_untold, payable
from app.services.redemptions.rows import (
    REFUSALS,
    Payable,
    RedemptionResult,
    Use,
    Verdict,
    decided,
    of_answer,
    of_row,
    told,
)
from app.services.redemptions.uses import NEWEST, LastUses, is_foreign
from app.services.settings import SettingService
from app.topics import Topic
from sync import codes as code_words
from sync import points
from sync.phone import LookupAnswer
from sync.protocol import Op, OpResult, b64, to_wire
from sync.rules import Wanted

NAMES = (("d",), ("redemption_id",), ("batch_id", "card_no"))
"""Fields of an op's body that say what it is about; each op has one of these sets."""
MUCH = ("amount_minor", "uses")
OURS_TO_SAY = ("supplier-redeems", "in-stock")
"""Reasons of which the endpoint knows nothing; any other it knows better."""
OUTCOMES = {"card.topup@1": "topped_up", "card.refund@1": "refunded"}


class RedemptionService:
    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        *,
        cards: CardService,
        reader: CodeReader,
        cloud: CloudService,
        leases: LeaseService,
        settings: SettingService,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ages = Ages(clock)
        self._uses = LastUses(database, cards, self._ages)
        self._database = database
        self._audit = audit
        self._cards = cards
        self._reader = reader
        self._cloud = cloud
        self._leases = leases
        self._settings = settings

    def look(self, typed: str) -> Verdict:
        """How a card stands, by its code. Asks the endpoint; changes nothing.

        Without a line a card of this vault is shown as the vault knows it; it cannot be redeemed then.
        Raises EndpointUnreachable for a card that is not of this vault, EndpointRefused, NotFound, CodeMistyped.
        """
        card_id, d = self._meant(typed)
        row = self._cards.rows([card_id])[0] if card_id is not None else None
        if row is not None and row.kind == "supplier":
            return of_row(row, "supplier-redeems")
        if row is not None and self._leases.holds(row.id):
            return self._of_lease(row)
        try:
            answer = self._cloud.ask(lambda client: client.look_up(d))
        except EndpointRefused as refused:
            if refused.reason != "card-unknown":
                raise
            if row is None:
                raise CodeMistyped() if _is_mistyped(typed) else NotFound("card", masked(typed.strip())) from refused
            return of_row(row, "not-sealed")
        except EndpointUnreachable:
            if row is None and _is_mistyped(typed):
                raise CodeMistyped() from None
            if row is None:
                raise
            return self._of_vault(row)
        assert isinstance(answer, LookupAnswer), "what was asked for"
        found = of_answer(answer, row, self._last_use(row)[1])
        if not answer.leased or found.reason is not None:
            return found
        return replace(found, reason=(self._leases.why_idle(row.id) if row is not None else None) or "card-leased")

    def redeem(
        self, typed: str, amount_minor: int | None = None, *, uses: int | None = None, place: str = "", pin: str = ""
    ) -> RedemptionResult:
        """Redeem a card, wholly or in part.

        A card that is leased to this computer is redeemed by its own word, with a line or without one, with a manager's
        `pin` beyond the limit; any other needs the endpoint's. Raises RedemptionRefused, RedemptionUncertain, PinWrong,
        PinLocked, EndpointUnreachable, EndpointNotStarted, and InvalidInput for an amount of nothing.
        It first looks: with no line to the endpoint nothing is put in the queue that would redeem later unseen.
        """
        if amount_minor is not None and amount_minor < 1:
            raise InvalidInput("amount", "out-of-range")
        verdict = self.look(typed)
        if verdict.offline:
            raise EndpointUnreachable(self._cloud.public_url() or "")
        if verdict.reason is not None and not verdict.leased:
            raise RedemptionRefused(verdict.reason)
        card_id, d = self._meant(typed)
        if verdict.leased and card_id is not None:
            self._refuse_while_open(b64(d))
            wanted = Wanted(amount_minor, uses)
            own = self._leases.decide(card_id, d=d, wanted=wanted, place=place, serial=verdict.serial, pin=pin)
            self._ages.begin(own.op_id)
            return decided("redeemed", verdict.serial, own)
        body = {"d": b64(d), "amount_minor": amount_minor, "uses": uses, "place": place}
        result = self._decide("redeem@1", body)
        self._ages.begin(result.op_id)
        if card_id is None:
            self._uses.products[result.op_id] = verdict.product
        self._audit.note("card.redeemed", subject=verdict.serial, op=result.op_id)
        return told("redeemed", verdict.serial, result)

    def reverse(self, redemption_id: str, *, reason: str) -> RedemptionResult:
        """Undo a redemption by an entry of its own; where that was done, the audit log says and the ledger does not.

        Raises ReasonMissing, NotFound, RedemptionRefused."""
        if not reason.strip():
            raise ReasonMissing
        with self._database.read() as session:
            entry = session.get(Redemption, redemption_id)
            foreign = entry is None and is_foreign(session, redemption_id)
            if not foreign and (entry is None or entry.kind != "redeemed"):
                raise NotFound("redemption", redemption_id)
            batch = None if entry is None else session.get_one(Batch, entry.batch_id)
            serial = "" if batch is None or entry is None else serial_of(batch, entry.card_id)
            leased = entry is not None and entry.lease_id is not None and entry.seq == UNCONFIRMED
        if leased:
            own = self._leases.take_back(redemption_id, reason=reason.strip(), serial=serial)
            return decided("reversed", serial, own)
        if batch is not None:
            self._tell_first(batch, RedemptionRefused)
        result = self._decide("reverse@1", {"redemption_id": redemption_id, "reason": reason.strip()})
        where = str(self._settings.get("counter.place") or "")
        self._audit.note("card.reversed", subject=serial, reason=reason.strip(), op=result.op_id, place=where)
        return told("reversed", serial, result)

    def payable(self, card_id: int) -> Payable:
        """What may be put onto a card or paid out, as the vault knows it. Raises NotFound."""
        with self._database.read() as session:
            return payable(session, card_id)

    def top_up(
        self, card_id: int, amount_minor: int, *, reason: str, place: str | None = None, over_limit: bool = False
    ) -> RedemptionResult:
        """Put money onto a card; `over_limit` has been confirmed where a rule of the trade speaks against it. Without a
        `place` it is this counter's.

        Raises ReasonMissing, InvalidInput, OverCardLimit, PaymentRefused, PaymentUncertain, EndpointUnreachable,
        EndpointNotStarted, NotFound.
        """
        if amount_minor < 1:
            raise InvalidInput("amount", "out-of-range")
        known = self.payable(card_id)
        over = known.is_over(amount_minor)
        if over and not over_limit:
            would_minor = (known.balance_minor or 0) + amount_minor
            raise OverCardLimit(str(known.rule), would_minor, known.most_minor or 0)
        result = self._pay("card.topup@1", known, amount_minor, reason=reason, place=place)
        if over:
            self._audit.note("rule.overridden", subject=known.serial, rules=[known.rule], reason=reason.strip())
        return result

    def refund(
        self, card_id: int, amount_minor: int | None = None, *, reason: str, place: str | None = None
    ) -> RedemptionResult:
        """Pay out what is left of a card, or a part of its money. The same is raised, OverCardLimit excepted."""
        if amount_minor is not None and amount_minor < 1:
            raise InvalidInput("amount", "out-of-range")
        return self._pay("card.refund@1", self.payable(card_id), amount_minor, reason=reason, place=place)

    def last(self, limit: int = 20) -> list[Use]:
        """The last uses, newest first; also of cards that this vault does not have."""
        return self._uses.last(limit)

    # --- the parts ---

    def _pay(
        self, type_: str, known: Payable, amount_minor: int | None, *, reason: str, place: str | None
    ) -> RedemptionResult:
        """It first asks for a sign of life: with no line nothing is put in the queue that would move money unseen."""
        if not reason.strip():
            raise ReasonMissing
        refused = known.top_up_reason if type_ == "card.topup@1" else known.refund_reason
        if refused in OURS_TO_SAY:
            raise PaymentRefused(refused)
        self._cloud.ask(lambda client: client.hello())
        where = str(self._settings.get("counter.place") or "") if place is None else place
        with self._database.read() as session:
            batch = batch_of(known.card_id, batches_of(session, [known.card_id]))
            assert batch is not None, "it was found just now"
            body = {"batch_id": str(UUID(bytes=batch.uid)), "card_no": known.card_id - batch.first_card_id}
        if type_ == "card.refund@1":
            self._tell_first(batch, PaymentRefused)
        try:
            answer = self._decide(
                type_, body | {"amount_minor": amount_minor, "reason": reason.strip(), "place": where}
            )
        except RedemptionUncertain as lost:
            raise PaymentUncertain(lost.op_id) from lost
        except RedemptionRefused as error:
            raise PaymentRefused(error.reason, error.remaining_minor) from error
        result = told(OUTCOMES[type_], known.serial, answer)
        before, after = result.worth_before_and_after()
        act = f"card.{result.outcome}"
        self._audit.note(act, subject=known.serial, reason=reason.strip(), before=before, after=after, op=answer.op_id)
        return result

    def _tell_first(self, batch: Batch, refused: type[RedemptionRefused | PaymentRefused]) -> None:
        """What no freeze stops waits until its ledger is known: a vault that moved may still have to tell it. Raises
        `refused` where it cannot be told, EndpointUnreachable."""
        for push in (True, False):
            with self._database.read() as session:
                if not is_untold(session, batch):
                    return
            if push:
                self._cloud.push_now(frozenset({f"batch:{batch.id}"}))
        raise refused("held-back")

    def _decide(self, type_: str, body: dict[str, Any]) -> OpResult:
        """Put the op down, ask, put the answer down, hear the feed. A lost answer leaves the op to be asked again."""
        op_id, body, is_new = self._put_down(type_, body)
        points.passed("desk.t1.committed")
        op = Op(op_id, type_, to_wire(now()), body)
        try:
            said = self._cloud.ask(lambda client: client.push([op]))
        except EndpointUnreachable as error:
            raise RedemptionUncertain(op_id) from error
        except (EndpointRefused, EndpointNotStarted) as refused:
            if not is_new or getattr(refused, "reason", "") in PASSING:  # it may have been stored all the same
                raise RedemptionUncertain(op_id) from refused
            with self._database.write(Topic.OUTBOX) as session:
                _note(session, op_id, "withdrawn")
            if isinstance(refused, EndpointNotStarted):  # it was never asked, so it must not redeem later unseen
                raise
            raise RedemptionRefused(refused.reason) from refused
        answer = said.results[0]
        points.passed("desk.counter.answered")
        if answer.problem is not None and answer.problem.key in PASSING:  # not decided: it is asked again by its id
            raise RedemptionUncertain(op_id)
        with self._database.write(Topic.OUTBOX) as session:
            word.keep(session, said.checkpoint)
            _note(session, op_id, "withdrawn" if answer.problem else "applied", answer)
        if answer.problem is not None:
            raise RedemptionRefused(answer.problem.key, answer.problem.remaining_minor)
        self._hear()
        return answer

    def _put_down(self, type_: str, body: dict[str, Any]) -> tuple[str, dict[str, Any], bool]:
        """Id and body of the op, and whether it is a new one.

        One whose answer was lost is asked again under its own id: a second op would take the money twice. Raises
        RedemptionUncertain when something else is wanted of that card before that answer is known.
        """
        about = next(names for names in NAMES if names[0] in body)
        aggregate = f"counter:{body[about[0]][:16]}" + "".join(f"/{body[name]}" for name in about[1:])
        wanted = select(OutboxOp).where(OutboxOp.aggregate == aggregate, OutboxOp.state.in_(OPEN))
        with self._database.write(Topic.OUTBOX) as session:
            for waiting in session.scalars(wanted):
                if any(waiting.body.get(name) != body[name] for name in about):
                    continue
                if waiting.type != type_ or any(waiting.body.get(name) != body.get(name) for name in MUCH):
                    raise RedemptionUncertain(waiting.op_id)
                return waiting.op_id, dict(waiting.body), False
            op_id = enqueue(session, type_, aggregate=aggregate, body=body)
            points.passed("desk.t1.commit")
            return op_id, body, True

    def _refuse_while_open(self, d: str) -> None:
        """Raises RedemptionUncertain while an answer about the card is open: asked before it was leased to this
        computer, it may have been yes."""
        aggregate = f"counter:{d[:16]}"
        with self._database.read() as session:
            asked = session.scalars(select(OutboxOp).where(OutboxOp.aggregate == aggregate, OutboxOp.state.in_(OPEN)))
            waiting = next((op.op_id for op in asked if op.body.get("d") == d), None)
        if waiting is not None:
            raise RedemptionUncertain(waiting)

    def _hear(self) -> None:
        """Take the fact in at once; if the line breaks now, the next sync does it."""
        try:
            self._cloud.pull()
        except (EndpointUnreachable, EndpointRefused, EndpointNotStarted):
            return

    def _meant(self, typed: str) -> tuple[int | None, bytes]:
        """The card of this vault behind a typed code, and `d` of the code. Raises NotFound for what cannot be one."""
        merchant_id = UUID(self._settings.merchant().id)
        card_id = self._cards.find_by_code(typed)
        if card_id is not None:
            return card_id, code_words.digest(merchant_id, self._code_of(card_id))
        try:
            code = code_words.canonical(typed)
        except ValueError as error:
            raise NotFound("card", masked(typed.strip())) from error
        if not code:
            raise NotFound("card", "")
        return None, code_words.digest(merchant_id, code)

    def _code_of(self, card_id: int) -> str:
        with self._database.read() as session:
            batches = batches_of(session, [card_id])
            batch = batch_of(card_id, batches)
            assert batch is not None, "a found card has its batch"
            block = self._reader.codes_of(session, [card_id], batches)[card_id]
            return block.code(card_id - batch.first_card_id - block.first)

    def _of_vault(self, row: CardRow) -> Verdict:
        """What would refuse the card anyhow is said; else, that this machine may not decide alone."""
        known = (("frozen", row.frozen), ("voided", row.state == "voided"), ("spent", row.state == "spent"),
                 ("expired", row.expired))  # fmt: skip
        idle = self._leases.why_idle(row.id)
        reason = next((REFUSALS[key] for key, holds in known if holds), idle if idle == "clock-skew" else "no-lease")
        at, place = self._last_use(row)
        return replace(of_row(row, reason), offline=True, last_at=at, last_place=place)

    def _of_lease(self, row: CardRow) -> Verdict:
        """Nobody else decides about the card, so the vault knows it all."""
        at, place = self._last_use(row)
        return replace(of_row(row, self._leases.why_not(row.id)), leased=True, last_at=at, last_place=place)

    def _last_use(self, row: CardRow | None) -> tuple[datetime | None, str]:
        """When and where, as far as the vault has heard."""
        if row is None:
            return None, ""
        used = Redemption.card_id == row.id, Redemption.kind.in_(USE)
        wanted = select(Redemption.at, Redemption.place).where(*used)
        with self._database.read() as session:
            found = session.execute(wanted.order_by(*NEWEST).limit(1)).first()
        return (found.at, found.place or "") if found else (None, "")


def _is_mistyped(typed: str) -> bool:
    """By its length a code with check symbols, and they do not agree. Asked only of what nobody knows: a pattern of
    somebody's own may be as long and has none."""
    try:
        code = code_words.canonical(typed)
    except ValueError:
        return False
    return len(code) - code_words.CHECKS in code_words.PROFILES.values() and not code_words.is_valid(code)


def _note(session: Session, op_id: str, state: str, answer: OpResult | None = None) -> None:
    """How it ended; with the time and the number that the endpoint gave it."""
    op = session.scalars(select(OutboxOp).where(OutboxOp.op_id == op_id)).one()
    if answer is not None and is_late(session, op, answer):
        return
    op.state, op.answered_at = state, now()
    if answer is not None:
        op.answered_at, op.seq, op.body = decided_at(answer) or now(), answer.seq, as_decided(op.body, answer)


__all__ = ["Payable", "RedemptionResult", "RedemptionService", "Use", "Verdict"]
