"""What goes on while a sync is still telling the endpoint what waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.errors import EndpointUnreachable
from app.services import Services
from app.services.cards import CardFilter
from app.services.progress import unwatched
from tests.drivers.online import a_batch, another_endpoint

PATIENCE_S = 60


@contextmanager
def a_long_sync(services: Services) -> Iterator[None]:
    """A sync that stands still in the middle of its pushing until the end of the block."""
    begun, go_on = threading.Event(), threading.Event()

    def progress(done: int, total: int) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S * 3)

    syncing = threading.Thread(target=services.cloud.sync, args=(progress,))
    syncing.start()
    try:
        assert begun.wait(PATIENCE_S)
        yield
    finally:
        go_on.set()
        syncing.join()


def test_the_counter_does_not_wait_for_a_long_upload(online: Services) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    (card_id, *_) = online.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    code = online.cards.reveal(card_id, reason="test").reveal()
    a_batch(online)
    with a_long_sync(online):
        counter = threading.Thread(target=online.redemptions.redeem, args=(code, 5_000))
        counter.start()
        counter.join(PATIENCE_S)
        assert not counter.is_alive()
        (use,) = online.redemptions.last()
        assert (use.amount_minor, use.undoable) == (5_000, True)
    done = online.cloud.sync()
    assert (done.pending, done.rejected, done.differences) == (0, 0, ())
    assert online.integrity.verify(deep=True).findings == ()


def test_a_page_of_an_endpoint_that_was_left_meanwhile_is_not_taken_in(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> None:
    merchant = services.settings.merchant()
    clouds = [another_endpoint(tmp_path_factory.mktemp("cloud")) for _ in range(2)]
    try:
        first, second = (cloud.start() for cloud in clouds)
        services.cloud.pair(first, clouds[0].pairing_code(merchant.id, merchant.name))
        left = services.cloud._connection.client()
        assert left is not None
        services.cloud.pair(second, clouds[1].pairing_code(merchant.id, merchant.name))
        before = services.settings.get("cloud.cursor")
        with pytest.raises(EndpointUnreachable):
            services.cloud._pull(left, unwatched)
        assert services.settings.get("cloud.cursor") == before
        left.close()
        assert services.cloud.sync().differences == ()
    finally:
        for cloud in clouds:
            cloud.stop()
