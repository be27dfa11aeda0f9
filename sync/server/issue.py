"""What desktops tell the endpoint: batches and cards they made, froze or voided, uploads and seals."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from sync.protocol import (
    Op,
    OpResult,
    from_ms,
    from_wire,
    to_ms,
    to_wire,
    unb64,
)
from sync.rules import Wanted
from sync.server import balances, devices, feed, leases, links, recovery, stopping
from sync.server.access import SLUG, Device, require
from sync.server.epochs import recovering
from sync.server.outcomes import answered, fingerprint_of, is_decided, keep, returned_print, told
from sync.server.problems import Refusal, problem
from sync.server.redemption import Ask, redeem
from sync.server.reversal import Undo, reverse
from sync.server.secret_files import ServerSecrets
from sync.server.transaction import Transaction
from sync.upcasting import upcast

LARGEST = 1_000_000
MOST_USES = 10_000
LEASED = "redeem.leased@1"
OF_LEDGER = ("redeem@1", "reverse@1", "card.topup@1", "card.refund@1")
DECIDING = frozenset({*OF_LEDGER, LEASED, "lease.take@1", "lease.return@1", "lease.reclaim@1"} - {"redeem@1"})
"""What has to wait until it is known how the cards stand."""
MISSHAPEN: tuple[type[Exception], ...] = (AttributeError, KeyError, TypeError, ValueError)
"""What a body of another shape than described raises."""
Outcome = dict[str, Any]


class Issue:
    """Applies ops of desktops; `secrets` makes verifiers and signs receipts."""

    def __init__(self, secrets: ServerSecrets) -> None:
        self._secrets = secrets
        self._acts: dict[str, Callable[[Transaction, Device, Op, int], Outcome]] = {
            "merchant.update@1": _update_merchant,
            "batch.create@1": _create_batch,
            **stopping.ACTS,
            "link.recall@1": links.recall,
            "reverse@1": self._reverse,
            "card.topup@1": self._top_up,
            "card.refund@1": self._refund,
            "lease.take@1": leases.take,
            "lease.return@1": leases.give_back,
            "lease.reclaim@1": leases.reclaim,
            "conflict.settle@1": leases.settle,
            "recovery.lift@1": recovery.lift,
            LEASED: self._redeem_leased,
            **devices.ACTS,
        }

    def verifier(self, d: bytes) -> bytes:
        return self._secrets.verifier(d)

    def apply(self, transaction: Transaction, device: Device, op: Op, *, at_ms: int) -> OpResult:
        """One op: its stored outcome if it was seen before, else its effect; a refusal is an outcome, too."""
        print_ = fingerprint_of(op.type, msgspec.json.encode(op.body, order="deterministic"))
        type_, body = upcast(op.type, op.body)
        op = msgspec.structs.replace(op, type=type_, body=body)
        try:
            if op.type not in self._acts and op.type != "redeem@1":
                raise Refusal("op-unknown")
            self._let(transaction, device, op)
            if op.type == "redeem@1":
                outcome, fresh = self._redeem(transaction, device, op, at_ms)
                return _result(op, outcome, fresh=fresh)
            known = answered(transaction, device.merchant_id, op.op_id, print_, *self._returned(op))
            if known is not None:
                return _result(op, known, fresh=False)
            if op.type in DECIDING and not is_moved(op) and recovering(transaction, {device.merchant_id}):
                raise Refusal("recovering")
        except Refusal as refusal:
            return _rejected(op, refusal)
        outcome = self._attempt(transaction, device, op, at_ms)
        if "refused" not in outcome or not is_moved(op):
            keep(transaction, device.merchant_id, op.op_id, fingerprint=print_, outcome=outcome, at_ms=at_ms)
        return _result(op, outcome, fresh=True)

    def _let(self, transaction: Transaction, device: Device, op: Op) -> None:
        """Whether its role lets the device do that, now. Whatever it was let do before keeps its outcome; and what was
        given out under a lease was given out, whatever the role of its counter is since; but it came from no other
        endpoint. Raises Refusal."""
        try:
            if is_moved(op):
                require(device, "carry")
            require(device, op.type)
        except Refusal:
            given = not is_moved(op) and leases.is_given_to(transaction, device, op)
            if not given and not is_decided(transaction, device.merchant_id, op.op_id):
                raise

    def _attempt(self, transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
        try:
            with transaction.step():
                return self._acts[op.type](transaction, device, op, at_ms)
        except Refusal as refusal:
            return {"refused": refusal.key, "more": refusal.more}
        except transaction.dialect.twice:
            return {"refused": "stale-version", "more": {}}
        except (*MISSHAPEN, *transaction.dialect.unfit) as error:
            pointer = f"/body/{error.args[0]}" if isinstance(error, KeyError) else "/body"
            return {"refused": "invalid", "more": {"pointers": [pointer]}}

    def _returned(self, op: Op) -> list[bytes]:
        """What it has as its fingerprint when it was given back."""
        try:
            if op.type == LEASED:
                return [returned_print(self.verifier(unb64(str(op.body["d"]))))]
            if op.type in ("card.topup@1", "card.refund@1"):
                return [returned_print(f"{op.body['batch_id']}#{op.body['card_no']}")]
            return [returned_print(str(op.body["redemption_id"]))] if op.type == "reverse@1" else []
        except (KeyError, ValueError):
            return []

    def _redeem_leased(self, transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
        verifier = self.verifier(unb64(str(op.body["d"])))
        return leases.redeem(transaction, device, op, at_ms, verifier=verifier, secrets=self._secrets)

    def _reverse(self, transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
        undo = Undo(
            device.merchant_id,
            op.op_id,
            redemption_id=str(op.body["redemption_id"]),
            reason=_text(op.body["reason"], 500),
            device_id=device.id,
            at_ms=leases.undone_ms(transaction, device, op, at_ms) if _was_leased(op) else _decided(op, at_ms),
            moved=is_moved(op),
        )
        return reverse(transaction, undo, self._secrets)

    def _top_up(self, transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
        amount = _whole(op.body["amount_minor"], least=1)
        if amount is None:
            raise TypeError("number")
        return balances.top_up(transaction, _change(device, op, at_ms), amount, self._secrets)

    def _refund(self, transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
        amount, uses = (_whole(op.body.get(name), least=1) for name in ("amount_minor", "uses"))
        return balances.refund(transaction, _change(device, op, at_ms), Wanted(amount, uses), self._secrets)

    def _redeem(self, transaction: Transaction, device: Device, op: Op, at_ms: int) -> tuple[Outcome, bool]:
        try:
            ask = Ask(
                device.merchant_id,
                op.op_id,
                self.verifier(unb64(str(op.body["d"]))),
                amount_minor=_whole(op.body["amount_minor"], least=1),
                uses=_whole(op.body["uses"], least=1),
                entry="counter",
                at_ms=_decided(op, at_ms),
                place=_text(op.body["place"], 200),
                device_id=device.id,
                device_class="desktop",
                moved=is_moved(op),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal("invalid", pointers=["/body"]) from error
        with transaction.step():
            return redeem(transaction, ask, self._secrets)


# --- single acts ---


def _update_merchant(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    body = op.body
    name, phone, slug = _text(body["name"], 200), _text(body["phone"], 200), _text(body["slug"], 64)
    taken = transaction.one("SELECT id FROM merchant WHERE slug = ? AND id <> ?", slug, device.merchant_id)
    if slug and (taken or not SLUG.fullmatch(slug)):
        raise Refusal("invalid", pointers=["/body/slug"])
    transaction.run("UPDATE merchant SET name = ?, phone = ? WHERE id = ?", name, phone, device.merchant_id)
    if slug:
        transaction.run("UPDATE merchant SET slug = ? WHERE id = ?", slug, device.merchant_id)
    return _event(transaction, device, op, at_ms, type_="merchant.updated@1", body={"name": name, "phone": phone})


def _create_batch(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    body = op.body
    face = body["face"]
    money = face["kind"] == "money"
    count, uid = _whole(body["count"], least=1), str(UUID(body["batch_id"]))
    if count is None or count > LARGEST:
        raise Refusal("invalid", pointers=["/body/count"])
    if transaction.one("SELECT id FROM batch WHERE merchant_id = ? AND uid = ?", device.merchant_id, uid):
        raise Refusal("stale-version")
    transaction.run(
        "INSERT INTO batch (merchant_id, uid, name, kind, money, currency, face_minor, uses, partial, valid_from_ms, "
        "valid_until_ms, count, frozen, voided, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
        *(device.merchant_id, uid, _text(body["name"], 200), _text(body["kind"], 20), int(money)),
        *(_text(face.get("currency", "CNY"), 3), _whole(face["amount_minor"]) if money else None),
        *(
            1 if money else _whole(body["max_uses"], least=1, most=MOST_USES) or 1,
            int(bool(body["partial"])),
        ),
        *(_instant(body["valid_from"]), _instant(body["valid_until"]), count, at_ms),
    )
    return _event(transaction, device, op, at_ms, type_="batch.created@1", body={"batch_id": uid, "count": count})


def _change(device: Device, op: Op, at_ms: int) -> balances.Change:
    """Raises Refusal and what a misshapen body raises: nobody moves money without a reason."""
    body = op.body
    number, reason = _whole(body["card_no"]), _text(body["reason"], 500)
    if number is None:
        raise TypeError("number")
    if not reason.strip():
        raise Refusal("invalid", pointers=["/body/reason"])
    return balances.Change(
        *(device.merchant_id, op.op_id, str(UUID(body["batch_id"])), number),
        reason=reason,
        place=_text(body["place"], 200),
        device_id=device.id,
        at_ms=_decided(op, at_ms),
        moved=is_moved(op),
    )


def is_moved(op: Op) -> bool:
    """Whether it is an entry of the ledger that another endpoint decided."""
    return op.type in OF_LEDGER and op.body.get("at") is not None and not _was_leased(op)


def _was_leased(op: Op) -> bool:
    """Whether a counter took it back under a lease of its own."""
    told = op.type == "reverse@1" and op.body.get("lease_id") is not None
    return told and op.body.get("undone_at") is not None


def _decided(op: Op, at_ms: int) -> int:
    """When it was decided: now, or for what is only moved here from another endpoint then: redeemed in time it stays
    redeemed. Raises ValueError."""
    told = _instant(op.body.get("at"))
    return at_ms if told is None else min(told, at_ms)


def _event(transaction: Transaction, device: Device, op: Op, at_ms: int, *, type_: str, body: Outcome) -> Outcome:
    at = to_wire(from_ms(at_ms))
    seq = feed.append(transaction, device.merchant_id, type_, op_id=op.op_id, at=at, body=body)
    return {"status": "applied", "seq": seq}


def _result(op: Op, outcome: Outcome, *, fresh: bool) -> OpResult:
    try:
        told(outcome)
    except Refusal as refusal:
        return _rejected(op, refusal)
    return OpResult(op.op_id, "applied" if fresh else "duplicate", seq=outcome.get("seq"), outcome=outcome)


def _rejected(op: Op, refusal: Refusal) -> OpResult:
    return OpResult(op.op_id, "rejected", problem=problem(refusal.key, **refusal.more))


def _whole(value: Any, *, least: int = 0, most: int = 2**53) -> int | None:
    """A whole number of the protocol. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError("number")
    return value


def _text(value: Any, longest: int) -> str:
    """A text, cut to what is kept of it. Raises TypeError for anything else: null is not the word None."""
    if not isinstance(value, str):
        raise TypeError("text")
    return value[:longest]


def _instant(text: Any) -> int | None:
    return None if text is None else to_ms(from_wire(str(text)))
