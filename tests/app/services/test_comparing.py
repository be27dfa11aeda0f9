"""Desktop and endpoint compare sums: a difference stays shown, and what an endpoint lost is told it anew."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import EndpointRefused
from app.services import Services
from app.services.cloud import EmbeddedEndpoint, comparing
from app.services.vault.vaults import OpenVault
from tests.drivers.online import a_batch, a_code, redeem_on_the_phone


def falsify(config: Config, batch: int) -> None:
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE batch SET count = count + 1 WHERE id = ?", (batch,))


def test_a_difference_stays_shown_while_the_feed_is_moving(online: Services, vault: OpenVault, config: Config) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    falsify(config, 1)
    known = online.cloud.sync().differences
    assert len(known) == 1
    redeem_on_the_phone(online, a_code(online, batch_id), 100)  # not heard of yet: nothing can be compared
    client = online.cloud._connection.client()
    assert client is not None
    with closing(client):
        assert comparing.compare(vault.database, client, at_seq=online.cloud._cursor()[1]) == known
    assert online.cloud.status().differences == known


def test_more_batches_than_one_question_takes_are_all_compared(
    online: Services, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "CLAIMS", 2)
    for _ in range(3):
        a_batch(online)
    online.cloud.sync()
    for batch in (1, 3):
        falsify(config, batch)
    assert len(online.cloud.sync().differences) == 2


def test_an_endpoint_put_back_from_a_backup_is_told_what_it_lost_after_pairing_again(
    services: Services, tmp_path: Path
) -> None:
    there = EmbeddedEndpoint(Config(tmp_path / "cloud"))
    url, merchant = there.start(), services.settings.merchant()
    services.cloud.pair(url, there.pairing_code(merchant.id, merchant.name))
    batch_id = a_batch(services)
    services.cloud.sync()
    there.stop()
    shutil.copytree(there.database.parent, tmp_path / "backup")
    assert there.start(int(url.rpartition(":")[2])) == url
    try:
        spent, lost = a_code(services, batch_id), a_batch(services)
        services.cloud.sync()
        services.redemptions.redeem(spent)
        there.stop()
        shutil.rmtree(there.database.parent)
        shutil.copytree(tmp_path / "backup", there.database.parent)
        assert there.start(int(url.rpartition(":")[2])) == url
        with pytest.raises(EndpointRefused) as refused:
            services.cloud.sync()
        assert refused.value.reason == "feed-reset"
        services.cloud.pair(url, there.pairing_code(merchant.id, merchant.name))
        done = services.cloud.sync()
        assert (done.rejected, done.pending, done.differences) == (0, 0, ())
        assert services.redemptions.look(spent).reason == "card-spent"
        assert services.redemptions.look(a_code(services, lost)).reason is None
        assert services.integrity.verify(deep=True).findings == ()
    finally:
        there.stop()
