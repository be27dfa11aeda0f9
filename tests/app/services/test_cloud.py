"""The desktop and a real endpoint process: pair, push, pull, redeem, move, and what happens when the line breaks."""

from contextlib import closing
from uuid import UUID

import pytest
import requests
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import (
    CodeMistyped,
    EndpointNotStarted,
    EndpointRefused,
    EndpointUnreachable,
    InvalidInput,
    NotFound,
    RedemptionRefused,
    RedemptionUncertain,
)
from app.models.outbox import OutboxOp, RawEvent
from app.models.redemption import DailyFigure, Redemption
from app.services import Services
from app.services.cards import CardFilter
from app.services.cloud import EmbeddedEndpoint
from app.services.outbox import enqueue
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync.codes import canonical, check_symbols, digest, format_code
from sync.protocol import b64, new_op_id
from tests.drivers.online import a_batch, a_code, another_endpoint, pair_with, redeem_on_the_phone


def test_a_vault_pairs_with_its_own_endpoint_and_finds_it_again(online: Services) -> None:
    first = online.cloud.status()
    assert (first.mode, first.running) == ("embedded", True)
    again = online.cloud.start_embedded()
    assert (again.url, again.device_id) == (first.url, first.device_id)


def test_a_synced_batch_is_published_and_its_card_redeems(online: Services) -> None:
    batch_id = a_batch(online)
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (0, 0)
    assert online.batches.batch(batch_id).state == "published"
    code = a_code(online, batch_id)
    assert online.redemptions.look(code).reason is None
    first = online.redemptions.redeem(code.lower().replace("-", " "), 5_000, place="前台")
    assert (first.redeemed_minor, first.remaining_minor) == (5_000, 15_000)
    row = online.cards.detail(online.cards.find(code)).row
    assert (row.balance_minor, row.state) == (15_000, "active")
    second = online.redemptions.redeem(code)
    assert second.remaining_minor == 0
    with pytest.raises(RedemptionRefused) as refused:
        online.redemptions.redeem(code)
    assert refused.value.reason == "card-spent"
    assert online.cloud.sync().differences == ()


def test_a_reversal_gives_the_balance_back_once(online: Services) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    done = online.redemptions.redeem(a_code(online, batch_id))
    back = online.redemptions.reverse(done.redemption_id, reason="刷错了")
    assert back.remaining_minor == 20_000
    with pytest.raises(RedemptionRefused) as refused:
        online.redemptions.reverse(done.redemption_id, reason="再来")
    assert refused.value.reason == "already-reversed"
    assert [use.kind for use in online.redemptions.last()] == ["reversed", "redeemed"]


def test_a_voucher_counts_uses(online: Services) -> None:
    batch_id = a_batch(online, kind="exchange")
    online.cloud.sync()
    code = a_code(online, batch_id)
    assert online.redemptions.redeem(code, uses=2).remaining_uses == 1
    assert online.redemptions.redeem(code).remaining_uses == 0
    with pytest.raises(RedemptionRefused):
        online.redemptions.redeem(code)


def test_an_amount_of_nothing_is_refused_as_such(services: Services) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.redemptions.redeem("whatever", 0)
    assert refused.value.data == {"field": "amount", "reason": "out-of-range"}


def test_a_frozen_batch_is_refused_at_the_endpoint_and_thaws(online: Services) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    code = a_code(online, batch_id)
    online.batches.freeze(batch_id)
    online.cloud.sync()
    assert online.redemptions.look(code).reason == "card-frozen"
    online.batches.thaw(batch_id)
    online.cloud.sync()
    assert online.redemptions.redeem(code).remaining_minor == 0


def test_freezing_before_the_first_sync_does_not_overtake_the_batch(online: Services) -> None:
    batch_id = a_batch(online)
    online.batches.freeze(batch_id)
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (0, 0)
    assert online.redemptions.look(a_code(online, batch_id)).reason == "card-frozen"


def test_a_voided_card_is_refused_and_leaves_the_others(online: Services) -> None:
    batch_id = a_batch(online)
    ids = online.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    online.cards.void(ids[0], reason="丢失")
    online.cloud.sync()
    assert online.redemptions.look(a_code(online, batch_id)).reason == "card-voided"
    assert online.redemptions.look(a_code(online, batch_id, 1)).reason is None


def test_with_no_endpoint_nothing_is_queued_that_would_redeem_later(services: Services, vault: OpenVault) -> None:
    batch_id = a_batch(services)
    with pytest.raises(EndpointUnreachable):
        services.redemptions.redeem(a_code(services, batch_id))
    with vault.database.read() as session:
        assert session.query(OutboxOp).where(OutboxOp.type == "redeem@1").count() == 0


def test_without_a_line_a_card_is_shown_as_it_was_known_and_stays_untouched(online: Services) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    part, whole, fresh = (a_code(online, batch_id, at) for at in range(3))
    online.redemptions.redeem(part, 5_000, place="总店")
    online.redemptions.redeem(whole)
    online.cloud.stop_embedded()
    seen = {code: online.redemptions.look(code) for code in (part, whole, fresh)}
    assert {verdict.offline for verdict in seen.values()} == {True}
    assert [seen[code].reason for code in (part, whole, fresh)] == ["no-lease", "card-spent", "no-lease"]
    assert (seen[part].remaining_minor, seen[part].last_place) == (15_000, "总店")
    assert seen[whole].last_at is not None
    for code in (part, fresh):
        with pytest.raises(EndpointUnreachable):
            online.redemptions.redeem(code)
    stranger = format_code("0" * 18 + check_symbols("0" * 18))
    with pytest.raises(EndpointUnreachable):
        online.redemptions.look(stranger)
    assert online.cloud.status().pending == 0


def test_what_waits_survives_an_endpoint_that_is_down(online: Services) -> None:
    online.cloud.sync()
    online.cloud.stop_embedded()
    batch_id = a_batch(online)
    with pytest.raises(EndpointUnreachable):
        online.cloud.sync()
    assert online.cloud.status().pending == 2
    assert online.cloud.status().last_problem == "endpoint-unreachable"
    online.cloud.start_embedded()
    assert online.cloud.sync().pending == 0
    assert online.batches.batch(batch_id).state == "published"


def test_a_redemption_on_the_phone_reaches_ledger_card_and_figures(online: Services, vault: OpenVault) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    merchant = online.settings.merchant().id
    body = {
        "op_id": new_op_id(),
        "merchant_id": merchant,
        "d": b64(digest(UUID(merchant), canonical(a_code(online, batch_id)))),
        "amount_minor": 12_345,
    }
    url = online.cloud.status().url + "/h5/v1/redeem"
    first, again = requests.post(url, json=body, timeout=60), requests.post(url, json=body, timeout=60)
    assert first.status_code == 200
    assert first.json() == again.json()
    assert online.cloud.sync().pulled >= 1
    with vault.database.read() as session:
        entries = session.query(Redemption).all()
        figures = session.query(DailyFigure).where(DailyFigure.metric == "redeemed").all()
    assert [(entry.amount_minor, entry.remaining_minor, entry.entry) for entry in entries] == [(12_345, 7_655, "code")]
    assert [(figure.count, figure.amount_minor) for figure in figures] == [(1, 12_345)]
    assert online.integrity.verify(deep=True).findings == ()


def test_an_unknown_code_is_not_found_and_never_said_back(online: Services) -> None:
    payload = "ABCDEFGHJKMNPQRSTV"
    with pytest.raises(NotFound) as missing:
        online.redemptions.look(payload + check_symbols(payload))
    assert "ABCD" not in str(missing.value)


def test_a_mistyped_code_is_told_as_one(online: Services) -> None:
    code = a_code(online, a_batch(online))
    with pytest.raises(CodeMistyped):
        online.redemptions.look(code[:3] + ("2" if code[3] != "2" else "3") + code[4:])


def test_a_code_that_waits_for_the_endpoint_says_so(online: Services) -> None:
    batch_id = a_batch(online)
    with pytest.raises(RedemptionRefused) as refused:
        online.redemptions.redeem(a_code(online, batch_id))
    assert refused.value.reason == "not-sealed"


def test_a_wrong_pairing_code_is_refused_and_changes_nothing(online: Services) -> None:
    before = online.cloud.status()
    with pytest.raises(EndpointRefused) as refused:
        online.cloud.pair(before.url, "wrong")
    assert refused.value.reason == "pairing-refused"
    assert online.cloud.status().device_id == before.device_id


def test_a_refused_op_is_shown_and_can_be_let_go(online: Services, vault: OpenVault) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    with vault.database.write(Topic.OUTBOX) as session:
        enqueue(session, "card.void@1", aggregate=f"batch:{batch_id}", body={"batch_id": "nonsense", "card_no": 0})
    assert online.cloud.sync().rejected == 1
    (row,) = online.cloud.queue(states=("rejected",))
    assert row.problem == "invalid"
    online.cloud.withdraw(row.id)
    assert online.cloud.status().rejected == 0


def test_moving_to_another_endpoint_takes_balances_and_states_along(
    online: Services, vault: OpenVault, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second = a_batch(online), a_batch(online, kind="exchange")
    online.cloud.sync()
    spent, partly = a_code(online, first), a_code(online, first, 1)
    online.redemptions.redeem(spent)
    online.redemptions.redeem(partly, 5_000)
    undone = online.redemptions.redeem(a_code(online, first, 2))
    online.redemptions.reverse(undone.redemption_id, reason="错")
    online.batches.freeze(second)
    other = another_endpoint(tmp_path_factory.mktemp("cloud"))
    url = other.start()
    try:
        code = other.pairing_code(online.settings.merchant().id, "某某商户")
        assert online.cloud.pair(url, code).mode == "cloud"
        done = online.cloud.sync()
        assert (done.rejected, done.pending, done.differences) == (0, 0, ())
        assert online.redemptions.look(spent).reason == "card-spent"
        assert online.redemptions.look(partly).remaining_minor == 15_000
        assert online.redemptions.look(a_code(online, first, 2)).remaining_minor == 20_000
        assert online.redemptions.look(a_code(online, second)).reason == "card-frozen"
        with vault.database.read() as session:
            assert session.query(Redemption).count() == 4
            assert session.query(RawEvent).count() == 0
        assert online.integrity.verify(deep=True).findings == ()
    finally:
        other.stop()


def assert_level(services: Services) -> None:
    done = services.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert services.integrity.verify(deep=True).findings == ()


def test_pairing_again_with_the_same_endpoint_loses_and_repeats_nothing(
    services: Services, cloud: EmbeddedEndpoint
) -> None:
    pair_with(services, cloud)
    batch_id = a_batch(services)
    services.cloud.sync()
    redeem_on_the_phone(services, a_code(services, batch_id))
    services.batches.freeze(a_batch(services))
    device = services.cloud.status().device_id
    pair_with(services, cloud)
    assert services.cloud.status().device_id != device
    assert_level(services)
    assert services.redemptions.look(a_code(services, batch_id)).reason == "card-spent"


def test_moving_back_to_an_endpoint_tells_it_only_what_is_new(online: Services, cloud: EmbeddedEndpoint) -> None:
    first = a_batch(online)
    online.cloud.sync()
    redeem_on_the_phone(online, a_code(online, first))
    online.redemptions.redeem(a_code(online, first, 1), 5_000)
    pair_with(online, cloud)
    second = a_batch(online, kind="exchange")
    assert_level(online)
    online.redemptions.redeem(a_code(online, first, 1), 1_000)
    redeem_on_the_phone(online, a_code(online, second))
    assert online.cloud.start_embedded().mode == "embedded"
    assert_level(online)
    assert online.redemptions.look(a_code(online, first)).reason == "card-spent"
    assert online.redemptions.look(a_code(online, first, 1)).remaining_minor == 14_000
    assert online.redemptions.look(a_code(online, second)).remaining_uses == 2


def test_a_stopped_endpoint_is_heard_once_more_before_it_is_left(online: Services, cloud: EmbeddedEndpoint) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    redeem_on_the_phone(online, a_code(online, batch_id))
    online.cloud.stop_embedded()
    pair_with(online, cloud)
    assert_level(online)
    assert online.redemptions.look(a_code(online, batch_id)).reason == "card-spent"


def test_another_address_moves_a_running_endpoint_and_a_wrong_one_is_not_kept(online: Services) -> None:
    there = online.cloud.start_embedded("127.0.0.2").url
    assert there.startswith("http://127.0.0.2:")
    assert online.cloud.sync().pending == 0
    with pytest.raises(InvalidInput):
        online.cloud.start_embedded("the office")
    with pytest.raises(EndpointNotStarted) as refused:
        online.cloud.start_embedded("192.0.2.1")
    assert "Cannot listen on 192.0.2.1" in refused.value.where
    assert online.cloud.start_embedded().url == there


@pytest.mark.parametrize(
    "url",
    [
        "x",
        "ftp://a",
        "http://evil.example",
        "http://127.evil.example",
        "http://10.evil.example",
        "https://",
        "https://u:p@a",
    ],
)
def test_only_a_safe_address_is_asked(services: Services, url: str) -> None:
    with pytest.raises(InvalidInput):
        services.cloud.pair(url, "code")


def test_a_device_that_was_shut_out_is_not_told_that_the_card_is_unknown(online: Services, config: Config) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE device SET state = 'revoked'")
    with pytest.raises(EndpointRefused) as refused:
        online.redemptions.look(a_code(online, batch_id))
    assert refused.value.reason == "device-revoked"


def test_trouble_at_the_endpoint_leaves_an_answer_open_and_not_refused(online: Services, config: Config) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    codes = [a_code(online, batch_id, at) for at in (0, 1)]
    done = [online.redemptions.redeem(code).redemption_id for code in codes]
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"), isolation_level=None)) as endpoint:
        endpoint.execute("BEGIN IMMEDIATE")
        for redemption in done:
            with pytest.raises(RedemptionUncertain):
                online.redemptions.reverse(redemption, reason="错")
        endpoint.execute("ROLLBACK")
    assert online.cloud.sync().rejected == 0
    assert [online.redemptions.look(code).remaining_minor for code in codes] == [20_000, 20_000]
