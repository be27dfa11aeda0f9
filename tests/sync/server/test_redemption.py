"""Redemption on a real endpoint, on SQLite and on PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sync.client import Refused, SyncClient
from sync.protocol import b64, feed_hash, feed_row, new_op_id, unb64
from sync.server.database import Store
from sync.server.verifying import verify
from tests.drivers.endpoint import Desktop, Served, new_merchant, paired


def key_of(answer: requests.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(answer.json()["type"].rpartition("/")[2])


def test_a_card_is_redeemed_once_whoever_tries_at_the_same_time(desktop: Desktop) -> None:
    batch = desktop.batch(3)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda at: desktop.redeem(batch.records[at % 3]), range(48)))
    assert [answer.status_code for answer in answers].count(200) == 3
    assert {key_of(answer) for answer in answers if answer.status_code != 200} == {"card-spent"}


def test_partial_debits_add_up_to_the_face_and_no_further(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desktop.redeem(batch.records[0], 700), range(20)))
    done = [answer.json() for answer in answers if answer.status_code == 200]
    assert sum(answer["redeemed_minor"] for answer in done) == 9_800
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {key_of(answer) for answer in refused} == {"insufficient-balance"}
    assert {answer.json()["remaining_minor"] for answer in refused} == {200}


def test_the_same_op_id_gets_the_same_answer_for_ever_and_other_content_is_refused(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    op_id = new_op_id()
    first = desktop.redeem(batch.records[0], 1_000, op_id=op_id)
    again = desktop.redeem(batch.records[0], 1_000, op_id=op_id)
    assert first.json() == again.json()
    assert requests.get(f"{desktop.url}/h5/v1/redeem/{op_id}", timeout=60).json() == first.json()
    other = desktop.redeem(batch.records[0], 2_000, op_id=op_id)
    assert (other.status_code, key_of(other)) == (422, "op-id-reused")


def test_nothing_unsealed_is_redeemable_and_unknown_looks_the_same(desktop: Desktop) -> None:
    batch = desktop.batch(2, seal=False)
    batch.upload(desktop.client)
    hidden, unknown = desktop.redeem(batch.records[0]), desktop.redeem(b"\1" * 32)
    assert hidden.status_code == unknown.status_code == 404
    assert key_of(hidden) == key_of(unknown) == "card-unknown"
    batch.seal(desktop.client)
    assert desktop.redeem(batch.records[0]).status_code == 200


def test_a_seal_needs_every_record_and_the_right_root(desktop: Desktop) -> None:
    batch = desktop.batch(3, seal=False)
    with pytest.raises(Refused, match="batch-incomplete"):
        batch.seal(desktop.client)
    batch.upload(desktop.client)
    swapped = type(batch)(batch.uid, [*batch.records[:2], b"\7" * 32], batch.codes)
    with pytest.raises(Refused, match="root-mismatch"):
        swapped.seal(desktop.client)
    op_id = new_op_id()
    first, again = (batch.seal(desktop.client, op_id) for _ in range(2))
    assert (first.receipt, first.seq) == (again.receipt, again.seq)
    assert desktop.client.upload_state(batch.uid).sealed
    with pytest.raises(Refused, match="batch-sealed"):
        batch.upload(desktop.client)


def test_freeze_stops_and_thaw_lets_go_on(desktop: Desktop) -> None:
    batch = desktop.batch(2)
    desktop.push("batch.freeze@1", {"batch_id": batch.uid})
    assert key_of(desktop.redeem(batch.records[0])) == "batch-frozen"
    desktop.push("batch.thaw@1", {"batch_id": batch.uid})
    assert desktop.redeem(batch.records[0]).status_code == 200


def test_an_expired_card_is_refused_by_the_servers_clock(desktop: Desktop) -> None:
    batch = desktop.batch(1, valid_until="2020-01-01T15:59:59Z")
    assert key_of(desktop.redeem(batch.records[0])) == "card-expired"


def test_a_card_that_is_not_divisible_goes_as_a_whole(desktop: Desktop) -> None:
    batch = desktop.batch(1, partial=False)
    assert key_of(desktop.redeem(batch.records[0], 1)) == "no-partial"
    assert desktop.redeem(batch.records[0], 10_000).status_code == 200


def test_a_card_of_another_merchant_is_unknown(desktop: Desktop, served: Served) -> None:
    other = paired(desktop.url, new_merchant(served.database))
    batch = desktop.batch(1)
    assert key_of(other.redeem(batch.records[0])) == "card-unknown"
    with pytest.raises(Refused, match="batch-unknown"):
        other.client.upload_state(batch.uid)


def test_the_feed_is_gapless_and_its_chain_holds(desktop: Desktop) -> None:
    batch = desktop.batch(2)
    desktop.redeem(batch.records[0], 100)
    desktop.redeem(batch.records[1])
    page = desktop.client.events("")
    assert [event.seq for event in page.events] == list(range(1, page.head + 1))
    before = b"\0" * 32
    for event in page.events:
        row = feed_row(event.type, event.op_id, event.at, bytes(event.body), event.receipt)
        before = feed_hash(before, event.seq, row)
        assert unb64(event.hash) == before
    told = [json.loads(bytes(event.body)) for event in page.events if event.type == "redeemed@1"]
    assert [(entry["amount_minor"], entry["card_no"]) for entry in told] == [(100, 0), (10_000, 1)]
    assert b64(batch.records[0]).encode() not in b"".join(bytes(event.body) for event in page.events)


def test_a_long_poll_is_answered_when_something_happens(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    after = desktop.client.events("").next
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(SyncClient(desktop.url, desktop.client._identity).events, after, wait_s=25)
        desktop.redeem(batch.records[0])
        assert [event.type for event in waiting.result(timeout=20).events] == ["redeemed@1"]


def test_a_redemption_is_reversed_once(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    done = desktop.redeem(batch.records[0]).json()
    body = {"redemption_id": done["op_id"], "reason": "错"}
    assert desktop.push("reverse@1", body).status == "applied"
    assert desktop.push("reverse@1", body).problem.key == "already-reversed"
    assert desktop.redeem(batch.records[0]).status_code == 200


@pytest.mark.parametrize(("face_minor", "wrong"), [(10_000, {"uses": 1}), (None, {"amount_minor": 5_000})])
def test_a_wish_in_the_wrong_unit_takes_nothing(
    desktop: Desktop, face_minor: int | None, wrong: dict[str, int]
) -> None:
    """One use of a card of money was all of its money; 50 yuan of a voucher was one use."""
    batch = desktop.batch(1, face_minor=face_minor)
    refused = desktop.redeem(batch.records[0], **wrong)  # type: ignore[arg-type]
    assert (refused.status_code, key_of(refused)) == (422, "invalid")
    assert desktop.client.look_up(batch.records[0]).state.history == []


def test_a_repeated_redemption_of_a_desktop_is_called_a_duplicate(desktop: Desktop) -> None:
    batch, op_id = desktop.batch(1), new_op_id()
    body = {"d": b64(batch.records[0]), "amount_minor": 100}
    first, again = (desktop.push("redeem@1", body, op_id) for _ in range(2))
    assert (first.status, again.status) == ("applied", "duplicate")
    assert first.outcome == again.outcome
    by_phone = desktop.redeem(batch.records[0], 100).json()["op_id"]
    assert desktop.push("redeem@1", body, by_phone).status == "duplicate"


def test_a_position_the_feed_never_had_is_told_and_not_waited_at(desktop: Desktop) -> None:
    """So it is after the endpoint's database was put back from a backup."""
    page = desktop.client.events("")
    assert desktop.client.events(page.next).events == []
    with pytest.raises(Refused, match="feed-reset"):
        desktop.client.events(f"{page.epoch}.{page.head + 1}")


def test_only_who_runs_the_shop_moves_an_entry_here_as_of_its_time(desktop: Desktop, served: Served) -> None:
    batch = desktop.batch(2, valid_until="2020-01-01T15:59:59Z")
    body = {"d": b64(batch.records[0]), "amount_minor": 100}
    assert desktop.push("redeem@1", body).problem.key == "card-expired"
    moved = desktop.push("redeem@1", body | {"at": "2020-01-01T15:59:59Z"})
    assert (moved.status, moved.outcome["at"]) == ("applied", "2020-01-01T15:59:59.000Z")
    assert desktop.push("redeem@1", body | {"at": "2999-01-01T00:00:00Z"}).problem.key == "card-expired"
    assert desktop.push("redeem@1", body | {"at": "yesterday"}).problem.key == "invalid"
    store = Store(served.database)
    store.start()
    store.write_now(lambda t: t.run("UPDATE device SET role = 'clerk' WHERE merchant_id = ?", str(desktop.merchant_id)))
    store.stop()
    assert desktop.push("redeem@1", body | {"at": "2020-01-01T15:59:59Z"}).problem.key == "forbidden"
    undo = {"redemption_id": moved.op_id, "reason": "错", "at": "2020-01-01T15:59:59Z"}
    assert desktop.push("reverse@1", undo).problem.key == "forbidden"


def test_what_another_endpoint_decided_gets_in_whatever_is_frozen_here_and_nothing_else_does(
    desktop: Desktop, served: Served
) -> None:
    """So cards that are used up already can be frozen until that is known."""
    batch, earlier = desktop.batch(2), {"at": "2020-01-01T15:59:59Z"}
    about = {"batch_id": batch.uid, "card_no": 0}
    desktop.push("card.freeze@1", about)
    desktop.push("batch.freeze@1", {"batch_id": batch.uid})
    body = {"d": b64(batch.records[0]), "amount_minor": 100}
    topped_up = about | {"amount_minor": 50, "reason": "充值", "place": ""}
    assert desktop.push("redeem@1", body).problem.key == "batch-frozen"
    assert desktop.push("card.topup@1", topped_up).problem.key == "batch-frozen"
    assert desktop.push("redeem@1", body | earlier).status == "applied"
    assert desktop.push("card.topup@1", topped_up | earlier).outcome["remaining_minor"] == 10_000 - 100 + 50
    assert key_of(desktop.redeem(batch.records[0])) == "batch-frozen"
    store = Store(served.database)
    assert store.read_now(lambda transaction: verify(transaction, deep=True)).findings == []
    store.stop()


def test_null_is_not_the_word_none(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    for type_, body in (
        ("merchant.update@1", {"name": None}),
        ("merchant.update@1", {"name": "商户", "phone": 7}),
        ("redeem@1", {"d": b64(batch.records[0]), "place": None}),
        ("reverse@1", {"redemption_id": new_op_id(), "reason": None}),
    ):
        assert desktop.push(type_, body).problem.key == "invalid"
    assert desktop.client.hello().merchant.name == "某某商户"
