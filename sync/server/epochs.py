"""The lives of an endpoint's database: one that was put back from a backup begins a new one.

Until a merchant's desktops have given back what the backup does not have, nobody redeems there: a card that was used up
meanwhile looks whole.
"""

import secrets
from collections.abc import Collection

from sync.protocol import Checkpoint, RecoveryState, b64, from_ms, new_op_id, to_wire
from sync.server import feed
from sync.server.transaction import Asked, Transaction

ASKED = (
    "FROM device d LEFT JOIN recovery r ON r.merchant_id = d.merchant_id AND r.device_id = d.id "
    "WHERE d.merchant_id = ? AND d.state = 'active' AND d.role IN ('owner', 'manager', 'distributor')"
)
"""Devices that are waited for, each with what it said: those that may have batches of their own."""


def begin_anew(transaction: Transaction, at_ms: int, *, cause: str, witnessed: str = "") -> str:
    """A new epoch for everybody, and a recovery for each merchant that has a device to ask; the epoch's name.

    `witnessed`: of the word that told us. It may be one that the copy never knew; others who know it tell nothing new.
    """
    alone(transaction)
    known = past_epochs(transaction)
    made, past = "fe_" + secrets.token_hex(6), list(dict.fromkeys([*known, feed.epoch(transaction), witnessed]))
    put = "INSERT INTO instance (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    transaction.run(put, "epoch", made)
    transaction.run(put, "epochs", " ".join(filter(None, past)))
    transaction.run("DELETE FROM recovery")
    locked = " FOR UPDATE" if transaction.dialect.on_postgres else ""  # no event may come between
    for (merchant_id,) in transaction.all(f"SELECT id FROM merchant ORDER BY id{locked}"):
        waits = transaction.one(f"SELECT 1 {ASKED} LIMIT 1", merchant_id) is not None
        transaction.run(
            "UPDATE merchant SET restored_at = ?, recovering_ms = ? WHERE id = ?",
            *(feed.head(transaction, merchant_id), at_ms if waits else None, merchant_id),
        )
        at, body = to_wire(from_ms(at_ms)), {"epoch": made, "cause": cause, "waits": waits}
        feed.append(transaction, merchant_id, "recovery.begun@1", op_id=new_op_id(), at=at, body=body)
    return made


def alone(transaction: Transaction) -> None:
    """Let nobody else begin a new epoch until the end: what is known of epochs from now on is known to both. One writer
    is alone by itself."""
    if transaction.dialect.on_postgres:
        transaction.one("SELECT value FROM instance WHERE key = 'epoch' FOR UPDATE")


def past_epochs(transaction: Transaction) -> list[str]:
    """Those that this database remembers, oldest first."""
    row = transaction.one("SELECT value FROM instance WHERE key = 'epochs'")
    return str(row[0]).split() if row else []


def recovering(transaction: Transaction, merchants: Collection[str]) -> set[str]:
    """Those of the merchants that wait for what is given back."""
    return ask_recovering(transaction, merchants)()


def ask_recovering(transaction: Transaction, merchants: Collection[str]) -> Asked[set[str]]:
    """The same, to be heard later."""
    locked = {merchant: transaction.ask_recovering(merchant) for merchant in merchants}
    if all(locked.values()):
        return lambda: {merchant for merchant, asked in locked.items() if asked is not None and asked()}
    sql = "SELECT id FROM merchant WHERE recovering_ms IS NOT NULL AND id IN (…)"
    found = transaction.ask_among(sql, list(merchants))
    return lambda: {str(row[0]) for row in found()}


def state(transaction: Transaction, merchant_id: str) -> RecoveryState | None:
    """How far a recovery is; None where nothing is waited for."""
    row = transaction.one("SELECT recovering_ms FROM merchant WHERE id = ?", merchant_id)
    if row is None or row[0] is None:
        return None
    counted = transaction.one(f"SELECT count(*), count(r.done_ms), coalesce(sum(r.entries), 0) {ASKED}", merchant_id)
    assert counted is not None, "an aggregate has a row"
    return RecoveryState(to_wire(from_ms(row[0])), *(int(part) for part in counted))


def restored_at(transaction: Transaction, merchant_id: str) -> int | None:
    row = transaction.one("SELECT restored_at FROM merchant WHERE id = ?", merchant_id)
    return None if row is None or row[0] is None else int(row[0])


def witness(transaction: Transaction, merchant_id: str, checkpoint: Checkpoint) -> str:
    """What a checkpoint that we signed says about us; see WitnessAnswer. `restored` is not done yet."""
    current = feed.epoch(transaction)
    if checkpoint.epoch in past_epochs(transaction):
        return "past"
    if checkpoint.epoch != current or checkpoint.seq > feed.head(transaction, merchant_id):
        return "restored"
    return "agrees" if b64(feed.hash_at(transaction, merchant_id, checkpoint.seq)) == checkpoint.hash else "differs"
