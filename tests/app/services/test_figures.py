"""Figures: one event, one upsert, on the merchant's own day and hour."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.models.redemption import DailyFigure
from app.services.figures import FigureEntry, add, add_many
from app.services.vault.vaults import OpenVault
from app.topics import Topic

LATE = datetime(2026, 9, 24, 16, 30, tzinfo=UTC)
"""Half past midnight of the next day in the merchant's zone."""


def figures(vault: OpenVault) -> list[tuple[str, int, int, str, str, int, int]]:
    with vault.database.read() as session:
        rows = session.scalars(select(DailyFigure).order_by(DailyFigure.day, DailyFigure.hour, DailyFigure.metric))
        return [(r.day, r.hour, r.product_id, r.channel, r.metric, r.count, r.amount_minor) for r in rows]


def test_an_event_counts_on_the_local_day_and_hour(vault: OpenVault) -> None:
    with vault.database.write(Topic.REDEMPTIONS) as session:
        add(session, "redeemed", at=LATE, product_id=1, channel="mail", amount_minor=2_000)
    assert figures(vault) == [("2026-09-25", 0, 1, "mail", "redeemed", 1, 2_000)]


def test_events_of_one_hour_add_up_and_can_be_taken_back(vault: OpenVault) -> None:
    with vault.database.write(Topic.REDEMPTIONS) as session:
        add(session, "issued", at=LATE, product_id=1, channel="mail", count=3, amount_minor=600)
        add(session, "issued", at=LATE.replace(minute=59), product_id=1, channel="mail", amount_minor=200)
        add(session, "issued", at=LATE, product_id=1, channel="mail", count=-1, amount_minor=-200)
    assert figures(vault) == [("2026-09-25", 0, 1, "mail", "issued", 3, 600)]


def test_many_entries_are_grouped_before_they_are_written(vault: OpenVault) -> None:
    with vault.database.write(Topic.REDEMPTIONS) as session:
        add_many(session, (FigureEntry("sent", LATE.replace(minute=n % 60), 1, "mail") for n in range(20_000)))
        add_many(session, [FigureEntry("sent", LATE, 2, "mail"), FigureEntry("sent", LATE, 2, "mail", count=-1)])
        add_many(session, [])
    assert figures(vault) == [("2026-09-25", 0, 1, "mail", "sent", 20_000, 0)]


def test_a_metric_nobody_defined_is_refused(vault: OpenVault) -> None:
    with vault.database.write(Topic.REDEMPTIONS) as session, pytest.raises(ValueError, match="no such metric"):
        add(session, "sold", at=LATE, product_id=1, channel="mail")
