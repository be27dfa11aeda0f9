"""The last uses by themselves: rows are seen whole, however high the window is."""

from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtWidgets import QScrollArea
from pytestqt.qtbot import QtBot

from app.services.redemptions import Use
from app.views.counter.recent import HEAD_HEIGHT, ROW_HEIGHT, RecentUses
from app.views.theme import theme

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
MOMENT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def uses(count: int) -> list[Use]:
    return [
        Use(
            id=str(number),
            serial=f"B261120-01-{number:06d}",
            product="中秋福利卡",
            holder="",
            kind="redeemed",
            amount_minor=20_000,
            uses=0,
            at=MOMENT - timedelta(minutes=number),
            place="西湖店",
            undoable=False,
        )
        for number in range(count)
    ]


def test_what_is_seen_ends_between_two_rows(qtbot: QtBot) -> None:
    theme().choose("light")
    card = RecentUses()
    qtbot.addWidget(card)
    card.show_uses(uses(20))
    card.resize(900, 150)
    with qtbot.waitExposed(card):
        card.show()
    area = card.findChild(QScrollArea)
    for height in range(150, 320, 17):
        card.resize(900, height)
        qtbot.waitUntil(lambda: area.height() > HEAD_HEIGHT + ROW_HEIGHT, timeout=5_000)
        seen = area.viewport().height() - HEAD_HEIGHT
        assert (seen % ROW_HEIGHT, seen >= ROW_HEIGHT) == (0, True)
    assert area.widget().height() == HEAD_HEIGHT + 20 * ROW_HEIGHT
