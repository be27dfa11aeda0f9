"""A vault restored from an older backup: batches made after it come back from the endpoint, codes and all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlcipher3 import dbapi2 as sqlite

from app.bootstrap import build_services
from app.config import Config
from app.models.batch import Batch, CodeBlock
from app.models.catalog import Product
from app.models.distribution import Delivery
from app.services import Services
from app.services.backups import restore
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud import blobs as blobs_module
from app.services.cloud.blobs import Blobs
from app.services.distribution import DistributionSpec
from app.services.vault.keys import VaultKeys
from app.services.vault.vaults import OpenVault, Vaults
from tests.app.services.distribution.parts import added
from tests.drivers.online import a_batch, a_code, pair_with, redeem_on_the_phone

PASSPHRASE = "correct horse battery staple 卡匣"
Restored = Callable[[Path], Services]


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Restored]:
    opened: list[OpenVault] = []

    def put_back(backup: Path) -> Services:
        elsewhere = Config(tmp_path / "elsewhere")
        restore(backup, elsewhere, secret=PASSPHRASE)
        opened.append(Vaults(elsewhere).open(PASSPHRASE))
        return build_services(elsewhere, opened[-1])

    yield put_back
    for vault in opened:
        vault.close()


@pytest.fixture
def paired(services: Services, cloud: EmbeddedEndpoint) -> Services:
    """With one batch that every backup has."""
    pair_with(services, cloud)
    a_batch(services)
    services.cloud.sync()
    return services


def test_codes_made_after_the_backup_come_back_and_what_was_redeemed_stays_redeemed(
    paired: Services, restored: Restored
) -> None:
    backup = paired.backups.create().path
    late = a_batch(paired, 1_500, kind="exchange")
    paired.cloud.sync()
    codes = [a_code(paired, late, at) for at in (0, 1, 1_499)]
    redeem_on_the_phone(paired, codes[1])
    before = paired.batches.batch(late)
    again = restored(backup)
    assert again.cloud.sync().returned == 1
    found = again.batches.batches()[0]
    assert (found.serial, found.quantity, found.state) == (before.serial, 1_500, "published")
    assert [a_code(again, found.id, at) for at in (0, 1, 1_499)] == codes
    card = again.cards.detail(again.cards.find(codes[1])).row
    assert (card.serial, card.uses_left) == (f"{before.serial}-000002", 2)
    assert again.integrity.verify(deep=True).findings == ()
    assert [again.cloud.sync().returned, again.cloud.sync().differences] == [0, ()]
    assert again.audit.verify().ok
    assert again.redemptions.redeem(codes[0]).remaining_uses == 2


def test_none_of_them_is_given_a_second_time(paired: Services, restored: Restored) -> None:
    backup = paired.backups.create().path
    product = paired.catalog.products()[0].id
    paired.batches.generate(BatchSpec(product, 30))
    paired.cloud.sync()
    again = restored(backup)
    again.cloud.sync()
    (row,) = again.catalog.products()
    assert (row.id, row.in_stock) == (product, 20)
    counts = {batch.quantity: batch.counts for batch in again.batches.batches()}
    assert (counts[20].in_stock, counts[30].active) == (20, 30)


def gave(services: Services, name: str, people: Sequence[int]) -> tuple[int, set[int]]:
    """A distribution by mail whose links are at the endpoint, and its cards."""
    product = services.catalog.products()[0].id
    run = services.distribution.prepare(DistributionSpec(product, tuple(people), "email", name))
    services.cloud.sync()
    with services.distribution._database.read() as session:
        return run, set(session.scalars(select(Delivery.card_id).where(Delivery.distribution_id == run)))


def test_a_card_that_was_given_out_after_the_backup_is_not_given_to_a_second_person(
    paired: Services, vault: OpenVault, restored: Restored
) -> None:
    """Both held the same code, and the second one's card was used up."""
    people = added(vault, [f"员工{n}" for n in range(6)])
    backup = paired.backups.create().path
    _, given = gave(paired, "中秋", people[:3])
    again = restored(backup)
    again.cloud.sync()
    (row,) = again.catalog.products()
    assert row.in_stock == 17
    _, second = gave(again, "国庆", people[3:])
    assert (len(second), given & second) == (3, set())
    assert again.integrity.verify(deep=True).findings == ()
    assert again.cloud.sync().differences == ()


def test_a_card_that_was_taken_back_after_the_backup_and_given_to_another_is_not_taken_back_again(
    paired: Services, vault: OpenVault, restored: Restored
) -> None:
    people = added(vault, [f"员工{n}" for n in range(3)])
    run, given = gave(paired, "中秋", people[:1])
    backup = paired.backups.create().path
    paired.distribution.recall(paired.distribution.delivery_ids(run))
    paired.cloud.sync()
    assert paired.distribution.settle_recalls() == 1
    assert gave(paired, "国庆", people[1:2])[1] == given
    again = restored(backup)
    again.cloud.sync()
    assert again.distribution.distribution(run).recalled == 1
    assert again.distribution.recall(again.distribution.delivery_ids(run)) == 0
    assert again.distribution.settle_recalls() == 0
    assert not gave(again, "春节", people[2:])[1] & given
    assert again.integrity.verify(deep=True).findings == ()


def test_a_serial_that_was_given_again_meanwhile_stays_with_whom_it_was_given_to(
    paired: Services, restored: Restored
) -> None:
    backup = paired.backups.create().path
    product = paired.catalog.products()[0].id
    late = paired.batches.batch(paired.batches.generate(BatchSpec(product, 3)))
    paired.cloud.sync()
    again = restored(backup)
    taken = again.batches.batch(again.batches.generate(BatchSpec(product, 4)))
    assert taken.serial == late.serial
    again.cloud.sync()
    assert again.batches.batch(taken.id).serial == late.serial
    assert len({batch.serial for batch in again.batches.batches()}) == 3
    assert again.integrity.verify(deep=True).findings == ()


def test_what_an_endpoint_does_not_have_is_missed_and_nothing_else(
    paired: Services, restored: Restored, cloud: EmbeddedEndpoint
) -> None:
    """Sealed by a version that left nothing there, or half of it is gone."""
    backup = paired.backups.create().path
    a_batch(paired, 3)
    paired.cloud.sync()
    with closing(sqlite.connect(str(cloud.database), isolation_level=None)) as connection:
        connection.execute("DELETE FROM blob")
    again = restored(backup)
    done = again.cloud.sync()
    assert (done.returned, done.rejected, done.pending) == (0, 0, 0)
    assert len(again.batches.batches()) == 1


def test_a_product_in_the_recycle_bin_does_not_keep_its_batch_away(paired: Services, restored: Restored) -> None:
    backup = paired.backups.create().path
    product = paired.catalog.products()[0].id
    paired.batches.generate(BatchSpec(product, 3))
    paired.cloud.sync()
    again = restored(backup)
    first = again.batches.batches()[0]
    again.removals.remove("batch", [first.id])
    again.removals.remove("product", [product])
    assert again.cloud.sync().returned == 1


def test_pieces_stay_small_and_open_only_where_they_belong(
    services: Services, vault: OpenVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs_module, "LARGEST", 25_000)
    a_batch(services, 2_500)
    blobs, others = Blobs(vault.keys), Blobs(VaultKeys(vault.keys.vault_id, b"\0" * 32))
    with vault.database.read() as session:
        batch, product = session.scalars(select(Batch)).one(), session.scalars(select(Product)).one()
        kept = list(blobs.pieces(batch, product, session.scalars(select(CodeBlock).order_by(CodeBlock.no))))
        uid = UUID(bytes=batch.uid)
    assert len(kept) == 3
    opened = [blobs.opened(uid, n, content) for n, content in enumerate(kept)]
    assert [[block[0] for block in piece.blocks] for piece in opened if piece] == [[0], [1], [2]]
    assert others.opened(uid, 0, kept[0]) is None
    assert blobs.opened(uid, 1, kept[0]) is None
    assert blobs.opened(uuid4(), 0, kept[0]) is None
    assert blobs.opened(uid, 0, kept[0][:-1] + bytes([kept[0][-1] ^ 1])) is None
    assert blobs.opened(uid, 0, b"") is None
    code = services.cards.reveal(services.cards.ids(CardFilter())[0], reason="x").reveal()
    assert not any(code.encode() in content or product.name.encode() in content for content in kept)


def test_a_batch_that_was_half_made_at_the_backup_comes_back_whole(paired: Services, restored: Restored) -> None:
    def die(done: int, total: int) -> None:
        if done > total * 0.8:
            raise RuntimeError("power cut")

    product = paired.catalog.products()[0].id
    with pytest.raises(RuntimeError):
        paired.batches.generate(BatchSpec(product, 50_000), die)
    half = paired.batches.batches()[0].id
    backup = paired.backups.create().path
    paired.batches.resume(half)
    paired.cloud.sync()
    redeem_on_the_phone(paired, a_code(paired, half), 700)
    later = restored(backup)
    # who went on with it would make other cards of the same batch
    assert "generating" not in [row.state for row in later.batches.batches()]
    assert "batch.discarded" in [row.action for row in later.audit.rows()]
    assert later.cloud.sync().returned == 1
    (whole,) = [row for row in later.batches.batches() if row.quantity == 50_000]
    assert (whole.state, whole.made) == ("published", 50_000)
    assert a_code(later, whole.id, 49_999) == a_code(paired, half, 49_999)
    assert later.integrity.verify(deep=True).findings == ()
