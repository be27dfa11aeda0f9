"""A short day of one desk that is cut somewhere, and what must hold of it afterwards, wherever that was.

The day: make a batch, publish it, redeem three cards at the counter, freeze one, void one, lease some, redeem two of
those on its own word and take one back, give the lease back, make a backup, change the passphrase, sync. Whatever a
person was told is written down outside the data folder at once.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import AppError, EndpointRefused, EndpointUnreachable, RedemptionUncertain
from app.models.base import now
from app.models.batch import Batch, CodeBlock, card_key
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services import Services, batches
from app.services.batches import BatchSpec, generation
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.redemptions import RedemptionResult
from app.services.sealing import BLOCK
from app.services.vault.vaults import OpenVault, Vaults
from tests.campaigns.real import CHEAP_KIB, PASSPHRASE, desk, verify_endpoint

STOCK, MADE, SOLD = 24, 5_200, 3
FIRST_LEASED, LEASED = SOLD + 2, 4
AMOUNT = 5_000
SHIFT = timedelta(hours=8)
AWAY = (EndpointRefused, EndpointUnreachable, RedemptionUncertain)
USES = select(Redemption.card_id, Redemption.id).where(Redemption.kind == "redeemed")
Tell = Callable[..., None]


def prepare(services: Services) -> None:
    """What the day begins with: one published batch."""
    services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    services.batches.generate(BatchSpec(1, STOCK))
    services.cloud.sync()


def work(data: Path, told: Path, *, also: Callable[[str], None] = lambda note: None) -> None:
    """The day; `also` hears what is told. A person stops where an endpoint is away; a refusal of the disk ends it."""
    _in_pieces()
    with desk(data) as (services, vault), told.open("a", encoding="utf-8") as notes:

        def tell(what: str, **more: Any) -> None:
            said = json.dumps({"what": what, **more})
            notes.write(said + "\n")
            notes.flush()
            also(said)

        try:
            _acts(services, vault, data, tell)
        except AWAY as error:
            tell("away", why=type(error).__name__)
        except AppError as error:
            tell("refused", why=type(error).__name__)


def _acts(services: Services, vault: OpenVault, data: Path, tell: Tell) -> None:
    services.cloud.start_embedded()
    _make(services)
    tell("made")
    assert services.cloud.sync().rejected == 0, "nothing of it can be refused"
    tell("published")
    cards = services.cards.ids(CardFilter(batch_id=1), descending=False)
    for card in cards[:SOLD]:
        _redeem(services, card)
        tell("redeemed", card=card)
    services.cards.freeze(cards[SOLD])
    tell("frozen", card=cards[SOLD])
    services.cards.void(cards[SOLD + 1], reason="x")
    tell("voided", card=cards[SOLD + 1])
    _shift(services, cards[FIRST_LEASED:], tell)
    tell("backup", path=str(services.backups.create().path))
    Vaults(Config(data), memory_kib=CHEAP_KIB).change_passphrase(PASSPHRASE, PASSPHRASE)
    services.cloud.sync()
    tell("synced")


def _shift(services: Services, cards: list[int], tell: Tell) -> None:
    """What the counter decides about without asking anybody."""
    lease = services.leases.take(1, until=now() + SHIFT, first_no=FIRST_LEASED + 1, count=LEASED)
    tell("leased", lease=lease.id)
    for card in cards[:2]:
        done = _redeem(services, card)
        assert done.own_word, "it holds the lease"
        tell("decided", card=card)
    services.redemptions.reverse(done.redemption_id, reason="x")
    tell("taken back", card=cards[1])
    services.leases.give_back(lease.id)
    tell("given back", lease=lease.id)


def _in_pieces() -> None:
    """Few cards make several chunks."""
    batches.CHUNK = generation.CHUNK = BLOCK


def _make(services: Services) -> None:
    """The batch of the day; one that was cut is gone on with."""
    made = [row for row in services.batches.batches() if row.id != 1]
    if not made:
        services.batches.generate(BatchSpec(1, MADE))
    elif made[0].state == "generating":
        services.batches.resume(made[0].id)


def _redeem(services: Services, card: int) -> RedemptionResult:
    return services.redemptions.redeem(services.cards.reveal(card, reason="x").reveal(), AMOUNT)


def heard(told: Path) -> list[dict[str, Any]]:
    """What people were told; a line that was cut was told to nobody."""
    lines = told.read_text("utf-8").splitlines() if told.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def recover(data: Path, told: Path) -> None:
    """Open what is left, go on with the day until it is done, and hold everything against what was told.

    Raises AssertionError.
    """
    notes = heard(told)
    with desk(data) as (services, vault):
        _is_sound(services, "right after")
        _told_backups_are_whole(services, notes)
        services.cloud.start_embedded()
        services.cloud.sync()
        _told_is_there(services, vault, notes)
        _go_on(services, vault)
        done = services.cloud.sync()
        assert (done.rejected, done.pending, done.differences) == (0, 0, ()), done
        _is_sound(services, "in the end")
        _holds(services, vault, Config(data).endpoint / "endpoint.db")
    verify_endpoint(data)


def _is_sound(services: Services, when: str) -> None:
    verdict = services.integrity.verify(deep=True)
    assert verdict.ok, (when, [str(finding) for finding in verdict.findings])


def _told_backups_are_whole(services: Services, notes: list[dict[str, Any]]) -> None:
    kept = {str(row.path) for row in services.backups.backups()}
    assert {note["path"] for note in notes if note["what"] == "backup"} <= kept, "a backup that was told of is gone"
    for path in kept:
        assert services.backups.verify(Path(path)).ok, f"{path} is not whole"


def _told_is_there(services: Services, vault: OpenVault, notes: list[dict[str, Any]]) -> None:
    said = {(note["what"], note.get("card")) for note in notes}
    with vault.database.read() as session:
        redeemed, undone = set(session.scalars(select(Redemption.card_id))), _undone(session)
    lost = {card for what, card in said if what in ("redeemed", "decided")} - redeemed
    lost |= {card for what, card in said if what == "taken back"} - undone.keys()
    assert not lost, f"redemptions that were confirmed are gone: {sorted(map(str, lost))}"
    known = {lease.id for lease in services.leases.leases(ended=True)}
    assert {note["lease"] for note in notes if "lease" in note} <= known, "a lease is gone"
    rows = {row.id: row for row in services.cards.rows([card for what, card in said if what in ("frozen", "voided")])}
    assert all(rows[card].frozen for what, card in said if what == "frozen"), "a freeze is gone"
    assert all(rows[card].state == "voided" for what, card in said if what == "voided"), "a voided card lives"
    made = [row for row in services.batches.batches() if row.id != 1]
    assert not {("made", None)} & said or made, "a batch is gone"
    assert ("published", None) not in said or made[0].state == "published", "a published batch is not"


def _go_on(services: Services, vault: OpenVault) -> None:
    """What the day has not done yet; what was asked and not answered is asked again."""
    _in_pieces()
    _make(services)
    services.cloud.sync()
    cards = services.cards.ids(CardFilter(batch_id=1), descending=False)
    with vault.database.read() as session:
        redeemed, undone = dict(session.execute(USES).all()), _undone(session)
    for card in (*cards[:SOLD], *cards[FIRST_LEASED : FIRST_LEASED + 2]):
        if card not in redeemed:
            redeemed[card] = _redeem(services, card).redemption_id
    if cards[FIRST_LEASED + 1] not in undone:
        services.redemptions.reverse(redeemed[cards[FIRST_LEASED + 1]], reason="x")
    for lease in services.leases.leases():
        if lease.state == "open":
            services.leases.give_back(lease.id)
    frozen, voided = services.cards.rows(cards[SOLD : SOLD + 2])
    if not frozen.frozen:
        services.cards.freeze(frozen.id)
    if voided.state != "voided":
        services.cards.void(voided.id, reason="x")
    services.backups.create()


def _holds(services: Services, vault: OpenVault, database: Path) -> None:
    """The whole day is done once, at both ends."""
    cards = services.cards.ids(CardFilter(batch_id=1), descending=False)
    with vault.database.read() as session:
        booked = Counter(session.scalars(select(Redemption.card_id)))
        open_ = session.scalar(select(func.count()).where(OutboxOp.state.in_(("waiting", "in_flight", "rejected"))))
        keys = session.scalar(select(func.count()).select_from(card_key))
        sealed = session.scalar(select(func.coalesce(func.sum(CodeBlock.count), 0)))
        states = list(session.scalars(select(Batch.state)))
    once, twice = cards[FIRST_LEASED : FIRST_LEASED + 2]
    assert booked == Counter([*cards[:SOLD], once, twice, twice]), f"booked: {booked}"
    assert services.leases.leases() == [], "a lease was never given back"
    assert open_ == 0, f"{open_} ops are open"
    assert (keys, sealed, states) == (STOCK + MADE, STOCK + MADE, ["published"] * 2), (keys, sealed, states)
    connection = sqlite.connect(str(database))
    try:
        (ledger, taken), (stored,) = (
            connection.execute("SELECT count(*), sum(amount_minor) FROM redemption").fetchone(),
            connection.execute("SELECT count(*) FROM card").fetchone(),
        )
    finally:
        connection.close()
    assert (ledger, taken, stored) == (SOLD + 3, (SOLD + 1) * AMOUNT, STOCK + MADE), (ledger, taken, stored)


def _undone(session: Session) -> dict[int, str]:
    """Card → its reversal."""
    return dict(session.execute(select(Redemption.card_id, Redemption.id).where(Redemption.kind == "reversed")).all())
