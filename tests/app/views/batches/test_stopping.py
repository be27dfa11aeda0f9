"""How far a freeze reaches is said where it is made."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytestqt.qtbot import QtBot
from sqlalchemy import update

from app.errors import EndpointUnreachable
from app.models.base import now
from app.models.lease import Lease
from app.services import Services
from app.services.cards import CardFilter
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.batches.page import BatchesPage, _mark
from app.views.cards.page import _stopped_words
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.marks import card_mark
from app.views.widgets.toast import Toasts
from tests.drivers.online import a_batch

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Batches:
    def __init__(self, bot: QtBot, services: Services) -> None:
        self.bot, self.jobs = bot, JobRunner()
        self.page = BatchesPage(
            services.batches,
            services.catalog,
            exports=services.exports,
            imports=services.supplier_imports,
            removals=services.removals,
            leases=services.leases,
            jobs=self.jobs,
            changes=Changes(),
        )
        self.page.resize(1000, 700)
        bot.addWidget(self.page)
        self.page.show()

    def said(self, call: Callable[[], object]) -> str:
        """The toast that comes of an act."""
        stack = self.page.findChild(Toasts)
        if stack is not None:
            stack.clear()
        call()
        self.bot.waitUntil(lambda: bool(self.toasts()) and self.jobs.idle, timeout=20_000)
        return self.toasts()[-1]

    def toasts(self) -> list[str]:
        stack = self.page.findChild(Toasts)
        return [one.words.text() for one in stack.toasts()] if stack is not None else []


def test_a_freeze_says_what_it_does_not_reach_yet(qtbot: QtBot, online: Services, vault: OpenVault) -> None:
    screen = Batches(qtbot, online)
    page, batch = screen.page, a_batch(online)
    online.cloud.sync()
    assert screen.said(lambda: page.freeze(batch)) == "已冻结"
    online.batches.thaw(batch)
    online.cloud.sync()
    online.leases.take(batch, until=now() + timedelta(hours=8), count=3)
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(incarnation="another"))
    assert "除已租出的卡外" in screen.said(lambda: page.freeze(batch))
    online.batches.thaw(batch)
    online.cloud.stop_embedded()
    with pytest.raises(EndpointUnreachable):
        online.cloud.sync()
    assert "待生效" in screen.said(lambda: page.freeze(batch))
    online.batches.thaw(batch)
    assert "待生效" in screen.said(lambda: page.stop([batch], frozen=True))
    screen.jobs.stop()


def test_a_freeze_the_endpoint_has_not_heard_of_is_not_in_force_yet_in_the_list(online: Services) -> None:
    def said(batch_id: int) -> str:
        return next(_mark(row).word for row in online.batches.batches() if row.id == batch_id)

    batch, other = a_batch(online), a_batch(online)
    online.batches.freeze(batch)
    assert said(batch) == "已冻结", "nobody else has it"
    online.batches.thaw(batch)
    online.cloud.sync()
    online.batches.freeze(batch)
    online.batches.void(other, confirm=str(online.batches.batch(other).quantity))
    assert (said(batch), said(other)) == ("已冻结 · 待生效", "已作废 · 待生效")
    online.cloud.sync()
    assert (said(batch), said(other)) == ("已冻结", "已作废")


def test_a_card_whose_stop_the_endpoint_has_not_heard_of_says_so_in_the_list(online: Services) -> None:
    """Its own stop, or that of its whole batch; not what was heard, nor of what the endpoint does not have."""
    batch, other = a_batch(online), a_batch(online)
    cards, others = (list(online.cards.ids(CardFilter(batch_id=one), descending=False)) for one in (batch, other))

    def said() -> list[str]:
        return [card_mark(row.state, frozen=row.frozen, unheard=row.unheard).word for row in online.cards.rows(cards)]

    online.cards.freeze(cards[0])
    assert said()[0] == "已冻结", "nobody else has it"
    online.cloud.sync()
    assert said() == ["已冻结", *["库存"] * (len(cards) - 1)]
    online.cards.freeze(cards[1])
    online.cards.void(cards[2], reason="x")
    online.cards.thaw(cards[0])
    assert said()[:4] == ["库存", "已冻结 · 待生效", "已作废 · 待生效", "库存"]
    online.batches.freeze(other)
    shown = online.cards.rows([cards[1], *others])
    assert [row.unheard for row in shown] == [True] * len(shown)
    online.cloud.sync()
    assert said()[:4] == ["库存", "已冻结", "已作废", "库存"]
    assert not any(row.unheard for row in online.cards.rows([*cards, *others]))


def test_cards_frozen_without_a_line_say_that_it_waits(online: Services) -> None:
    batch = a_batch(online)
    cards = list(online.cards.ids(CardFilter(batch_id=batch)))
    online.cloud.sync()
    assert not online.cards.stop(cards[:1], frozen=True).waiting
    online.cloud.stop_embedded()
    with pytest.raises(EndpointUnreachable):
        online.cloud.sync()
    done = online.cards.stop(cards[1:], frozen=True)
    assert done.waiting
    assert "待生效" in _stopped_words(done, frozen=True)
    assert "待生效" not in _stopped_words(online.cards.stop(cards, frozen=False), frozen=False)
