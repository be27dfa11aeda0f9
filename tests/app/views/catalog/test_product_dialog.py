"""The dialog of a product: what it shows is what is stored."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.catalog import ProductSpec
from app.views.catalog.product_dialog import ProductDialog
from app.views.jobs import JobRunner
from app.words import end_of_local_day

LONG_AGO = end_of_local_day(datetime(2025, 3, 31, tzinfo=UTC).date())


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    made = JobRunner()
    yield made
    made.stop()


def test_a_day_that_has_passed_is_shown_as_it_is_and_not_as_today(
    qtbot: QtBot, services: Services, jobs: JobRunner
) -> None:
    """Saved with today instead, an expired product would be good again for some hours."""
    parent = QWidget()
    qtbot.addWidget(parent)
    product_id = services.catalog.add(ProductSpec("旧卡", "fixed", face_minor=100, valid_days=30))
    expired = replace(services.catalog.product(product_id), valid_days=None, valid_until=LONG_AGO)
    dialog = ProductDialog(parent, services.catalog, jobs, product=expired)
    dialog.open()
    assert dialog.spec().valid_until == LONG_AGO
    dialog.save()
    qtbot.waitUntil(lambda: jobs.idle, timeout=20_000)
    assert dialog.isVisible()
    assert dialog.form.fields["valid_until"].error.text()
    assert services.catalog.product(product_id).valid_days == 30
