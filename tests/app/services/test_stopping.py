"""Freezing and thawing any number of cards at once, and taking that back."""

from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from app.errors import JobCancelled
from app.models.batch import Card
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.cards.stopping import LARGE, LOT, spans
from app.services.catalog import ProductSpec
from app.services.vault.vaults import OpenVault


@pytest.fixture
def made(services: Services) -> Callable[[int], int]:
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    return lambda quantity: services.batches.generate(BatchSpec(product, quantity))


def frozen(services: Services) -> list[int]:
    return sorted(services.cards.ids(CardFilter(frozen=True)))


def ops(vault: OpenVault) -> Counter[str]:
    with vault.database.read() as session:
        return Counter(session.scalars(select(OutboxOp.type)))


def test_the_chosen_ones_of_several_batches_are_frozen_and_only_they(
    services: Services, vault: OpenVault, made: Callable[[int], int]
) -> None:
    made(20), made(20)
    chosen = [2, 3, 19, 20, 21, 35]
    services.cards.void(3, reason="印坏了")
    done = services.cards.stop(chosen, frozen=True)
    assert frozen(services) == [2, 19, 20, 21, 35]
    assert (done.count, list(done.cards), done.batches) == (5, [2, 19, 20, 21, 35], [])
    assert ops(vault)["card.freeze@1"] == 5
    entries = services.audit.rows_of(services.audit.ids(action="card.frozen"))
    assert {(entry.details["cards"], entry.details["numbers"]) for entry in entries} == {
        (3, "2, 19-20"),
        (2, "1, 15"),
    }
    services.cards.undo_stop(done, frozen=True)
    assert frozen(services) == []


def test_what_was_frozen_before_stays_frozen_when_the_act_is_taken_back(
    services: Services, made: Callable[[int], int]
) -> None:
    made(10)
    services.cards.freeze(4)
    done = services.cards.stop(range(1, 11), frozen=True)
    assert done.count == 9
    services.cards.undo_stop(done, frozen=True)
    assert frozen(services) == [4]


def test_a_large_batch_is_frozen_as_one_thing(services: Services, vault: OpenVault, made: Callable[[int], int]) -> None:
    batch = made(LARGE + 1)
    done = services.cards.stop(services.cards.ids(CardFilter()), frozen=True)
    assert (done.count, len(done.cards), done.batches) == (LARGE + 1, 0, [batch])
    assert (ops(vault)["batch.freeze@1"], ops(vault)["card.freeze@1"]) == (1, 0)
    with vault.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Card)) == 0
    held = services.cards.stop([1, 2], frozen=False)
    assert (held.count, held.held) == (0, 2), "the batch holds them"
    again = services.cards.stop(services.cards.ids(CardFilter()), frozen=False)
    assert (again.count, frozen(services)) == (LARGE + 1, [])


def test_thawing_everything_and_taking_it_back_leaves_every_mark_as_it_was(
    services: Services, made: Callable[[int], int]
) -> None:
    batch = made(10)
    services.cards.stop([2, 5], frozen=True)
    services.batches.freeze(batch)
    done = services.cards.stop(range(1, 11), frozen=False)
    assert (frozen(services), done.count) == ([], 10)
    services.cards.undo_stop(done, frozen=False)
    assert len(frozen(services)) == 10
    services.batches.thaw(batch)
    assert frozen(services) == [2, 5]


def test_a_cancel_takes_back_what_was_done_so_far(services: Services, made: Callable[[int], int]) -> None:
    made(LOT + 500)

    def stop_after_the_first_lot(done: int, total: int) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        services.cards.stop(range(2, LOT + 400), frozen=True, progress=stop_after_the_first_lot)
    assert frozen(services) == []


def test_numbers_are_written_as_spans() -> None:
    assert spans([0, 1, 2, 7, 9, 10]) == "1-3, 8, 10-11"
    assert spans([]) == ""
