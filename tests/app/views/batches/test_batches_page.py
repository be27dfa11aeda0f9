"""Narrowing the lists of batches and of products on their own pages."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sqlalchemy import update

from app.models.base import now
from app.models.batch import Batch
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.batches.page import BatchesPage
from app.views.catalog.page import CatalogPage
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.words import tr

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Lists:
    def __init__(self, services: Services, vault: OpenVault, bot: QtBot) -> None:
        self.jobs, self.changes, self.bot = JobRunner(), Changes(), bot
        vault.database.subscribe(self.changes.tell)
        self.batches = BatchesPage(
            services.batches,
            services.catalog,
            exports=services.exports,
            imports=services.supplier_imports,
            removals=services.removals,
            leases=services.leases,
            jobs=self.jobs,
            changes=self.changes,
        )
        self.products = CatalogPage(services.catalog, services.removals, jobs=self.jobs, changes=self.changes)
        for page in (self.batches, self.products):
            bot.addWidget(page)
            page.resize(1200, 700)
            with bot.waitExposed(page):
                page.show()

    def shows(self, page: BatchesPage | CatalogPage, *ids: int) -> None:
        self.bot.waitUntil(lambda: list(page.table.rows.ids) == list(ids) and self.jobs.idle, timeout=20_000)


@pytest.fixture
def lists(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[Lists]:
    """Two products with two batches and one batch; the first is 40 days old, the second frozen."""
    card = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    course = services.catalog.add(ProductSpec("课程码", "exchange"))
    for product in (card, card, course):
        services.batches.generate(BatchSpec(product, 5))
    services.batches.freeze(2)
    with vault.database.write(Topic.BATCHES) as session:
        session.execute(update(Batch).where(Batch.id == 1).values(created_at=now() - timedelta(days=40)))
    made = Lists(services, vault, qtbot)
    made.shows(made.batches, 3, 2, 1)
    yield made
    made.jobs.stop()


def test_batches_are_narrowed_by_product_state_and_day(lists: Lists) -> None:
    page, filters = lists.batches, lists.batches.filters
    filters.product_box.setFocus()
    filters.product_box.setText("中秋")
    lists.bot.keyClick(filters.product_box, Qt.Key.Key_Return)
    lists.shows(page, 2, 1)
    filters.made_box.box.setCurrentIndex(filters.made_box.box.findData("30"))
    lists.shows(page, 2)
    filters.state_box.setCurrentIndex(filters.state_box.findData("ready"))
    lists.shows(page)
    assert filters.chips.keys() == ["product", "state", "made"]
    kept = page.question()
    assert kept == {"product": 1, "state": "ready", "made": {"span": "30"}}
    filters.chips.remove("made")
    lists.shows(page, 1)
    page.show_question({})
    lists.shows(page, 3, 2, 1)
    page.show_question({"product": 1, "state": "frozen"})
    lists.shows(page, 2)
    lists.bot.waitUntil(lambda: "中秋福利卡" in filters.chips._buttons["product"].text(), timeout=20_000)


def test_batches_stay_sorted_in_the_file(lists: Lists, services: Services) -> None:
    assert services.batches.ids(sort="product", descending=False) == [3, 1, 2]
    assert services.batches.ids(sort="serial", descending=True) == [3, 2, 1]
    assert [row.id for row in services.batches.rows_of([1, 3])] == [1, 3]


def test_what_has_a_chinese_name_is_ordered_by_how_it_is_read(lists: Lists, services: Services) -> None:
    """By their signs, 中 would come before 阿."""
    before = services.batches.ids()
    first = services.catalog.add(ProductSpec("阿胶券", "fixed", face_minor=100))
    batch = services.batches.generate(BatchSpec(first, 1))
    assert services.batches.ids(sort="product", descending=False)[0] == batch
    assert services.batches.ids(sort="product", descending=True)[-1] == batch
    assert len(services.batches.ids(sort="product")) == len(before) + 1
    lists.products.table.sort_changed.emit("name", False)
    lists.bot.waitUntil(lambda: list(lists.products.table.rows.ids)[:1] == [first], timeout=20_000)


def test_products_are_narrowed_by_kind_and_by_whether_they_are_on_the_shelf(lists: Lists) -> None:
    page = lists.products
    lists.shows(page, 2, 1)
    page.kind_box.setCurrentIndex(page.kind_box.findData("exchange"))
    lists.shows(page, 2)
    page.put_away([2])
    lists.shows(page)
    page.state_box.setCurrentIndex(page.state_box.findData("away"))
    lists.shows(page, 2)
    assert page.chips.keys() == ["kind", "state"]
    page.put_back([2])
    lists.shows(page)
    page.state_box.setCurrentIndex(page.state_box.findData("all"))
    lists.shows(page, 2)
    page.chips.remove("kind")
    lists.shows(page, 2, 1)
    page.show_question({"state": "away"})
    lists.shows(page)


def test_products_that_are_all_put_away_are_offered_to_be_put_back(lists: Lists) -> None:
    """Nobody who has products is told to make the first one."""
    page, asked = lists.products, []
    lists.batches.page_wanted.connect(lambda key, wanted: asked.append((key, wanted)))
    lists.shows(page, 2, 1)
    page.put_away([1, 2])
    lists.shows(page)
    assert page.table._empty.reason.text() == tr("All products are put away")
    for begin in (lists.batches.ask_for_batch, lists.batches.ask_for_file):
        begin()
        lists.bot.waitUntil(lists.batches.banner.isVisible, timeout=20_000)
        lists.batches.banner.act.click()
        lists.batches.banner.clear()
    assert asked == [("catalog", {"state": "away"}), ("catalog", "new")], "there is none of a supplier's"
    page.show_wanted({"state": "away"})
    lists.shows(page, 2, 1)
    page.put_back([1, 2])
    lists.shows(page)
    page.show_question({})
    lists.shows(page, 2, 1)
