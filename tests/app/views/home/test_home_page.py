"""The home page on the screen: what needs somebody, the first steps, the figures, and where each line leads."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from sqlalchemy import update

from app.models.base import now
from app.models.batch import Batch
from app.models.distribution import Delivery
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.home import FAILURES
from app.services.ledger import CardsOut, RedemptionFilter
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.changes import Changes
from app.views.home.page import HomePage
from app.views.jobs import JobRunner
from app.views.theme import font, style_sheet
from app.views.theme.tokens import LIGHT
from tests.drivers.trade import Trade

FACE = 20_000
pytestmark = [pytest.mark.qt_log_ignore("This plugin does not support", extend=True), pytest.mark.usefixtures("noon")]


class Screen:
    def __init__(self, page: HomePage, bot: QtBot, vault: OpenVault) -> None:
        self.page, self.bot, self.vault = page, bot, vault
        self.wanted: list[tuple[str, object]] = []
        page.page_wanted.connect(lambda key, wanted: self.wanted.append((key, wanted)))

    def until(self, condition: Callable[[], bool]) -> None:
        self.bot.waitUntil(lambda: self.page.shown is not None and condition(), timeout=20_000)

    def keys(self) -> list[str]:
        assert self.page.shown is not None
        return [todo.key for todo in self.page.shown.todos]

    def acts(self, card: str) -> list[QPushButton]:
        place = self.page._todo_place if card == "todo" else self.page._step_place
        return place.findChildren(QPushButton)

    def click(self, button: QPushButton) -> tuple[str, object]:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        return self.wanted[-1]


@pytest.fixture
def screen(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[Screen]:
    jobs, changes = JobRunner(), Changes()
    vault.database.subscribe(changes.tell)
    page = HomePage(services.home, jobs=jobs, changes=changes)
    page.resize(1100, 760)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    made = Screen(page, qtbot, vault)
    made.until(lambda: True)
    yield made
    jobs.stop()


@pytest.fixture
def traded(screen: Screen, services: Services) -> Screen:
    """Ten cards by mail, three redeemed, two not delivered; all end in five days. One batch was interrupted."""
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))
    batch = services.batches.generate(BatchSpec(product, 10))
    broken = services.batches.generate(BatchSpec(product, 5))
    trade = Trade(screen.vault.database)
    cards = trade.hand_out(product, 10, at=now() - timedelta(days=4), steps=(10, 9, 6, 4))
    for card in cards[:3]:
        trade.redeem(card, FACE, at=now() - timedelta(days=2))
    trade.end_validity(batch, now() + timedelta(days=5))
    with screen.vault.database.write(Topic.BATCHES, Topic.DISTRIBUTIONS) as session:
        session.execute(update(Batch).where(Batch.id == broken).values(state="generating", made=2))
        session.execute(update(Delivery).where(Delivery.card_id.in_(cards[8:])).values(state="failed"))
    screen.until(lambda: screen.keys() == ["unfinished", "failed", "expiring", "recovery"])
    return screen


def test_a_young_vault_shows_the_first_steps_and_no_zeros(screen: Screen) -> None:
    for part in (screen.page._figures, screen.page.trend, screen.page.top):
        assert not part.isVisible()
    assert [screen.click(act) for act in screen.acts("step")] == [
        ("people", "import"),
        ("batches", ("generate", 0)),
        ("settings", "mail"),
        ("sync", None),
        ("settings", "backups"),
    ]
    assert screen.page.progress.text() == "已完成 0/5"


def test_a_step_that_was_taken_is_ticked_off(screen: Screen, services: Services) -> None:
    services.people.store(services.people.check(services.people.stage("姓名\t手机\n张三\t13800138000\n")))
    screen.until(lambda: screen.page.progress.text() == "已完成 1/5")
    assert len(screen.acts("step")) == 4


def test_a_backup_that_was_never_made_is_not_called_old(traded: Screen, services: Services, tmp_path: Path) -> None:
    """The cards are older than the age at which a backup is asked for."""

    def grown(days: int) -> None:
        with traded.vault.database.write(Topic.BATCHES) as session:
            session.execute(update(Batch).values(created_at=now() - timedelta(days=days)))

    grown(60)
    traded.until(lambda: traded.keys()[-2:] == ["unsaved", "recovery"])
    (line,) = [act for act in traded.acts("todo") if "备份" in act.accessibleName()]
    assert line.accessibleName() == "备份：发卡 60 天，还没有做过备份"
    assert traded.click(line) == ("settings", "backups")
    services.backups.create(tmp_path / "a.kxbak")
    traded.until(lambda: traded.keys() == ["unfinished", "failed", "expiring", "recovery"])


def test_the_festival_and_its_day_are_named(screen: Screen) -> None:
    assert screen.page.shown is not None
    assert screen.page.festival_note.text() == screen.page.shown.festival_day.isoformat()
    assert str(screen.page.shown.days_left) in screen.page.festival.text()


def test_every_line_leads_to_where_it_is_done(traded: Screen) -> None:
    unfinished, failed, expiring, recovery = traded.acts("todo")
    assert unfinished.text() == "继续"
    assert traded.click(unfinished)[0] == "batches"
    assert traded.click(failed) == ("distribution", 1)
    assert traded.click(expiring) == ("cards", CardsOut(live=True, expiring_days=30))
    assert traded.click(recovery) == ("settings", "security")


def test_failures_of_several_distributions_lead_to_those(traded: Screen, services: Services) -> None:
    product = services.catalog.add(ProductSpec("月饼卡", "fixed", face_minor=FACE))
    services.batches.generate(BatchSpec(product, 1))
    cards = Trade(traded.vault.database, acts=100).hand_out(product, 1, at=now(), steps=(1,))
    with traded.vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).where(Delivery.card_id.in_(cards)).values(state="uncertain"))
    traded.until(lambda: traded.acts("todo")[1].accessibleName() == "查看：3 张卡没有送达")
    assert traded.click(traded.acts("todo")[1]) == ("distribution", FAILURES)


def test_cards_that_end_soon_are_counted_with_their_worth(traded: Screen) -> None:
    words = [act.accessibleName() for act in traded.acts("todo")]
    assert "7 天内" in words[2]
    assert "¥1,400.00" in words[2]


def test_every_figure_opens_the_list_it_counts(traded: Screen, services: Services) -> None:
    assert traded.page._figures.isVisible()
    for key in ("issued", "redeemed", "outstanding", "expiring"):
        traded.page.cards[key].opened.emit()
    issued, redeemed, outstanding, expiring = (wanted for _, wanted in traded.wanted)
    assert isinstance(issued, CardsOut)
    assert isinstance(redeemed, RedemptionFilter)
    assert isinstance(outstanding, CardsOut)
    assert isinstance(expiring, CardsOut)
    ledger = services.ledger
    assert traded.page.cards["issued"].number.text() == str(len(ledger.card_ids(issued)))
    assert ledger.net_of(redeemed) == (3 * FACE, 0)
    assert len(ledger.card_ids(outstanding)) == len(ledger.card_ids(expiring)) == 7


def test_the_products_used_most_often_lead_to_their_redemptions(traded: Screen, services: Services) -> None:
    assert [(bar.name, bar.written) for bar in traded.page.top.bars._bars] == [("中秋福利卡", "3 次")]
    assert traded.page.trend.isVisible()
    traded.page.top.chosen.emit(traded.page.top.bars._bars[0].key)
    page, wanted = traded.wanted[-1]
    assert page == "ledger"
    assert isinstance(wanted, RedemptionFilter)
    assert services.ledger.net_of(wanted) == (3 * FACE, 0)


def test_the_button_begins_a_distribution(screen: Screen) -> None:
    button = next(each for each in screen.page.header.findChildren(QPushButton) if each.text() == "批量发放")
    assert screen.click(button) == ("distribution", "new")


def test_a_small_window_puts_the_cards_below_each_other(traded: Screen) -> None:
    traded.page.resize(700, 600)
    todo, steps = traded.page.todo_card, traded.page.step_card
    traded.bot.waitUntil(lambda: steps.y() > todo.y() + 20)
    assert traded.page.todo_card.width() <= traded.page._scroll.viewport().width()


def test_four_things_to_do_fit_into_the_usual_window(traded: Screen) -> None:
    """1240 × 792 is what a window of 1440 × 900 leaves to a page."""
    page, sheet = traded.page, traded.page._scroll.widget()
    page.setStyleSheet(style_sheet(LIGHT))
    page.setFont(font())
    page.resize(1240, 792)
    for card in page.cards.values():  # as after a month
        card.show_figure(replace(card.figure, spark=(1, 2)))
    traded.bot.waitUntil(lambda: page._scroll.viewport().height() > 600)
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    assert sheet.minimumSizeHint().height() <= page._scroll.viewport().height()


def test_buttons_that_look_alike_have_names_of_their_own(traded: Screen) -> None:
    names = [act.accessibleName() for act in (*traded.acts("todo"), *traded.acts("step"))]
    assert len(set(names)) == len(names)
    assert "开始：设置邮件服务器" in names
