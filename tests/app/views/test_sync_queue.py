"""What the queue says of entries that were refused: about which card or batch, and what it means to give one up."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from sqlalchemy import update

from app.models.base import now
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.cards import CardFilter
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.widgets.dialog import ConfirmDialog
from tests.drivers.online import EVENING, a_code, close_there, sealed_batch
from tests.drivers.sync_page import Desk


@pytest.fixture
def batch(online: Services) -> int:
    return sealed_batch(online)


@pytest.fixture
def desk(qtbot: QtBot, online: Services, vault: OpenVault) -> Iterator[Desk]:
    made = Desk(qtbot, online)
    vault.database.subscribe(made.changes.tell)
    yield made
    made.jobs.stop()


def refuse(vault: OpenVault, type_: str) -> None:
    """As an endpoint refuses it that does not let this device do so."""
    with vault.database.write(Topic.OUTBOX) as session:
        refused = {"state": "rejected", "problem": {"key": "forbidden"}}
        session.execute(update(OutboxOp).where(OutboxOp.type == type_).values(refused))


def row_of(desk: Desk, type_: str) -> list[str]:
    """The cells of its row."""
    desk.wait(lambda: any(entry.type == type_ and entry.state == "rejected" for entry in desk.page._queue.values()))
    (number,) = (entry.id for entry in desk.page._queue.values() if entry.type == type_)
    rows = desk.page.table.rows
    desk.wait(lambda: number in rows.ids and rows.index(rows.ids.index(number), 0).data())
    return [str(rows.index(rows.ids.index(number), at).data()) for at in range(len(rows.columns))]


def question(desk: Desk, type_: str) -> list[str]:
    """What is asked before it is given up."""
    (number,) = (entry.id for entry in desk.page._queue.values() if entry.type == type_)
    desk.page.withdraw(number)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConfirmDialog)
    return [one.text() for one in dialog.findChildren(QLabel)]


def test_a_use_under_a_lease_names_its_card_and_is_given_up_with_its_consequence_in_sight(
    desk: Desk, batch: int, vault: OpenVault
) -> None:
    services = desk.services
    services.leases.take(batch, until=now() + EVENING, count=3)
    services.cloud.stop_embedded()
    code = a_code(services, batch)
    services.redemptions.redeem(code, 5_000)
    refuse(vault, "redeem.leased@1")
    serial = services.cards.rows([services.cards.find(code)])[0].serial
    assert row_of(desk, "redeem.leased@1")[:3] == ["离线核销", serial, "被拒绝"]
    asked = question(desk, "redeem.leased@1")
    assert any(serial in words and "冲突" in words for words in asked)
    desk.confirm()
    desk.wait(lambda: len(services.leases.conflicts()) == 1)
    desk.settled()


def test_a_freeze_of_a_card_names_the_card_and_a_lease_its_batch(desk: Desk, batch: int, vault: OpenVault) -> None:
    services = desk.services
    lease = services.leases.take(batch, until=now() + EVENING, count=3)
    services.cloud.stop_embedded()
    card = services.cards.ids(CardFilter(batch_id=batch), descending=False)[4]
    services.cards.freeze(card)
    services.leases.give_back(lease.id)
    for type_ in ("card.freeze@1", "lease.return@1"):
        refuse(vault, type_)
    assert row_of(desk, "card.freeze@1")[1] == services.cards.rows([card])[0].serial
    assert row_of(desk, "lease.return@1")[1] == lease.serial
    asked = question(desk, "card.freeze@1")
    assert any("恢复成和兑换端一样" in words for words in asked)
    desk.confirm()
    desk.wait(lambda: not services.cards.rows([card])[0].frozen)
    desk.settled()


def test_whoever_lets_this_endpoint_decide_reads_about_which_batch(desk: Desk, batch: int) -> None:
    services = desk.services
    close_there(services, batch)
    services.batches.thaw(batch)
    desk.page.sync()
    desk.wait(lambda: not desk.page._syncing and desk.page.table.count == 1)
    desk.settled()
    desk.page.open_here(desk.page.table.rows.ids[0])
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConfirmDialog)
    assert services.batches.batch(batch).serial in dialog.windowTitle()
    dialog.reject()
