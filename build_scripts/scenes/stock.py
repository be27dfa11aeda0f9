"""Scenes of products, batches and cards: their dialogs, a drawer, chips."""

from pathlib import Path
from typing import Any

from app.bootstrap.demo import PASSPHRASE
from app.models.base import now
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.ledger import CardsOut
from app.vocabulary import KINDS
from app.words import tr
from build_scripts.scenes.samples import supplier_codes
from build_scripts.scenes.stage import Scene, Stage
from tests.drivers.trade import Trade

FIXED, VARIABLE, EXCHANGE = 1, 3, 4


def product(stage: Stage) -> None:
    page = stage.go("catalog")
    page.add()
    dialog = stage.dialog
    for kind in KINDS:
        dialog.kind.setCurrentIndex(dialog.kind.findData(kind))
        stage.shoot(kind)
    dialog.kind.setCurrentIndex(0)
    dialog.save()
    stage.shoot("nameless")
    dialog.name.setText("Card")
    dialog.face.setText("20O")
    dialog.save()
    stage.shoot("mistyped")
    dialog.face.setText("1500")
    dialog.form_of_trade.setCurrentIndex(0)
    dialog.validity.setCurrentIndex(1)
    dialog.save()
    stage.shoot("rule")
    dialog.reject()
    page.change(page.table.rows.ids[1])
    stage.shoot("change")


def generate(stage: Stage) -> None:
    page = stage.go("batches")
    page.ask_for_batch()
    dialog = stage.dialog
    stage.shoot()
    dialog.product.setCurrentIndex(dialog.product.findData(VARIABLE))
    stage.shoot("variable")
    dialog.format.setCurrentIndex(3)
    dialog.pattern.setText("KX-####")
    stage.shoot("pattern")


def export(stage: Stage) -> None:
    page = stage.go("batches")
    batch = stage.services.batches.batch(stage.services.batches.generate(BatchSpec(FIXED, 50, "STANDARD")))
    page.export(batch)
    dialog = stage.dialog
    dialog.path.setText(str(stage.scratch / "list.xlsx"))
    stage.shoot("masked")
    dialog.export()
    stage.shoot("masked-done")
    dialog.reject()
    page.export(batch)
    dialog = stage.dialog
    dialog.plain.setChecked(True)
    dialog.format.setCurrentIndex(dialog.format.findData("zip"))
    stage.shoot("plain")
    dialog.export()
    stage.shoot("plain-lacking")
    dialog.reason.setText("Print shop")
    dialog.passphrase.entry.setText("wrong")
    dialog.path.setText(str(stage.scratch / "codes.zip"))
    dialog.export()
    stage.shoot("plain-wrong")
    dialog.passphrase.entry.setText(PASSPHRASE)
    dialog.export()
    stage.shoot("plain-done")


def import_codes(stage: Stage) -> None:
    page = stage.go("batches")
    page.ask_for_file()
    stage.shoot()
    for faulty in (False, True):
        stage.clear()
        page.ask_for_file()
        dialog = stage.dialog
        dialog.look_at(supplier_codes(Path(stage.scratch), faulty=faulty))
        stage.shoot("faulty" if faulty else "good")
    dialog.import_now()
    stage.shoot("done")


def freeze_and_void(stage: Stage) -> None:
    page = stage.go("batches")
    page.void(stage.services.batches.batches()[0])
    dialog = stage.dialog
    stage.shoot("ask")
    dialog.entry.setText("7")
    dialog.verb_button.click()
    stage.shoot("mistyped")


def cards(stage: Stage) -> None:
    page = stage.go("cards", CardFilter(states=("assigned", "active"), product_id=FIXED))
    stage.shoot("chips")
    page.show_wanted(CardsOut(live=True, expiring_days=30, product_id=EXCHANGE))
    stage.shoot("chips-of-dashboard")
    page.show_wanted(CardFilter(states=("voided",)))
    stage.shoot("none")


def cards_waiting(stage: Stage) -> None:
    """Frozen without a line: not in force elsewhere yet."""
    stage.services.cloud.start_embedded()
    stage.services.cloud.sync()
    wanted = CardFilter(states=("assigned", "active"), product_id=FIXED)
    with stage.offline():
        frozen = list(stage.services.cards.ids(wanted))[:3]
        stage.services.cards.stop(frozen, frozen=True)
        stage.go("cards", wanted)
        stage.shoot()
        stage.services.cards.stop(frozen, frozen=False)
    stage.services.cloud.sync()


def filters(stage: Stage) -> None:
    """Each list narrowed on its own page; a box that finds one of many."""
    page = stage.go("cards")
    narrow = page.filters
    narrow.batch_box.setFocus()
    narrow.batch_box.setText("B")
    narrow.batch_box.tell_now()
    stage.shoot("find")
    _narrow_cards(stage, page)
    page = stage.go("batches")
    page.filters.state_box.setCurrentIndex(page.filters.state_box.findData("published"))
    page.filters.made_box.box.setCurrentIndex(page.filters.made_box.box.findData("365"))
    stage.shoot("batches")
    assert len(page.table.rows.ids), "an empty list shows nothing of a filter"
    page = stage.go("catalog")
    page.kind_box.setCurrentIndex(1)
    page.state_box.setCurrentIndex(2)
    stage.shoot("products")
    page = stage.go("audit")
    page.filters.days_box.box.setCurrentIndex(1)
    page.filters.subject_box.setText(tr("Product {number}", number=1))
    stage.shoot("audit")
    page = stage.go("ledger")
    page.days_box.box.setCurrentIndex(3)
    page.kind_box.setCurrentIndex(1)
    stage.shoot("ledger")


def _narrow_cards(stage: Stage, page: Any) -> None:
    """To cards there are, and to one of them."""
    narrow = page.filters
    (card,) = stage.services.cards.rows(stage.services.cards.ids(CardFilter(states=("active",)))[:1])
    narrow.batch_box.setText(card.batch)
    narrow.batch_box.tell_now()
    stage.settle()
    narrow.batch_box.take_first()
    narrow.state_box.setCurrentIndex(narrow.state_box.findData("active"))
    narrow.validity_box.box.setCurrentIndex(narrow.validity_box.box.findData("days"))
    narrow.validity_box.last.setDate(narrow.validity_box.last.date().addYears(3))
    stage.shoot("cards")
    assert len(page.table.rows.ids), "an empty list shows nothing of a filter"
    narrow.holder_box.setText(card.holder)
    narrow.holder_box.tell_now()
    stage.settle()
    narrow.holder_box.take_first()
    stage.shoot("holder")
    assert len(page.table.rows.ids), "an empty list shows nothing of a filter"


def bin_(stage: Stage) -> None:
    """Into the recycle bin, refused, and back."""
    stage.go("bin")
    stage.shoot("empty")
    services = stage.services
    made = [services.catalog.add(ProductSpec(name, "exchange")) for name in ("B&W 2027", "Crab voucher")]
    batch = services.batches.generate(BatchSpec(FIXED, 50, "STANDARD"))
    page = stage.go("catalog")
    page.bin.remove([FIXED])
    stage.shoot("refused")
    stage.clear()
    page.banner.clear()
    page.bin.remove(made)
    stage.shoot("removed")
    stage.clear()
    services.removals.remove("batch", [batch])
    people = stage.go("people")
    people.table.go_to_row(1)
    people.open_record(people.table.rows.ids[1])
    stage.shoot("person")
    services.removals.remove("person", list(people.table.rows.ids[:3]))
    page = stage.go("bin")
    page.table.go_to_row(0)
    page.table.select_page()
    stage.shoot("full")
    page.show_wanted("person")
    stage.shoot("people")


def many(stage: Stage) -> None:
    """Views above a list, and what is offered below it for many rows."""
    page = stage.go("cards")
    for name, states in ((tr("Holder"), ("active",)), (tr("Void"), ("voided",)), ("B&W 2027", ("spent", "voided"))):
        page.show_wanted(CardFilter(states=states))
        stage.settle()
        page.tabs.ask_for_name()
        stage.dialog.name.setText(name)
        stage.dialog.verb_button.click()
        stage.settle()
        stage.clear()
    page.show_wanted(CardFilter(states=("active",)))
    page.tabs.choose(tr("Holder"))
    stage.settle()
    page.table.go_to_row(2)
    page.table.select_page()
    stage.shoot("page")
    page.table.selectAll()
    stage.shoot("all")
    page.ask_to_stop(page.table.selected_ids(), frozen=True)
    stage.shoot("ask")
    stage.clear()
    page.tabs.ask_for_name()
    stage.dialog.name.setText("B&W 2027")
    stage.dialog.verb_button.click()
    stage.shoot("name-taken")
    stage.clear()
    page.tabs.more.menu().popup(page.tabs.more.mapToGlobal(page.tabs.more.rect().bottomLeft()))
    stage.shoot("menu")
    page.tabs.more.menu().close()
    people = stage.go("people")
    people.table.selectAll()
    stage.shoot("people")


def card(stage: Stage) -> None:
    page = stage.go("cards", CardFilter(states=("spent",)))
    page.table.go_to_row(0)
    page.open_record(page.table.rows.ids[0])
    stage.shoot("spent")
    page.show_wanted(CardFilter(states=("active",)))
    stage.settle()
    page.table.go_to_row(0)
    page.open_record(page.table.rows.ids[0])
    stage.shoot("in-use")


def reveal(stage: Stage) -> None:
    page = stage.go("cards", CardFilter(states=("active",)))
    page.open_record(page.table.rows.ids[0])
    stage.press(tr("Show code"))
    dialog = stage.dialog
    stage.shoot()
    dialog.show_button.click()
    stage.shoot("reasonless")
    dialog.reason.setText("Holder on the phone")
    dialog.show_button.click()
    stage.shoot("shown")
    dialog.copy_button.click()
    stage.shoot("copied")


def payment(stage: Stage) -> None:
    spec = ProductSpec(tr("Stored-value card"), "fixed", "stored_value", face_minor=20_000)
    batch = stage.services.batches.generate(BatchSpec(stage.services.catalog.add(spec), 3, "STANDARD"))
    Trade(stage.vault.database).release(batch, at=now())
    stage.services.cloud.sync()
    page = stage.go("cards", CardFilter(batch_id=batch))
    page.table.go_to_row(0)
    page.open_record(page.table.rows.ids[0])
    stage.press(tr("Top up"))
    dialog = stage.dialog
    stage.shoot("top-up")
    dialog.amount.setText("300")
    dialog.verb_button.click()
    stage.shoot("reasonless")
    dialog.amount.setText("1,500")
    stage.shoot("over-limit")
    dialog.over_box.setChecked(True)
    dialog.chips[0].click()
    dialog.verb_button.click()
    stage.shoot("topped-up")
    stage.press(tr("Refund"))
    dialog = stage.dialog
    stage.shoot("refund")
    dialog.amount.setText("99999")
    stage.shoot("too-much")
    dialog.amount.setText("50")
    dialog.chips[0].click()
    dialog.verb_button.click()
    stage.shoot("refunded")
    page = stage.go("cards", CardFilter(states=("assigned", "active"), product_id=EXCHANGE))
    page.table.go_to_row(0)
    page.open_record(page.table.rows.ids[0])
    stage.shoot("voucher")
    stage.press(tr("Refund"))
    stage.shoot("voucher-refund")
    stage.clear()
    stage.go("ledger")
    stage.shoot("ledger")
    stage.go("dashboard")
    stage.shoot("dashboard")


SCENES = (
    Scene("product", product),
    Scene("generate", generate),
    Scene("export", export),
    Scene("import-codes", import_codes),
    Scene("void", freeze_and_void),
    Scene("cards", cards),
    Scene("cards-waiting", cards_waiting),
    Scene("filters", filters),
    Scene("bin", bin_),
    Scene("many", many),
    Scene("card", card),
    Scene("reveal", reveal),
    Scene("payment", payment),
)
