"""An endpoint that was put back from a backup is told what it lost; one that is another, or lies, is refused."""

import json
from contextlib import closing
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, select, update
from sqlcipher3 import dbapi2 as sqlite

from app.errors import EndpointRefused, ReasonMissing
from app.messages import sentence
from app.models.audit import AuditEntry
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services import Services
from app.services.cloud import EmbeddedEndpoint, events, restored
from app.services.settings import store
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync import points
from sync.protocol import b64, feed_hash, feed_row
from tests.drivers.elsewhere import There, assert_level
from tests.drivers.endpoint import new_merchant, paired
from tests.drivers.online import a_batch, a_code, pair_with, redeem_on_the_phone


@pytest.fixture
def there(services: Services, cloud: EmbeddedEndpoint, tmp_path: Path) -> There:
    pair_with(services, cloud)
    return There(cloud, tmp_path / "backup")


def test_the_next_sync_gives_back_what_the_endpoint_lost_and_it_redeems_again(
    services: Services, vault: OpenVault, there: There
) -> None:
    batch_id = a_batch(services)
    assert_level(services)
    there.back_up()
    codes = [a_code(services, batch_id, at) for at in range(5)]
    lost = a_batch(services)
    services.cloud.sync()
    first = services.redemptions.redeem(codes[0])
    part = services.redemptions.redeem(codes[1], 5_000, place="前台")
    services.redemptions.reverse(services.redemptions.redeem(codes[2]).redemption_id, reason="错")
    redeem_on_the_phone(services, codes[3], 700)
    redeem_on_the_phone(services, a_code(services, lost), 900)
    services.batches.freeze(lost)
    assert_level(services)
    there.put_back()
    assert_level(services)
    assert services.cloud.status().recovery is None
    assert there.is_whole()
    told = there.feed()
    assert told[told.index("recovery.begun@1") :].count("redeemed@1") == 5
    assert told.count("recovery.lifted@1") == 1
    assert services.redemptions.look(codes[0]).reason == "card-spent"
    seen = services.redemptions.look(codes[1])
    assert (seen.remaining_minor, seen.last_at, seen.last_place) == (15_000, part.at, "前台")
    assert services.redemptions.look(codes[2]).remaining_minor == 20_000
    assert services.redemptions.look(codes[3]).remaining_minor == 19_300
    frozen = services.redemptions.look(a_code(services, lost))
    assert (frozen.reason, frozen.remaining_minor) == ("card-frozen", 19_100)
    with vault.database.read() as session:
        assert session.get_one(Redemption, first.redemption_id).at == first.at
        assert session.scalars(select(func.count(Redemption.receipt))).one() == 6
        assert "endpoint.restored" in set(session.scalars(select(AuditEntry.action)))
    there.put_back()  # and once more: the receipts are as good as before
    assert_level(services)
    assert there.is_whole()
    assert there.feed().count("recovery.begun@1") == 1  # by a word that this copy never knew


def test_a_whole_card_stays_the_sum_it_was_where_what_came_before_it_is_lost_for_ever(
    services: Services, there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is all that is known of it, and of what came before nobody has heard."""
    code = a_code(services, a_batch(services))
    assert_level(services)
    there.back_up()
    redeem_on_the_phone(services, code, 700)
    with monkeypatch.context() as broken:
        broken.setattr(points, "_armed", points.read("desk.t3.commit:1:raise"))
        with pytest.raises(points.Fault):  # in the midst of hearing the feed
            services.redemptions.redeem(code)
    there.put_back()
    assert_level(services)
    assert services.redemptions.look(code).remaining_minor == 700
    assert there.is_whole()


def test_more_entries_than_one_request_takes_are_given_back(
    services: Services, there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restored, "GIVEN_BACK", 2)
    batch_id = a_batch(services)
    services.cloud.sync()
    there.back_up()
    for at in range(5):
        redeem_on_the_phone(services, a_code(services, batch_id, at), 700)
    services.cloud.sync()
    there.put_back()
    seen: list[tuple[int, int]] = []
    services.cloud.sync(lambda done, total: seen.append((done, total)))
    assert [one for one in seen if one[1] == 5] == [(2, 5), (4, 5), (5, 5)]
    assert_level(services)
    assert there.is_whole()


def test_what_was_kept_unread_is_read_by_a_later_version_though_the_epoch_is_another_since(
    services: Services, vault: OpenVault, there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed went on from where it was heard; what was kept of it was looked for under the new name alone."""
    code = a_code(services, a_batch(services))
    assert_level(services)
    with monkeypatch.context() as earlier:
        earlier.setattr(events, "ACTS", {name: act for name, act in events.ACTS.items() if name != "redeemed@1"})
        redeem_on_the_phone(services, code, 700)
        services.cloud.sync()
        there.begin_anew()
        services.cloud.sync()
    with vault.database.write(Topic.CLOUD) as session:
        store(session, "cloud.events_known", "less")
    assert_level(services)
    with vault.database.read() as session:
        assert session.scalars(select(Redemption.amount_minor)).all() == [700]


def test_an_entry_of_before_receipts_goes_the_way_to_a_new_endpoint(
    services: Services, vault: OpenVault, there: There
) -> None:
    batch_id = a_batch(services)
    services.cloud.sync()
    there.back_up()
    services.redemptions.redeem(a_code(services, batch_id), 5_000)
    services.redemptions.redeem(a_code(services, batch_id, 1), 6_000)
    services.cloud.sync()
    with vault.database.write(Topic.REDEMPTIONS) as session:
        session.execute(update(Redemption).where(Redemption.amount_minor == 5_000).values(receipt=None))
    there.put_back()
    assert_level(services)
    assert [services.redemptions.look(a_code(services, batch_id, at)).remaining_minor for at in (0, 1)] == [
        15_000,
        14_000,
    ]
    assert there.is_whole()


def test_a_card_that_was_used_up_at_the_endpoint_meanwhile_is_shown_as_refused(
    services: Services, there: There
) -> None:
    batch_id = a_batch(services)
    services.cloud.sync()
    there.back_up()
    code = a_code(services, batch_id)
    services.redemptions.redeem(code, 5_000)
    services.redemptions.redeem(a_code(services, batch_id, 1), 5_000)
    services.cloud.sync()
    there.put_back()
    redeem_on_the_phone(services, code)  # nobody has told the endpoint yet
    done = services.cloud.sync()
    assert (done.rejected, len(done.differences)) == (1, 1)
    (refused,) = services.cloud.queue(states=("rejected",))
    assert (refused.type, refused.problem) == ("redeem@1", "card-spent")
    assert there.is_whole()


def test_while_other_desktops_are_waited_for_nothing_is_redeemed_and_an_owner_can_lift_it(
    services: Services, there: There
) -> None:
    batch_id, url = a_batch(services), there.endpoint.url()
    assert url is not None
    merchant_id = UUID(services.settings.merchant().id)
    other = paired(url, new_merchant(str(there.endpoint.database), merchant_id=merchant_id))
    services.cloud.sync()
    there.back_up()
    code = a_code(services, batch_id)
    services.redemptions.redeem(code, 5_000)
    there.put_back()
    services.cloud.sync()
    recovery = services.cloud.status().recovery
    assert recovery is not None
    assert (recovery.devices, recovery.done, recovery.entries) == (2, 1, 1)
    for act in (services.redemptions.look, services.redemptions.redeem):
        with pytest.raises(EndpointRefused) as refused:
            act(code)
        assert refused.value.reason == "recovering"
    assert "先补上" in sentence(refused.value)
    assert services.cloud.status().pending == 0
    with pytest.raises(ReasonMissing):
        services.cloud.lift_recovery("  ")
    services.cloud.lift_recovery("第二台电脑坏了")
    assert services.cloud.status().recovery is None
    assert services.redemptions.look(code).remaining_minor == 15_000
    with pytest.raises(EndpointRefused) as again:
        services.cloud.lift_recovery("once more")
    assert again.value.reason == "not-recovering"
    assert_level(services)
    assert there.is_whole()
    other.client.close()


def test_a_device_that_the_backup_does_not_know_is_told_to_pair_again_and_keeps_what_waits(
    services: Services, cloud: EmbeddedEndpoint, tmp_path: Path
) -> None:
    there = There(cloud, tmp_path / "backup")
    there.back_up()
    pair_with(services, cloud)
    batch_id = a_batch(services)
    services.cloud.sync()
    code = a_code(services, batch_id)
    services.redemptions.redeem(code, 5_000)
    there.put_back()
    services.batches.freeze(batch_id)
    with pytest.raises(EndpointRefused) as refused:
        services.cloud.sync()
    assert sentence(refused.value) == "兑换端拒绝了：那边不认识这台设备。请重新配对。"
    assert services.cloud.status().pending == 1
    pair_with(services, cloud)
    assert_level(services)
    seen = services.redemptions.look(code)
    assert (seen.reason, seen.remaining_minor) == ("card-frozen", 15_000)


def test_an_endpoint_that_signs_as_somebody_else_is_refused(services: Services, there: There) -> None:
    services.cloud.sync()

    def other_key(folder: Path) -> None:
        (secrets,) = folder.glob("*.secrets.json")
        kept = json.loads(secrets.read_text("utf-8"))
        secrets.write_text(json.dumps(kept | {"signing_key": b64(b"k" * 32)}), "utf-8")

    there.between(other_key)
    a_batch(services)
    with pytest.raises(EndpointRefused) as refused:
        services.cloud.sync()
    assert refused.value.reason == "key-changed"
    assert "另一个兑换端" in sentence(refused.value)
    assert services.cloud.status().pending > 0


def edited(folder: Path) -> None:
    """One amount, and every hash behind it, as whoever has the database would do it."""
    with closing(sqlite.connect(str(folder / "endpoint.db"))) as connection, connection:
        connection.execute("DROP TRIGGER feed_no_update")
        before = b"\0" * 32
        wanted = "SELECT seq, type, op_id, at, body, receipt, merchant_id FROM feed ORDER BY seq"
        rows = list(connection.execute(wanted))
        for seq, type_, op_id, at, body, receipt, merchant_id in rows:
            told = body.replace('"amount_minor":5000,', '"amount_minor":4000,')
            row = feed_row(type_, op_id, at, told.encode(), b64(receipt) if receipt else "")
            before = feed_hash(before, seq, row)
            connection.execute("UPDATE feed SET body = ?, hash = ? WHERE seq = ?", (told, before, seq))
            connection.execute("UPDATE merchant SET feed_hash = ? WHERE id = ?", (before, merchant_id))


def test_a_history_that_was_changed_is_told_and_nothing_of_it_is_taken_over(
    services: Services, vault: OpenVault, there: There
) -> None:
    batch_id = a_batch(services)
    services.cloud.sync()
    services.redemptions.redeem(a_code(services, batch_id), 5_000)
    services.cloud.sync()
    there.between(edited)
    code = a_code(services, batch_id, 1)
    redeem_on_the_phone(services, code, 100)
    for call in (services.cloud.sync, services.cloud.pull):
        with pytest.raises(EndpointRefused) as refused:
            call()
        assert refused.value.reason == "feed-broken"
        assert "流水被改动" in sentence(refused.value)
    with vault.database.read() as session:
        assert list(session.scalars(select(Redemption.amount_minor))) == [5_000]
        assert set(session.scalars(select(OutboxOp.state))) == {"applied"}


def test_a_page_that_the_endpoint_does_not_answer_for_is_not_taken_in(services: Services, there: There) -> None:
    batch_id = a_batch(services)
    services.cloud.sync()
    redeem_on_the_phone(services, a_code(services, batch_id), 100)
    client, after = services.cloud._connection.client(), str(services.settings.get("cloud.cursor"))
    assert client is not None
    with closing(client):
        page = client.events(after)
    told = page.checkpoint
    assert told is not None
    event = msgspec.structs.replace(page.events[0], receipt=b64(b"x" * 32))
    wrong = (
        {"checkpoint": None},
        {"checkpoint": msgspec.structs.replace(told, signature=b64(b"x" * 64))},
        {"checkpoint": msgspec.structs.replace(told, at="2026-01-01T00:00:00.000Z")},
        {"checkpoint": msgspec.structs.replace(told, seq=told.seq + 1)},
        {"events": [event, *page.events[1:]]},
    )
    for change in wrong:
        with pytest.raises(EndpointRefused) as refused:
            services.cloud._take_in(msgspec.structs.replace(page, **change), after, client.base_url)
        assert refused.value.reason == "feed-broken"
    services.cloud._take_in(page, after, client.base_url)
    assert_level(services)
