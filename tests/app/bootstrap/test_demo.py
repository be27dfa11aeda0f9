"""The demo: every kind of product lives in it, its books fold, and a half-made one is made anew."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from app.bootstrap import build_services
from app.bootstrap.demo import ABANDONED, UNFINISHED, UNKNOWN_TO_THE_SERVER, make_demo, sweep
from app.config import Config
from app.models.base import now
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from app.services.dashboard import Period
from app.services.ledger import RedemptionFilter
from app.services.vault.vaults import OpenVault
from app.words import zone
from tests.drivers.days import last_days, today


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> OpenVault:
    config = Config(tmp_path_factory.mktemp("demo") / "data")
    config.data.mkdir()
    (config.data / UNFINISHED).touch()  # as a kill leaves it
    (config.data / "vault.keys.json").write_text("half")
    return make_demo(config)


@pytest.fixture
def services(vault: OpenVault) -> Services:
    return build_services(Config(vault.database.path.parent), vault)


def test_the_books_fold(services: Services) -> None:
    assert services.integrity.verify(deep=True).findings == ()
    assert services.audit.verify().ok


def test_every_kind_lives(services: Services) -> None:
    assert {product.kind for product in services.catalog.products()} == {"fixed", "variable", "exchange", "supplier"}
    channels = {one.channel for one in services.distribution.distributions()}
    assert channels == {"file", "print", "email"}
    assert {batch.state for batch in services.batches.batches()} >= {"published", "frozen"}


def test_the_first_look_at_the_dashboard_shows_no_empty_number(services: Services) -> None:
    figures = services.dashboard.summary(last_days(30))
    before = services.dashboard.summary(Period(today() - timedelta(days=59), today() - timedelta(days=30)))
    for month in (figures, before):
        assert month.issued.count
        assert month.redeemed.minor
        assert 0 < (month.rates.claim or 0) < 1
    assert figures.expiring.count
    assert len(services.ledger.redemption_ids(RedemptionFilter())) > 100


def test_a_serial_tells_the_day_its_batch_was_made(services: Services) -> None:
    for batch in services.batches.batches():
        assert batch.serial.startswith(f"B{batch.created_at.astimezone(zone()):%y%m%d}-")


def test_somebody_waits_to_be_helped(services: Services) -> None:
    failed = sum(one.failed for one in services.distribution.distributions())
    assert failed >= len(UNKNOWN_TO_THE_SERVER)
    assert "failed" in {todo.key for todo in services.home.today().todos}


def test_nobody_redeems_before_the_card_came(services: Services, vault: OpenVault) -> None:
    for run in services.distribution.distributions():
        for one in services.distribution.deliveries_of(services.distribution.delivery_ids(run.id)):
            marks = [mark for mark in (one.sent_at, one.opened_at, one.claimed_at, one.redeemed_at) if mark]
            assert marks == sorted(marks)
            assert all(mark <= now() for mark in marks)


def test_it_opens_again_with_its_passphrase(vault: OpenVault, tmp_path: Path) -> None:
    assert not (vault.database.path.parent / UNFINISHED).exists()
    vault.close()
    again = make_demo(Config(vault.database.path.parent))
    again.close()


def test_what_killed_demos_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, open_, young = (Config(tmp_path / name) for name in ("left", "open", "young"))
    for config in (left, open_, young):
        config.data.mkdir()
        (config.data / "vault.db").touch()
    running = EmbeddedEndpoint(left)
    running.start()
    with FileLock(open_.lock):
        for config in (left, open_):
            os.utime(config.data, times=((now() - 2 * ABANDONED).timestamp(),) * 2)
        sweep([*tmp_path.iterdir(), tmp_path / "gone meanwhile"])
    assert sorted(tmp_path.iterdir()) == [open_.data, young.data]
    assert not running.is_running()
    running.stop()
