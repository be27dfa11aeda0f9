"""Both ends: whatever was killed, desktop or endpoint, the next sync brings them together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.models.redemption import Redemption
from app.services import Services
from app.services.batches import BatchSpec
from app.services.vault.vaults import OpenVault
from tests.campaigns.kill import Job
from tests.campaigns.stock import one_product

STARTED = "services.cloud.start_embedded()\n"
FORGIVING = """
from contextlib import suppress
from app.errors import EndpointRefused, EndpointUnreachable, RedemptionUncertain
AWAY = (EndpointRefused, EndpointUnreachable, RedemptionUncertain)
"""
SELL = """
from app.services.cards import CardFilter
def sell():
    services.cloud.sync()
    for card in services.cards.ids(CardFilter(batch_id=1))[:10]:
        services.redemptions.redeem(services.cards.reveal(card, reason="x").reveal(), 5_000)
        with (config.data / "told.txt").open("a") as told:
            told.write(f"{card}\\n")
    services.cloud.sync()
"""
"""Upload, seal, ten redemptions at the counter, the feed. A confirmed redemption is written down."""


def upload(cards: int) -> Job:
    """Chunk by chunk, then the seal; the endpoint runs and knows this vault already."""
    return Job(_paired(cards), "services.cloud.sync()", endpoint_agrees, before=STARTED)


def upload_endpoint(cards: int) -> Job:
    work = "with suppress(*AWAY):\n    services.cloud.sync()"
    return Job(_paired(cards), work, endpoint_agrees, before=STARTED + FORGIVING, kills_endpoint=True)


def sync(cards: int) -> Job:
    work = STARTED + SELL + "sell()\nservices.cloud.stop_embedded()"
    return Job(_cards(cards), work, endpoint_agrees)


def sync_endpoint(cards: int) -> Job:
    work = "with suppress(*AWAY):\n    sell()"
    return Job(_paired(cards), work, endpoint_agrees, before=STARTED + FORGIVING + SELL, kills_endpoint=True)


def ending(cards: int) -> Job:
    """The desktop is gone while its endpoint ends, and the next start meets one that is no more to be reached."""
    return Job(_cards(cards), "services.cloud.stop_embedded()", endpoint_agrees, before=STARTED + SELL + "sell()\n")


@contextmanager
def endpoint_on(services: Services) -> Iterator[None]:
    try:
        services.cloud.start_embedded()
        yield
    finally:
        services.cloud.stop_embedded()


def endpoint_agrees(services: Services, vault: OpenVault) -> None:
    """What was redeemed was redeemed once, what was confirmed is there, and both ends say the same."""
    folder = vault.database.path.parent
    with endpoint_on(services):
        nothing_is_open(services)
        assert services.batches.batches()[0].state == "published"
    endpoint_is_whole(folder)
    with vault.database.read() as session:
        redeemed = list(session.scalars(select(Redemption.card_id)))
    assert len(set(redeemed)) == len(redeemed), "a card was redeemed twice"
    told = folder / "told.txt"
    promised = [int(line) for line in told.read_text().splitlines()] if told.exists() else []
    assert set(promised) <= set(redeemed), "a redemption that was confirmed is gone"


def nothing_is_open(services: Services) -> None:
    done = services.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())


def endpoint_is_whole(folder: Path) -> None:
    """Its file is sound and no half of an upload is left."""
    connection = sqlite.connect(str(Config(folder).endpoint / "endpoint.db"))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM chunk").fetchall() == [(0,)]
        cards, promised = "SELECT count(*) FROM card", "SELECT coalesce(sum(count), 0) FROM batch"
        assert connection.execute(cards).fetchall() == connection.execute(promised).fetchall()
    finally:
        connection.close()


def _cards(count: int) -> Callable[[Services], None]:
    def prepare(services: Services) -> None:
        one_product(services)
        services.batches.generate(BatchSpec(1, count))

    return prepare


def _paired(count: int) -> Callable[[Services], None]:
    def prepare(services: Services) -> None:
        with endpoint_on(services):
            pass
        _cards(count)(services)

    return prepare
