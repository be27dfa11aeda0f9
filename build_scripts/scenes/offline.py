"""Scenes of the counter without a line: leases, what is redeemed under them, conflicts and how they are settled."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import update

from app.bootstrap.demo import PASSPHRASE
from app.models.base import now
from app.models.batch import Batch
from app.models.lease import Conflict, Lease
from app.models.redemption import Redemption
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.leases import LeaseRow
from app.topics import Topic
from app.words import end_of_local_day, tr, zone
from build_scripts.scenes.stage import Scene, Stage
from sync.protocol import new_op_id

FIXED = 1
CARDS = 120
HEARD_S = 0.2
"""Until what was written past the services has been told and read."""


def leased(stage: Stage) -> LeaseRow:
    """A batch of its own, at the endpoint, of which this computer leases all until the evening."""
    batch = stage.services.batches.generate(BatchSpec(FIXED, CARDS))
    stage.services.cloud.sync()
    today = datetime.now(UTC).astimezone(zone()).date()
    return stage.services.leases.take(batch, until=end_of_local_day(today))


def counter_leased(stage: Stage) -> None:
    page = stage.go("counter")
    stage.shoot("none")
    lease = leased(stage)
    code = stage.code(CardFilter(batch_id=lease.batch_id))
    page.look(code)
    stage.shoot("online")
    with stage.offline():
        stage.go("sync").sync()
        page = stage.go("counter")
        page.look(code)
        stage.shoot("usable")
        page.redeem()
        stage.shoot("redeemed")
        page.undo_last()
        stage.dialog.reason.setText(tr("Wrong card"))
        stage.dialog.verb_button.click()
        stage.shoot("undone")
        page.look(stage.code(CardFilter(product_id=FIXED, states=("assigned",))))
        stage.shoot("no-lease")
        stage.services.redemptions.redeem(code)
        stage.services.settings.put("counter.offline_uses", 1)
        page.look(_code(stage, lease, 1))
        stage.shoot("shift-limit")
        _go_beyond(stage, lease)
        stage.services.settings.put("counter.offline_uses", 20)
    page = stage.go("counter")
    with stage.vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).where(Lease.id == lease.id).values(until=now()))
    page.look(_code(stage, lease, 1))
    stage.shoot("lease-over")
    with stage.vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).where(Lease.id == lease.id).values(incarnation="before"))
    page.look(_code(stage, lease, 2))
    stage.shoot("card-leased")
    page.banner.say("info", tr("There is nothing to undo: a use can be taken back for two minutes."))
    stage.shoot("banner")
    stage.services.leases.reclaim(lease.id, reason=tr("The computer is broken"))


def _go_beyond(stage: Stage, lease: LeaseRow) -> None:
    """With the manager's PIN, which is wrong at first."""
    stage.services.leases.pin.put("270815", passphrase=PASSPHRASE)
    page = stage.go("counter")
    page.look(_code(stage, lease, 3))
    stage.shoot("shift-limit-pin")
    page.redeem()
    dialog = stage.dialog
    stage.shoot("over-limit")
    dialog.pin.setText("1234")
    dialog.verb_button.click()
    stage.shoot("over-limit-wrong")
    stage.clear()


def receipts(stage: Stage) -> None:
    """The slip of a use without a line, on the screen and scanned again."""
    lease = leased(stage)
    with stage.offline():
        stage.services.settings.put("counter.place", tr("Front desk, West Lake shop"))
        page = stage.go("counter")
        page.look(_code(stage, lease, 0))
        stage.settle()
        page.take_part()
        page.amount.setText("88.50")
        page.redeem()
        stage.shoot("offered")
        page.receipts.open()
        stage.shoot()
        receipt, _ = page.receipts.shown
        page.start_over()
        page.look(receipt.text)
        stage.shoot("genuine")
        page.look(f"{receipt.text[:-9]}AAAAAAAAA")
        stage.shoot("changed")
        page.look(receipt.text[:90])
        stage.shoot("damaged")
        page.undo(page.recent.uses[0])
        stage.dialog.reason.setText(tr("Wrong card"))
        stage.dialog.verb_button.click()
        stage.settle()
        page.receipts.open()
        stage.shoot("undone")
        stage.services.slips.save(receipt.redemption_id, stage.out / "receipt.pdf")
        page.start_over()
        page.look(f"{receipt.text} ")
        stage.shoot("undone-since")
        stage.services.settings.put("counter.place", "")


def _code(stage: Stage, lease: LeaseRow, at: int) -> str:
    """Of another card: the same one is not heard twice within three seconds."""
    cards = stage.services.cards.ids(CardFilter(batch_id=lease.batch_id), descending=False)
    return stage.services.cards.reveal(cards[at], reason="picture").reveal()


def lease_dialog(stage: Stage) -> None:
    stage.services.batches.generate(BatchSpec(FIXED, CARDS))
    stage.services.cloud.sync()
    page = stage.go("counter")
    page.bar.take()
    dialog = stage.dialog
    stage.shoot()
    dialog.which.setCurrentIndex(1)
    dialog.how_long.setCurrentIndex(2)
    stage.shoot("range")
    dialog.count.setValue(CARDS)
    dialog.first.setValue(2)
    dialog.take()
    stage.shoot("beyond")


def leases(stage: Stage) -> None:
    page = stage.go("leases")
    stage.shoot("empty")
    own = leased(stage)
    other = _lease_of_another(stage)
    stage.settle(HEARD_S)
    page.table.go_to_row(0)
    stage.shoot()
    page.open_record(page.table.rows.ids[0])
    stage.shoot("drawer")
    page.drawer.shut()
    page.end(next(row for row in stage.services.leases.leases() if row.id == other))
    stage.dialog.reclaim()
    stage.shoot("reclaim")
    stage.clear()
    page.end(next(row for row in stage.services.leases.leases() if row.id == own.id))
    stage.shoot("give-back")
    stage.clear()
    stage.services.leases.give_back(own.id)
    stage.go("leases").show_ended(ended=True)
    stage.shoot("ended")


def conflicts(stage: Stage) -> None:
    page = stage.go("conflicts")
    stage.shoot("empty")
    for settled in (True, False, False):
        _a_conflict(stage, settled=settled)
    stage.settle(HEARD_S)
    page.table.go_to_row(0)
    stage.shoot()
    page.open_record(page.table.rows.ids[0])
    stage.shoot("drawer")
    page.settle_current()
    stage.dialog.settle()
    stage.shoot("settle")
    stage.clear()
    page.drawer.shut()
    page.show_settled(settled=True)
    stage.shoot("settled")
    stage.go("home")
    stage.shoot("home")
    stage.go("sync")
    stage.shoot("sync")


def freezing(stage: Stage) -> None:
    """How far a freeze reaches, where cards are leased and where there is no line."""
    _lease_of_another(stage)
    batch = next(row.batch_id for row in stage.services.leases.leases() if not row.mine)
    page = stage.go("batches")
    page.freeze(batch)
    stage.shoot("leased")
    stage.clear()
    stage.services.batches.thaw(batch)
    with stage.offline():
        page = stage.go("sync")
        page.sync()
        stage.settle()
        page = stage.go("batches")
        page.freeze(batch)
        stage.shoot("offline")
        stage.services.batches.thaw(batch)


def _lease_of_another(stage: Stage) -> str:
    """As the feed would tell of it."""
    batch = [one for one in stage.services.batches.batches(states=("published",)) if one.sealed_at][-1]
    lease_id, at = new_op_id(), now()
    with stage.vault.database.write(Topic.LEASES) as session:
        first = session.get_one(Batch, batch.id).first_card_id
        session.add(
            Lease(
                id=lease_id,
                batch_id=batch.id,
                first_card_id=first,
                end_card_id=first + 10,
                device_id=str(UUID(int=7)),
                device_name=tr("Front desk, West Lake shop"),
                incarnation="1",
                until=at + timedelta(days=2),
                state="open",
                taken_at=at - timedelta(hours=3),
            )
        )
    return lease_id


def _a_conflict(stage: Stage, *, settled: bool) -> None:
    """Over a card that somebody redeemed."""
    at = now()
    with stage.vault.database.write(Topic.LEASES) as session:
        known = session.query(Conflict.card_id)
        entry = session.query(Redemption).filter(
            Redemption.kind == "redeemed", Redemption.amount_minor > 0, Redemption.card_id.not_in(known)
        )
        one = entry.order_by(Redemption.at.desc()).first()
        assert one is not None, "the demo redeems"
        session.add(
            Conflict(
                id=new_op_id(),
                lease_id="",
                card_id=one.card_id,
                batch_id=one.batch_id,
                amount_minor=one.amount_minor,
                uses=0,
                reason="card-spent",
                place=tr("Front desk, West Lake shop"),
                device_id="",
                decided_at=at - timedelta(hours=5),
                found_at=at - timedelta(minutes=4),
                way="loss" if settled else None,
                note=tr("Written off") if settled else None,
                settled_at=at if settled else None,
            )
        )


SCENES = (
    Scene("counter-leased", counter_leased),
    Scene("counter-receipt", receipts),
    Scene("lease-dialog", lease_dialog),
    Scene("leases", leases),
    Scene("conflicts", conflicts),
    Scene("freezing", freezing),
)
