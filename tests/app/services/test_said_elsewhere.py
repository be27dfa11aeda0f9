"""Copies of one vault that tell an endpoint of the same batches, each by itself."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.config import Config
from app.services import Services
from app.services.backups import restore
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.cloud import EmbeddedEndpoint
from app.services.vault.vaults import OpenVault
from tests.app.conftest import PASSPHRASE
from tests.drivers.elsewhere import assert_level
from tests.drivers.online import a_code, pair_with, sealed_batch

Opened = Callable[[str], Services]


@pytest.fixture
def twin(online: Services, second: Opened, tmp_path: Path) -> Services:
    """Both go on with one sealed batch."""
    sealed_batch(online)
    restore(online.backups.create().path, Config(tmp_path / "twin"), secret=PASSPHRASE)
    return second("twin")


@pytest.mark.parametrize("hears_first", [False, True])
def test_a_batch_that_both_tell_a_new_endpoint_is_told_once_and_nobody_is_refused(
    online: Services, twin: Services, cloud: EmbeddedEndpoint, hears_first: bool
) -> None:
    """Both have moved before either has told it anything."""
    for desk in (online, twin):
        pair_with(desk, cloud)
    assert_level(online)
    if hears_first:
        twin.cloud.pull()
    twin.cloud.sync()
    assert_level(twin)
    assert twin.batches.batches()[0].state == "published"
    assert twin.batches.batches()[0].sealed_at is not None
    code = a_code(twin, 1)
    assert twin.redemptions.redeem(code, 5_000).remaining_minor == 15_000
    assert_level(online)
    assert online.redemptions.look(code).remaining_minor == 15_000


@pytest.mark.parametrize("hears_first", [False, True])
def test_a_batch_that_was_finished_in_both_copies_is_shown_as_refused_in_the_second(
    online: Services, vault: OpenVault, config: Config, second: Opened, tmp_path: Path, hears_first: bool
) -> None:
    """Copied by hand while it was half made; each copy then made the other half by itself."""
    product = online.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    theirs = Config(tmp_path / "twin")

    def copy(done: int, _: int) -> None:
        if done and not theirs.vault.exists():
            theirs.vault.parent.mkdir(parents=True)
            vault.database.copy_to(theirs.vault)
            shutil.copy(config.key_slots, theirs.key_slots)

    online.batches.generate(BatchSpec(product, 20_000, "STANDARD"), copy)
    assert_level(online)
    twin = second("twin")
    (half,) = twin.batches.batches(states=("generating",))
    twin.batches.resume(half.id)
    if hears_first:
        twin.cloud.pull()
    twin.cloud.sync()
    twin.cloud.sync()
    (row,) = twin.cloud.queue(states=("rejected",))
    assert (row.type, row.problem) == ("batch.seal@1", "other-cards")
    assert (twin.batches.batch(half.id).state, twin.batches.batch(half.id).sealed_at) == ("ready", None)
