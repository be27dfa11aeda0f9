"""Do the books of an endpoint's database agree? Looks at everything, changes nothing, beside a running endpoint.

The invariants are those of the protocol: I1 a card holds its face less its ledger, in which what was put onto it is
negative, I2 and I4 every entry has one outcome and one event, I3 nothing is redeemed between freeze and thaw, I7 the
feed is gapless and chained, I8 what a device has leased nobody else redeems, I9 nothing unsealed is redeemed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from sync.protocol import b64, feed_hash, feed_row
from sync.receipts import entry_statement
from sync.server.batches import BLOCK, CLOSED, VERIFIER
from sync.server.secret_files import ServerSecrets
from sync.server.spans import Span
from sync.server.transaction import Row, Transaction
from sync.server.uploads import DRAWERS

FEW = 20
"""Findings of one kind that are told one by one: a damaged table would name a million."""
PAGE = 5_000

FINDINGS = {
    "file": "the database file is damaged",
    "entries": "the number of entries on a card is not the ledger's",
    "balance": "a card does not hold its face value less its ledger",
    "uses": "a card does not have its uses less its ledger",
    "state": "a card is called spent or voided and is not, or is and is not called so",
    "stray-entry": "the ledger has an entry for a card that is not there",
    "kind": "an entry of the ledger goes the wrong way: only top-ups and reversals give",
    "reversal": "a reversal does not give back what one redemption took",
    "entry-outcome": "an entry of the ledger has no outcome of its op",
    "entry-event": "an entry of the ledger has no event in the feed, or another one",
    "event-entry": "an event of the feed has no entry in the ledger",
    "op-twice": "two events of the feed come from one op",
    "frozen": "a card was redeemed or topped up while its batch was frozen",
    "closed": "something was undone or refunded while another endpoint decided about the batch",
    "leased": "a card was redeemed or refunded while a device decided about it, by somebody else",
    "lease": "a lease does not stand as its feed says",
    "flags": "a batch is not frozen, closed or voided as its feed says, or a card not voided",
    "head": "the feed does not end where its merchant's head is",
    "gap": "a number is missing in the feed",
    "chain": "the feed was changed: its chain of hashes breaks",
    "sealed-count": "a sealed batch does not have its number of cards",
    "unsealed": "a card was redeemed though its batch is not sealed",
    "place": "a card is not found by its number",
    "receipt": "an entry of the feed has a receipt that this endpoint did not make for it",
}
"""What is found → its sentence."""


FORBIDDEN = {
    "redeemed@1": ("frozen", "unsealed", "leased"),
    "topped_up@1": ("frozen", "unsealed"),
    "refunded@1": ("closed", "unsealed", "leased"),
    "reversed@1": ("closed",),
}
"""Event → what must not be when it happens: who has leased a card does not mind a top-up, who froze it no refund."""


class Finding(msgspec.Struct, frozen=True):
    """`what` is a key of FINDINGS; `where` names it: a card as `<batch>#<number>`, an event by its number."""

    what: str
    merchant_id: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = " ".join(filter(None, (self.merchant_id, self.where)))
        return f"{FINDINGS[self.what]}: {place}" if place else FINDINGS[self.what]


class Verdict(msgspec.Struct, frozen=True):
    """`checked` says how many rows of a table were looked at, nothing where a damaged file could not be read on; at
    most FEW findings of a kind."""

    ok: bool
    findings: list[Finding]
    checked: dict[str, int]


def verify(transaction: Transaction, *, deep: bool = False, secrets: ServerSecrets | None = None) -> Verdict:
    """One state of the database. `deep` also walks through the feed, event by event, and through all cards' places;
    with the endpoint's secrets through the receipts, too."""
    findings: list[Finding] = []
    checked: dict[str, int] = {}
    file = partial(_file, deep=deep)
    checks: tuple[Callable[[Transaction], Iterable[Finding]], ...] = (file, _cards, _ledger, _events, _heads, _seals)
    try:
        for check in (*checks, *((_places, partial(_feeds, secrets=secrets)) if deep else ())):
            told: dict[str, int] = {}
            for finding in check(transaction):
                told[finding.what] = told.get(finding.what, 0) + 1
                if told[finding.what] <= FEW:
                    findings.append(finding)
        tables = ("merchant", "batch", "card", "redemption", "feed", "op")
        checked = {table: _count(transaction, table) for table in tables}
    except transaction.dialect.broken:
        if Finding("file") not in findings:
            raise
    return Verdict(not findings, findings, checked)


def _count(transaction: Transaction, table: str) -> int:
    row = transaction.one(f"SELECT count(*) FROM {table}")
    return int(row[0]) if row else 0


def _file(transaction: Transaction, *, deep: bool) -> Iterator[Finding]:
    """PostgreSQL looks after its pages itself."""
    if not transaction.dialect.on_postgres:
        said = transaction.all(f"PRAGMA {'integrity' if deep else 'quick'}_check(1)")
        if [str(row[0]) for row in said] != ["ok"]:
            yield Finding("file")


def _found(transaction: Transaction, what: str, sql: str) -> Iterator[Finding]:
    """`sql` gives a merchant, and what names the thing in one or two columns."""
    if transaction.dialect.on_postgres:
        # its planner takes a LIMIT for a promise that some are found soon, and holds each card of a batch against each
        # entry; in a whole database none is ever found
        sql = f"WITH found AS MATERIALIZED ({sql}) SELECT * FROM found"
    for merchant, *named in transaction.all(f"{sql} LIMIT {FEW + 1}"):
        yield Finding(what, str(merchant), "#".join(str(part) for part in named))


def _cards(transaction: Transaction) -> Iterator[Finding]:
    """I1: the fold of the ledger is what the card says."""
    folded = (
        "SELECT b.merchant_id, b.uid, c.no FROM card c JOIN batch b ON b.id = c.batch_id LEFT JOIN (SELECT batch_id, "
        "card_no, count(*) AS entries, max(use_no) AS newest, sum(amount_minor) AS amount, sum(uses) AS uses "
        "FROM redemption GROUP BY batch_id, card_no) r ON r.batch_id = c.batch_id AND r.card_no = c.no WHERE "
    )
    holds_nothing = "CASE WHEN b.money = 1 THEN c.balance_minor = 0 ELSE c.uses_left = 0 END"
    yield from _found(
        transaction,
        "entries",
        folded + "c.entries <> coalesce(r.entries, 0) OR c.entries <> coalesce(r.newest, 0)",
    )
    yield from _found(
        transaction,
        "balance",
        folded + "b.money = 1 AND c.balance_minor IS DISTINCT FROM b.face_minor - coalesce(r.amount, 0)",
    )
    yield from _found(transaction, "uses", folded + "c.uses_left <> b.uses - coalesce(r.uses, 0)")
    yield from _found(
        transaction,
        "state",
        folded + f"(c.state = 'spent' AND NOT {holds_nothing}) OR (c.state = 'active' AND {holds_nothing}) "
        "OR (c.state = 'voided' AND c.voided = 0) OR (c.state = 'active' AND c.voided = 1)",
    )
    yield from _found(
        transaction,
        "stray-entry",
        "SELECT r.merchant_id, b.uid, r.card_no FROM redemption r JOIN batch b ON b.id = r.batch_id "
        "LEFT JOIN card c ON c.batch_id = r.batch_id AND c.no = r.card_no WHERE c.no IS NULL",
    )


def _ledger(transaction: Transaction) -> Iterator[Finding]:
    """I2, I4: an entry has its outcome, and a reversal its redemption."""
    yield from _found(
        transaction,
        "entry-outcome",
        "SELECT r.merchant_id, r.op_id FROM redemption r LEFT JOIN op o ON o.op_id = r.op_id "
        'AND o.merchant_id = r.merchant_id WHERE o.op_id IS NULL OR o.outcome NOT LIKE \'{"status":"applied"%\'',
    )
    yield from _found(
        transaction,
        "kind",
        "SELECT merchant_id, op_id FROM redemption WHERE amount_minor = 0 AND uses = 0 OR CASE "
        "WHEN kind IN ('redeemed', 'refunded') THEN amount_minor < 0 OR uses < 0 "
        "WHEN kind = 'topped_up' THEN amount_minor > 0 OR uses <> 0 ELSE amount_minor > 0 OR uses > 0 END",
    )
    yield from _found(
        transaction,
        "reversal",
        "SELECT r.merchant_id, r.op_id FROM redemption r LEFT JOIN redemption f ON f.merchant_id = r.merchant_id "
        "AND f.op_id = r.reverses AND f.kind = 'redeemed' WHERE r.kind = 'reversed' AND (f.op_id IS NULL "
        "OR f.batch_id <> r.batch_id OR f.card_no <> r.card_no OR f.amount_minor <> -r.amount_minor "
        "OR f.uses <> -r.uses)",
    )


def _events(transaction: Transaction) -> Iterator[Finding]:
    """I2, I4: an entry has one event, and an event of redeeming its entry."""
    yield from _found(
        transaction,
        "entry-event",
        # sorted, not joined: the feed has no index of its ops, and a merchant's entries times its events are too many
        "SELECT merchant_id, op_id FROM (SELECT merchant_id, op_id, kind || '@1' FROM redemption "
        "EXCEPT SELECT merchant_id, op_id, type FROM feed) missing",
    )
    yield from _found(
        transaction,
        "event-entry",
        "SELECT f.merchant_id, f.seq FROM feed f LEFT JOIN redemption r ON r.merchant_id = f.merchant_id "
        "AND r.op_id = f.op_id WHERE f.type IN ('redeemed@1', 'reversed@1', 'topped_up@1', 'refunded@1') "
        "AND r.op_id IS NULL",
    )
    yield from _found(
        transaction,
        "op-twice",
        "SELECT merchant_id, op_id FROM feed GROUP BY merchant_id, op_id HAVING count(*) > 1",
    )


def _heads(transaction: Transaction) -> Iterator[Finding]:
    """I7, without reading every event."""
    ends = (
        "FROM merchant m LEFT JOIN (SELECT merchant_id, min(seq) AS first, max(seq) AS last, count(*) AS events "
        "FROM feed GROUP BY merchant_id) f ON f.merchant_id = m.id "
    )
    yield from _found(
        transaction,
        "gap",
        f"SELECT m.id, coalesce(f.last, 0) {ends} WHERE coalesce(f.events, 0) <> coalesce(f.last, 0) OR f.first > 1",
    )
    yield from _found(
        transaction,
        "head",
        f"SELECT m.id, m.feed_seq {ends} LEFT JOIN feed e ON e.merchant_id = m.id AND e.seq = m.feed_seq "
        "WHERE m.feed_seq <> coalesce(f.last, 0) OR (m.feed_seq > 0 AND e.hash IS DISTINCT FROM m.feed_hash)",
    )


def _seals(transaction: Transaction) -> Iterator[Finding]:
    """I9."""
    yield from _found(
        transaction,
        "sealed-count",
        "SELECT b.merchant_id, b.uid FROM batch b LEFT JOIN (SELECT batch_id, count(*) AS cards FROM card "
        "GROUP BY batch_id) c ON c.batch_id = b.id LEFT JOIN (SELECT batch_id, sum(length(verifiers)) AS bytes "
        "FROM card_block GROUP BY batch_id) k ON k.batch_id = b.id WHERE b.sealed_ms IS NOT NULL AND ("
        f"coalesce(c.cards, 0) <> b.count OR coalesce(k.bytes, 0) <> b.count * {VERIFIER} OR b.staged <> {DRAWERS})",
    )
    yield from _found(
        transaction,
        "unsealed",
        "SELECT r.merchant_id, b.uid, r.card_no FROM redemption r JOIN batch b ON b.id = r.batch_id "
        "WHERE b.sealed_ms IS NULL",
    )


def _places(transaction: Transaction) -> Iterator[Finding]:
    yield from _found(
        transaction,
        "place",
        "SELECT b.merchant_id, b.uid, c.no FROM card c JOIN batch b ON b.id = c.batch_id LEFT JOIN card_block k "
        f"ON k.batch_id = c.batch_id AND k.n = c.no / {BLOCK} WHERE k.n IS NULL "
        f"OR substr(k.verifiers, CAST(c.no % {BLOCK} AS INTEGER) * {VERIFIER} + 1, {VERIFIER}) <> c.verifier",
    )


@dataclass(slots=True)
class _Told:
    """What the feed has told of a batch so far."""

    sealed: bool = False
    frozen: bool = False
    closed: bool = False
    voided: bool = False
    voided_cards: set[int] = field(default_factory=set)
    leases: dict[str, Span] = field(default_factory=dict)
    """Those that are open."""
    before_freeze: set[str] = field(default_factory=set)
    """Leases that were open when it was frozen: what is decided under them counts."""


@dataclass(slots=True)
class _Walk:
    """One merchant's feed, event by event."""

    merchant_id: str
    before: bytes = b"\0" * 32
    batches: dict[str, _Told] = field(default_factory=dict)

    def see(self, event: Row, receipt: bytes, secrets: ServerSecrets | None) -> Iterator[Finding]:
        """Number, type, op id, time, body and hash of an event."""
        seq, type_, op_id, at, body, digest = event
        row = feed_row(type_, op_id, at, body.encode(), b64(receipt))
        if feed_hash(self.before, seq, row) != bytes(digest):
            yield Finding("chain", self.merchant_id, str(seq))
        self.before = bytes(digest)
        told = msgspec.json.decode(body)
        statement = entry_statement(self.merchant_id, op_id, type_.partition("@")[0], at, told)
        if receipt and secrets is not None and not secrets.is_ours(receipt, statement):
            yield Finding("receipt", self.merchant_id, str(seq))
        batch = self.batches.setdefault(told["batch_id"], _Told()) if "batch_id" in told else _Told()
        if type_ in FORBIDDEN:
            found = [what for what in _wrong(batch, told) if what in FORBIDDEN[type_]]
            yield from (Finding(what, self.merchant_id, str(seq)) for what in found)
        if type_ in ("frozen@1", "thawed@1"):
            batch.frozen = type_ == "frozen@1"
            batch.closed = bool(told.get("closed", batch.closed and batch.frozen))  # an older endpoint's thaw opens it
            batch.before_freeze = set(batch.leases)
        if type_ == "lease.taken@1":
            batch.leases[told["lease_id"]] = told["first_no"], told["end_no"]
        if type_ in ("lease.returned@1", "lease.reclaimed@1"):
            batch.leases.pop(told["lease_id"], None)
        batch.sealed |= type_ == "sealed@1"
        batch.voided |= type_ == "batch.voided@1"
        if type_ == "card.voided@1":
            batch.voided_cards.add(told["card_no"])


def _wrong(batch: _Told, told: dict[str, Any]) -> Iterator[str]:
    """I3, I8, I9: an entry as the feed tells it. One that was given back was decided in an earlier epoch, and one that
    was moved here by another endpoint, before any freeze of this one."""
    lease = told.get("lease_id")
    if told.get("returned"):
        yield from () if batch.sealed else ("unsealed",)
        return
    if batch.frozen and not told.get("moved") and lease not in batch.before_freeze:
        yield "frozen"
    if batch.closed and not told.get("moved"):
        yield "closed"
    if not batch.sealed:
        yield "unsealed"
    if any(first <= told["card_no"] < end and lease != holds for holds, (first, end) in batch.leases.items()):
        yield "leased"


def _feeds(transaction: Transaction, *, secrets: ServerSecrets | None) -> Iterator[Finding]:
    """I3, I7, I9 in the order of the feed; and that every event says what the ledger does."""
    for (merchant_id,) in transaction.all("SELECT id FROM merchant ORDER BY id"):
        walk = _Walk(str(merchant_id))
        after = 0
        while page := _page(transaction, walk.merchant_id, after):
            for row in page:
                yield from walk.see(row[:6], bytes(row[-1] or b""), secrets)
                if row[6] is not None and not _agrees(row):
                    yield Finding("entry-event", walk.merchant_id, str(row[2]))
            after = int(page[-1][0])
        yield from _flags(transaction, walk)


def _flags(transaction: Transaction, walk: _Walk) -> Iterator[Finding]:
    """What is stored of a batch is what its feed tells."""
    held: dict[str, dict[str, Span]] = {}
    for uid, lease_id, first, end in transaction.all(
        "SELECT b.uid, l.id, l.first_no, l.end_no FROM lease l JOIN batch b ON b.id = l.batch_id "
        "WHERE l.state = 'open' AND l.merchant_id = ?",
        walk.merchant_id,
    ):
        held.setdefault(str(uid), {})[str(lease_id)] = first, end
    ended: dict[str, set[int]] = {}
    for uid, no in transaction.all(
        "SELECT b.uid, c.no FROM card c JOIN batch b ON b.id = c.batch_id WHERE c.voided = 1 AND b.merchant_id = ?",
        walk.merchant_id,
    ):
        ended.setdefault(str(uid), set()).add(int(no))
    for uid, frozen, voided, leases, kind in transaction.all(
        "SELECT uid, frozen, voided, leases, kind FROM batch WHERE merchant_id = ?", walk.merchant_id
    ):
        told, here = walk.batches.get(str(uid), _Told()), held.get(str(uid), {})
        # the cards of a supplier's batch are not here
        as_told = told.frozen, told.closed, told.voided, told.voided_cards if kind != "supplier" else set()
        if (bool(frozen), bool(frozen & CLOSED), bool(voided), ended.get(str(uid), set())) != as_told:
            yield Finding("flags", walk.merchant_id, str(uid))
        if told.leases != here or leases != len(here):
            yield Finding("lease", walk.merchant_id, str(uid))


def _page(transaction: Transaction, merchant_id: str, after: int) -> list[Row]:
    """Events with what the ledger has of them."""
    return transaction.all(
        "SELECT f.seq, f.type, f.op_id, f.at, f.body, f.hash, r.kind, b.uid, r.card_no, r.use_no, r.amount_minor, "
        "r.uses, r.remaining_minor, r.remaining_uses, f.receipt FROM feed f LEFT JOIN redemption r "
        "ON r.merchant_id = f.merchant_id AND r.op_id = f.op_id LEFT JOIN batch b ON b.id = r.batch_id "
        f"WHERE f.merchant_id = ? AND f.seq > ? ORDER BY f.seq LIMIT {PAGE}",
        *(merchant_id, after),
    )


def _agrees(row: Row) -> bool:
    """Whether an event says of its entry what the ledger does."""
    names = ("batch_id", "card_no", "use_no", "amount_minor", "uses", "remaining_minor", "remaining_uses")
    told = msgspec.json.decode(str(row[4]))
    return row[1] == f"{row[6]}@1" and [told.get(name) for name in names] == list(row[7:-1])
