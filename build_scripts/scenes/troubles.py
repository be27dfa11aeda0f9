"""Scenes of an endpoint that is not as it was: put back, changed, another one, out of reach; and of a wrong clock."""

from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlcipher3 import dbapi2 as sqlite

from app.models.base import now
from app.models.batch import Batch
from app.models.lease import Lease
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.settings import store
from app.topics import Topic
from app.words import tr
from build_scripts.scenes.house import OTHERS, joined
from build_scripts.scenes.offline import leased
from build_scripts.scenes.stage import Scene, Stage
from sync.protocol import Op, b64, new_op_id, to_wire
from sync.server import epochs
from sync.server.database import opened
from sync.server.endpoint import now_ms

FIXED = 1
FAR = "https://cards.moonlight-foods-west-lake.example.com.cn:8443"
"""As long as addresses are; nobody answers there."""
HOUR = timedelta(hours=1)


def recovering(stage: Stage) -> None:
    """Two computers: one has told what it knows, the other has not been heard."""
    page = _in_step(stage)
    joined(stage.services.devices.invite("clerk", OTHERS["en"][0]))
    joined(stage.services.devices.invite("manager", OTHERS["en"][1]))
    with opened(str(stage.config.endpoint / "endpoint.db")) as books:
        books.write_now(lambda transaction: epochs.begin_anew(transaction, now_ms(), cause="operator"))
    page.sync()
    stage.shoot()
    page.lift()
    stage.dialog.verb_button.click()
    stage.shoot("lift")
    stage.clear()
    code = stage.code(CardFilter(product_id=FIXED, states=("assigned",)))
    counter = stage.go("counter")
    counter.look(code)
    stage.settle()
    counter.redeem()
    stage.shoot("counter")
    stage.go("home")
    stage.shoot("home")
    stage.services.cloud.lift_recovery("picture")
    stage.services.cloud.sync()


def differing(stage: Stage) -> None:
    """Somebody changed amounts in the endpoint's own books."""
    batch = stage.services.batches.generate(BatchSpec(FIXED, 3))
    page = _in_step(stage)
    for card, amount in zip(stage.services.cards.ids(CardFilter(batch_id=batch)), (700, 800), strict=False):
        code = stage.services.cards.reveal(card, reason="picture").reveal()
        stage.services.redemptions.redeem(code, amount)
    with closing(sqlite.connect(str(stage.config.endpoint / "endpoint.db"))) as books, books:
        books.execute("DROP TRIGGER redemption_no_update")
        books.execute("UPDATE redemption SET amount_minor = amount_minor + 1 WHERE amount_minor = 700")
    page.sync()
    stage.shoot()
    page.banner.act.click()
    stage.shoot("entries")
    stage.clear()
    with stage.offline():
        page = stage.go("sync")
        page.sync()
        stage.shoot("offline")


def strangers(stage: Stage) -> None:
    """Whoever answers is not who answered before, or does not know this device, or its history was changed."""
    page = _in_step(stage)
    key, after = (stage.services.settings.get(name) for name in ("cloud.public_key", "cloud.feed_hash"))
    for detail, name, wrong, right in (
        ("key-changed", "cloud.public_key", b64(b"k" * 32), key),
        ("feed-broken", "cloud.feed_hash", b64(b"h" * 32), after),
    ):
        stage.services.batches.generate(BatchSpec(FIXED, 1))
        _put(stage, name, wrong)
        page.sync()
        stage.shoot(detail)
        _put(stage, name, right)
    stage.services.cloud.sync()
    _put(stage, "cloud.last_problem", "bad-signature")
    stage.shoot("unknown-device")
    _put(stage, "cloud.last_problem", "")


def wrong_clock(stage: Stage) -> None:
    """A lease, no line, and a clock that was set back since."""
    lease = leased(stage)
    code = stage.code(CardFilter(batch_id=lease.batch_id))
    with stage.offline():
        with stage.vault.database.write(Topic.LEASES) as session:
            session.execute(update(Lease).where(Lease.id == lease.id).values(taken_at=now() + HOUR))
        stage.go("counter").look(code)
        stage.shoot()
    stage.services.leases.give_back(lease.id)


def far_away(stage: Stage) -> None:
    """In the cloud, under a long address, and nobody answers."""
    _in_step(stage)
    url = stage.services.cloud.status().url
    for name, value in (("cloud.mode", "cloud"), ("cloud.url", FAR)):
        _put(stage, name, value)
    page = stage.go("sync")
    page.sync()
    stage.shoot()
    page.show_devices()
    stage.shoot("devices")
    page.endpoint.start()
    stage.shoot("return")
    stage.clear()
    for name, value in (("cloud.mode", "embedded"), ("cloud.url", url)):
        _put(stage, name, value)
    stage.services.cloud.sync()


def long_place(stage: Stage) -> None:
    """The name of a place as long as it may be."""
    stage.services.settings.put("counter.place", (tr("Front desk, West Lake shop") * 12)[:60])
    stage.go("counter")
    stage.shoot()
    stage.services.settings.put("counter.place", "")


def moved_away(stage: Stage) -> None:
    """Another endpoint decides about a batch, and somebody thaws it here."""
    batch = stage.services.batches.generate(BatchSpec(FIXED, 3))
    page = _in_step(stage)
    with stage.vault.database.read() as session:
        body = {"batch_id": str(UUID(bytes=session.get_one(Batch, batch).uid))}
    closing_it = Op(new_op_id(), "batch.close@1", to_wire(now()), body)
    stage.services.cloud.ask(lambda client: client.push([closing_it]))
    stage.services.cloud.sync()
    stage.services.batches.thaw(batch)
    page.sync()
    stage.settle()
    refused = max(page.table.rows.ids)  # other scenes may have left refused ones
    page.open_record(refused)
    stage.shoot()
    page.open_here(refused)
    stage.shoot("decide")
    stage.clear()
    page.drawer.shut()
    stage.services.cloud.open_here(refused)
    stage.services.cloud.sync()


def _in_step(stage: Stage) -> Any:
    """The page, after a sync."""
    stage.services.cloud.start_embedded()
    stage.services.cloud.sync()
    return stage.go("sync")


def _put(stage: Stage, key: str, value: object) -> None:
    with stage.vault.database.write(Topic.CLOUD) as session:
        store(session, key, value)


SCENES = (
    Scene("recovering", recovering),
    Scene("strangers", strangers),
    Scene("wrong-clock", wrong_clock),
    Scene("far-away", far_away),
    Scene("long-place", long_place),
    Scene("moved-away", moved_away),
    Scene("differing", differing),
)
