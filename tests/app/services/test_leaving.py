"""Leaving an endpoint that is gone for ever: never by accident, and with everything that is known here."""

from contextlib import closing

import pytest
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import EndpointRefused, LeavingUnconfirmed, OldEndpointAnswers, OldEndpointSilent
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from tests.drivers.online import a_batch, a_code, pair_with, redeem_on_the_phone


def kill(endpoint: EmbeddedEndpoint) -> None:
    process = endpoint._process
    assert process is not None, "this very test started it"
    process.kill()
    process.wait(20)


def acts(services: Services) -> list[str]:
    return [row.action for row in services.audit.rows()]


def test_a_dead_endpoint_is_left_by_its_name_only_and_what_is_known_comes_along(
    online: Services, cloud: EmbeddedEndpoint
) -> None:
    batch_id = a_batch(online)
    pair_with(online, cloud)
    online.cloud.sync()
    known, unheard = a_code(online, batch_id, 0), a_code(online, batch_id, 1)
    online.redemptions.redeem(known, 5_000)
    online.cloud.sync()
    heard_at, host = online.cloud.status().last_sync_at, str(cloud.url()).removeprefix("http://")
    redeem_on_the_phone(online, unheard, 1_000)
    kill(cloud)
    with pytest.raises(OldEndpointSilent) as silent:
        online.cloud.start_embedded()
    assert (silent.value.host, silent.value.since) == (host, heard_at)
    for typed in ("", "gone", host + "0"):
        with pytest.raises(LeavingUnconfirmed):
            online.cloud.start_embedded(leave=typed)
    assert online.cloud.status().mode == "cloud"
    assert "endpoint.left" not in acts(online)
    online.cloud.start_embedded(leave=f" {host.upper()} ")
    assert online.cloud.status().mode == "embedded"
    assert acts(online).count("endpoint.left") == 1
    done = online.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert online.redemptions.look(known).remaining_minor == 15_000
    assert online.redemptions.look(unheard).remaining_minor == 20_000  # nobody here can know
    assert online.integrity.verify(deep=True).findings == ()
    # the old one comes back after all: what it knew is heard when the vault pairs with it again
    cloud.start()
    pair_with(online, cloud)
    done = online.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert online.redemptions.look(unheard).remaining_minor == 19_000


def test_an_endpoint_that_answers_is_not_left_behind(online: Services, cloud: EmbeddedEndpoint, config: Config) -> None:
    host, url, merchant = online.cloud.status().url.removeprefix("http://"), cloud.url(), online.settings.merchant()
    assert url is not None
    code = cloud.pairing_code(merchant.id, merchant.name)
    with pytest.raises(OldEndpointAnswers):
        online.cloud.pair(url, code, leave=host)
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE device SET state = 'revoked'")
    with pytest.raises(OldEndpointAnswers):
        online.cloud.pair(url, code, leave=host)
    online.cloud.stop_embedded()  # it only sleeps: it is woken and answers
    with pytest.raises(OldEndpointAnswers):
        online.cloud.pair(url, code, leave=host)
    assert online.cloud.status().mode == "embedded"


def test_one_whose_database_is_destroyed_is_left_once_the_new_one_has_let_us_in(
    online: Services, cloud: EmbeddedEndpoint, config: Config
) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    host, url, merchant = online.cloud.status().url.removeprefix("http://"), cloud.url(), online.settings.merchant()
    assert url is not None
    online.cloud.stop_embedded()
    for piece in config.endpoint.glob("endpoint.db-*"):
        piece.unlink()
    (config.endpoint / "endpoint.db").write_bytes(b"not a database at all" * 500)
    code = cloud.pairing_code(merchant.id, merchant.name)
    with pytest.raises(OldEndpointSilent) as silent:
        online.cloud.pair(url, code)
    assert silent.value.said
    with pytest.raises(EndpointRefused):
        online.cloud.pair(url, "WRONG-CODE", leave=host)
    assert (online.cloud.status().mode, acts(online).count("endpoint.left")) == ("embedded", 0)
    online.cloud.pair(url, code, leave=host)
    assert acts(online).count("endpoint.left") == 1
    done = online.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert online.redemptions.look(a_code(online, batch_id)).remaining_minor == 20_000
