"""Scenes of what becomes of the cards: the counter with each verdict, ledger, deliveries, dashboard."""

from PySide6.QtCore import QDate
from PySide6.QtWidgets import QScrollArea

from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.words import tr
from build_scripts.scenes.stage import Scene, Stage

FIXED, EXCHANGE, SUPPLIER = 1, 4, 5
UNKNOWN = "7K3Q-X9PM-A2FT-8842-0000"


def counter(stage: Stage) -> None:
    page = stage.go("counter")
    usable = CardFilter(product_id=FIXED, states=("assigned",))
    code = stage.code(usable)
    page.look(code)
    stage.shoot("usable")
    page.take_part()
    stage.shoot("part")
    page.redeem()
    stage.shoot("part-empty")
    page.amount.setText("50")
    page.redeem()
    stage.shoot("redeemed")
    page.undo_last()
    stage.shoot("undo")
    stage.clear()
    page.name_place()
    stage.shoot("place")
    stage.clear()
    page.look(stage.code(CardFilter(product_id=EXCHANGE, states=("assigned",))))
    stage.shoot("voucher")
    page.look(stage.code(CardFilter(states=("spent",))))
    stage.shoot("spent")
    page.look(UNKNOWN)
    stage.shoot("unknown")
    page.look(stage.code(CardFilter(product_id=SUPPLIER, states=("assigned",))))
    stage.shoot("supplier")


def counter_long(stage: Stage) -> None:
    """Names that are longer than their columns."""
    services = stage.services
    name = tr("Mid-Autumn card") + " · " + tr("Front desk, West Lake shop")
    product = services.catalog.add(ProductSpec(name, "fixed", "stored_value", face_minor=98_850))
    batch = services.batches.generate(BatchSpec(product, 3))
    services.cloud.sync()
    for card in list(services.cards.ids(CardFilter(batch_id=batch)))[:2]:
        code = services.cards.reveal(card, reason="picture").reveal()
        services.redemptions.redeem(code, 88_850, place=tr("Front desk, West Lake shop") + " · 2")
    stage.go("counter")
    stage.shoot()


def counter_stopped(stage: Stage) -> None:
    page = stage.go("counter")
    cards = stage.services.cards
    frozen, voided = list(cards.ids(CardFilter(product_id=FIXED, states=("assigned",))))[:2]
    cards.freeze(frozen)
    cards.void(voided, reason="picture")
    stage.services.cloud.sync()
    for detail, card in (("frozen", frozen), ("voided", voided)):
        page.look(cards.reveal(card, reason="picture").reveal())
        stage.shoot(detail)
    batch = stage.services.batches.generate(BatchSpec(FIXED, 3, "STANDARD"))
    page.look(stage.code(CardFilter(batch_id=batch)))
    stage.shoot("not-uploaded")
    with stage.offline():
        page = stage.go("counter")
        page.look(stage.code(CardFilter(product_id=FIXED, states=("assigned",))))
        stage.shoot("offline")


def ledger(stage: Stage) -> None:
    stage.go("ledger")
    stage.shoot()
    page = stage.go("dashboard")
    page.drill("redeemed", product_id=FIXED)
    stage.shoot("filtered")
    stage.page.table.selectAll()
    stage.shoot("selected")


def deliveries(stage: Stage) -> None:
    stage.go("deliveries")
    stage.shoot()
    page = stage.go("dashboard")
    page.drill("sent")
    stage.shoot("filtered")


def dashboard(stage: Stage) -> None:
    page = stage.go("dashboard")
    stage.shoot()
    bar = page.findChild(QScrollArea).verticalScrollBar()
    bar.setValue(bar.maximum())
    stage.shoot("below")
    bar.setValue(0)
    next(iter(page.cards.values())).show_formula()
    stage.shoot("formula")
    stage.clear()
    page.bar.choose("custom")
    page.bar.first_day.setDate(QDate.currentDate().addDays(-9))
    stage.shoot("custom")
    page.bar.compare_box.showPopup()
    stage.shoot("compare")
    page.bar.compare_box.hidePopup()
    page.bar.choose("30")
    page.bar.product_box.setCurrentIndex(2)
    stage.shoot("one-product")


SCENES = (
    Scene("dashboard", dashboard),
    Scene("ledger", ledger),
    Scene("deliveries", deliveries),
    Scene("counter", counter),
    Scene("counter-long", counter_long),
    Scene("counter-stopped", counter_stopped),
)
