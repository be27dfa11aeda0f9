"""An entry of the ledger, as the ledger, the feed and whoever asked are told of it."""

from functools import lru_cache
from typing import Any

import msgspec

from sync.phone import HistoryEntry
from sync.protocol import b64, from_ms, to_wire
from sync.receipts import entry_statement
from sync.server.outcomes import Outcome
from sync.server.secret_files import ServerSecrets
from sync.server.transaction import Row, Transaction

COLUMNS = (
    *("merchant_id", "op_id", "batch_id", "card_no", "use_no", "kind", "amount_minor", "uses", "remaining_minor"),
    *("remaining_uses", "reason", "entry", "place", "device_id", "at_ms", "lease_id"),
)


class Entry(msgspec.Struct, frozen=True):
    """One entry. `uid` is the batch's id on the wire; `lease_id` the lease a counter decided it under, offline. What is
    put onto a card has a negative amount: a balance is always the face less the sum."""

    merchant_id: str
    op_id: str
    batch_id: int
    uid: str
    card_no: int
    use_no: int
    amount_minor: int
    uses: int
    remaining_minor: int | None
    remaining_uses: int | None
    entry: str
    place: str
    device_id: str | None
    device_class: str
    at_ms: int
    link_id: str | None = None
    lease_id: str | None = None
    kind: str = "redeemed"
    reason: str = ""
    moved: bool = False
    """Decided by another endpoint, and told since: a freeze that came first here stands."""

    def row(self) -> Row:
        return (
            *(self.merchant_id, self.op_id, self.batch_id, self.card_no, self.use_no, self.kind, self.amount_minor),
            *(self.uses, self.remaining_minor, self.remaining_uses, self.reason, self.entry, self.place),
            *(self.device_id, self.at_ms, self.lease_id),
        )

    def body(self) -> dict[str, Any]:
        """Of its event."""
        body: dict[str, Any] = {
            "batch_id": self.uid,
            "card_no": self.card_no,
            "use_no": self.use_no,
            "amount_minor": self.amount_minor,
            "uses": self.uses,
            "remaining_minor": self.remaining_minor,
            "remaining_uses": self.remaining_uses,
            "entry": self.entry,
            "place": self.place,
            "device_id": self.device_id,
            "device_class": self.device_class,
            "link_id": self.link_id,
        }
        if self.lease_id is not None:
            body["lease_id"] = self.lease_id
        if self.reason:
            body["reason"] = self.reason
        if self.moved:
            body["moved"] = True
        return body

    def receipt(self, secrets: ServerSecrets, body: dict[str, Any]) -> str:
        """Over what its event says."""
        statement = entry_statement(self.merchant_id, self.op_id, self.kind, at_of(self.at_ms), body)
        return b64(secrets.receipt(statement))

    def outcome(self, seq: int, receipt: str) -> Outcome:
        return {
            "status": "applied",
            "op_id": self.op_id,
            "redeemed_minor": self.amount_minor,
            "redeemed_uses": self.uses,
            "remaining_minor": self.remaining_minor,
            "remaining_uses": self.remaining_uses,
            "at": at_of(self.at_ms),
            "seq": seq,
            "receipt": receipt,
        }


def write_down(transaction: Transaction, entries: list[Row]) -> None:
    """`entries` are rows of entries."""
    transaction.put("redemption", COLUMNS, entries)


def history(transaction: Transaction, batch_id: int, card_no: int) -> list[HistoryEntry]:
    """Of one card, for its holder."""
    rows = transaction.all(
        "SELECT at_ms, amount_minor, uses, kind FROM redemption WHERE batch_id = ? AND card_no = ? ORDER BY use_no",
        *(batch_id, card_no),
    )
    return [HistoryEntry(at_of(row[0]), row[1], row[2], row[3]) for row in rows]


@lru_cache(256)
def at_of(at_ms: int) -> str:
    return to_wire(from_ms(at_ms))
