"""One push: its ops in their order; what stands behind a refused one about the same thing is not tried.

Else a freeze would get in before the thaw it was to end, and the thaw, once it was put right, would have the last word.
"""

from collections.abc import Sequence

from sync.protocol import Op, OpResult, OpsAnswer, unb64
from sync.server import feed
from sync.server.access import Device
from sync.server.issue import Issue, is_moved
from sync.server.outcomes import is_decided
from sync.server.problems import problem
from sync.server.transaction import Transaction

Meant = tuple[str, ...]
"""What an op is about, the whole before its part: ("batch", id, number of a card); empty: nothing that can wait."""


def apply_all(issue: Issue, transaction: Transaction, device: Device, ops: Sequence[Op], *, at_ms: int) -> OpsAnswer:
    """A result for each; `retry` for what was not tried. What has its outcome gets it, wherever it stands."""
    held: list[Meant] = []
    results: list[OpResult] = []
    for op in ops:
        if _stands_behind(_meant(issue, transaction, device, op) if held else (), held) and not is_decided(
            transaction, device.merchant_id, op.op_id
        ):
            result = OpResult(op.op_id, "retry", problem=problem("held-back"))
        else:
            result = issue.apply(transaction, device, op, at_ms=at_ms)
        if result.problem is not None:
            held.append(_meant(issue, transaction, device, op))
        results.append(result)
    return OpsAnswer(results, feed.head(transaction, device.merchant_id))


def _stands_behind(meant: Meant, held: Sequence[Meant]) -> bool:
    """Whether one about the same, about the whole of it or about a part of it is among them."""
    return bool(meant) and any(other and meant[: len(other)] == other[: len(meant)] for other in held)


def _meant(issue: Issue, transaction: Transaction, device: Device, op: Op) -> Meant:
    """What is asked at a counter waits for nothing: the rules decide it, whatever was refused before it."""
    body = op.body
    if op.type == "merchant.update@1":
        return ("merchant",)
    if "link_id" in body:
        return "link", str(body["link_id"])
    if "device_id" in body:
        return "device", str(body["device_id"])
    if op.type == "lease.take@1":  # refused, it leaves everything as it was
        return ()
    if "batch_id" in body:
        return "batch", str(body["batch_id"]).lower(), *([str(body["card_no"])] if "card_no" in body else ())
    if op.type != "redeem@1" or not is_moved(op):
        return ()
    try:
        verifier = issue.verifier(unb64(str(body["d"])))
    except (KeyError, ValueError):
        return ()
    card = transaction.one(
        "SELECT b.uid, c.no FROM card c JOIN batch b ON b.id = c.batch_id WHERE c.verifier = ? AND b.merchant_id = ?",
        *(verifier, device.merchant_id),
    )
    return () if card is None else ("batch", str(card[0]), str(card[1]))
