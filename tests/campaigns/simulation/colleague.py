"""Another computer of the merchant at both endpoints, with no cards of its own: what it says of others' batches."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.models.base import now
from sync.client import Identity, Refused, SyncClient, Unreachable, new_incarnation
from sync.protocol import Op, new_op_id, to_wire
from tests.campaigns.simulation.wire import client_over

if TYPE_CHECKING:
    from tests.campaigns.simulation.history import History
    from tests.campaigns.simulation.server import Server


class Colleague:
    """Thaws, refunds and undoes what it knows of from the endpoint, whether or not the vault is there. What it is told
    is so."""

    def __init__(self, history: History, base: str, server: Server) -> None:
        self._history, self._base, self._server = history, base, server

    def act(self) -> None:
        draw = self._history.draw
        batches = self._server.look("SELECT uid, money FROM batch WHERE sealed_ms IS NOT NULL ORDER BY id")
        entries = self._server.look("SELECT op_id FROM redemption WHERE kind = 'redeemed' ORDER BY op_id")
        what = draw.choice(("thaw", "refund", "refund", "reverse"))
        if not batches or (what == "reverse" and not entries):
            return
        uid, money = draw.choice(batches)
        card = {"batch_id": uid, "card_no": draw.randrange(5)}
        if what == "thaw":
            self._push("batch.thaw@1", {"batch_id": uid})
        elif what == "refund":
            part = {"amount_minor": draw.choice((50, None)) if money else None, "uses": None}
            self._push("card.refund@1", card | part | {"reason": "x", "place": ""})
        else:
            self._push("reverse@1", {"redemption_id": draw.choice(entries)[0], "reason": "x"})

    def _push(self, type_: str, body: dict[str, Any]) -> None:
        try:
            (result,) = self._client.push([Op(new_op_id(), type_, to_wire(now()), body)]).results
        except (Refused, Unreachable):
            return
        done = result.outcome or {}
        if "redeemed_minor" in done:
            self._history.told.confirm(result.op_id, done["redeemed_minor"], done["redeemed_uses"])
            self._history.told.steps["by a colleague"] += 1

    @cached_property
    def _client(self) -> SyncClient:
        history = self._history
        template, over = history.template, client_over(history.wire, f"colleague at {self._base}")
        self._server.fuse.put_out()  # not while somebody sits before it
        code = self._server.merchant(template.merchant_id, "某某商户", template.clock.ms).code
        key, life, rate = Ed25519PrivateKey.generate(), new_incarnation(), history.wire.rate
        history.wire.rate, down, history.wire.down = 0, history.wire.down, False
        answer = over(self._base).enroll(code, device_name="x", key=key, incarnation=life)
        history.wire.rate, history.wire.down = rate, down
        return over(self._base, Identity(answer.device_id, life, key))
