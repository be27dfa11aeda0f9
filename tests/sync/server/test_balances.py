"""Top-ups and refunds on a real endpoint, on SQLite and on PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sync.protocol import BatchClaim, OpResult, ReconcileRequest, ReturnRequest, new_op_id
from sync.server.database import Store, opened
from sync.server.verifying import verify
from sync.tally import Booked, root_of
from tests.drivers.endpoint import Desktop, MadeBatch, Served, new_merchant, paired
from tests.sync.server.test_leases import decided, take
from tests.sync.server.test_redemption import key_of

SOON = "2999-12-31T15:59:59Z"
LONG_AGO = "2020-01-01T15:59:59Z"
TOP_UP, REFUND = "card.topup@1", "card.refund@1"


def push(desktop: Desktop, type_: str, batch: MadeBatch, /, op_id: str = "", **more: Any) -> OpResult:
    body = {"batch_id": batch.uid, "card_no": 0, "amount_minor": None, "reason": "客户要求", "place": "总店"} | more
    result = desktop.push(type_, body, op_id)
    assert isinstance(result, OpResult)
    return result


def said(result: OpResult) -> tuple[str, int | None, int | None]:
    """Status, or why not; what it took, and what is left."""
    if result.problem is not None:
        return result.problem.key, None, result.problem.remaining_minor
    told = result.outcome or {}
    taken, left = told["redeemed_minor"], told["remaining_minor"]
    return (result.status, taken, left) if left is not None else (result.status, told["redeemed_uses"], None)


def state(desktop: Desktop, d: bytes) -> tuple[str, int | None, int | None]:
    found = desktop.client.look_up(d).state
    return found.card, found.remaining_minor, found.remaining_uses


def told(desktop: Desktop, type_: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(event.body)) for event in desktop.client.events("").events if event.type == type_]


@pytest.fixture
def whole(served: Served, desktop: Desktop) -> Any:
    """Afterwards the books of the endpoint agree."""
    yield
    with opened(served.database) as store:
        verdict = store.read_now(lambda transaction: verify(transaction, deep=True))
    assert verdict.ok, [str(finding) for finding in verdict.findings]


def test_a_used_up_card_is_charged_again_beyond_its_face_and_redeemed(desktop: Desktop, whole: Any) -> None:
    batch = desktop.batch(1)
    desktop.redeem(batch.records[0])
    assert state(desktop, batch.records[0]) == ("spent", 0, None)
    assert said(push(desktop, TOP_UP, batch, amount_minor=25_000)) == ("applied", -25_000, 25_000)
    assert state(desktop, batch.records[0]) == ("active", 25_000, None)
    (event,) = told(desktop, "topped_up@1")
    assert (event["amount_minor"], event["uses"], event["remaining_minor"]) == (-25_000, 0, 25_000)
    assert (event["card_no"], event["use_no"], event["reason"], event["place"]) == (0, 2, "客户要求", "总店")
    assert desktop.redeem(batch.records[0]).json()["redeemed_minor"] == 25_000
    kinds = [entry.kind for entry in desktop.client.look_up(batch.records[0]).state.history]
    assert kinds == ["redeemed", "topped_up", "redeemed"]


def test_a_refund_pays_out_a_part_or_what_is_left_and_no_more(desktop: Desktop, whole: Any) -> None:
    batch = desktop.batch(1)
    desktop.redeem(batch.records[0], 4_000)
    assert said(push(desktop, REFUND, batch, amount_minor=1_000)) == ("applied", 1_000, 5_000)
    assert said(push(desktop, REFUND, batch, amount_minor=5_001)) == ("insufficient-balance", None, 5_000)
    assert said(push(desktop, REFUND, batch)) == ("applied", 5_000, 0)
    assert said(push(desktop, REFUND, batch)) == ("card-spent", None, None)
    assert key_of(desktop.redeem(batch.records[0])) == "card-spent"
    assert [event["amount_minor"] for event in told(desktop, "refunded@1")] == [1_000, 5_000]


def test_of_a_voucher_the_uses_that_are_left_go_back_and_nothing_is_put_on(desktop: Desktop, whole: Any) -> None:
    batch = desktop.batch(2, face_minor=None)
    desktop.redeem(batch.records[0])
    assert said(push(desktop, TOP_UP, batch, amount_minor=1)) == ("no-money", None, None)
    assert said(push(desktop, REFUND, batch, amount_minor=1)) == ("invalid", None, None)
    assert said(push(desktop, REFUND, batch)) == ("applied", 2, None)
    assert state(desktop, batch.records[0]) == ("spent", None, 0)
    (event,) = told(desktop, "refunded@1")
    assert (event["amount_minor"], event["uses"], event["remaining_uses"]) == (0, 2, 0)


def test_the_same_op_id_moves_money_once(desktop: Desktop, whole: Any) -> None:
    batch = desktop.batch(1)
    for type_, taken, left in ((TOP_UP, -700, 10_700), (REFUND, 700, 10_000)):
        op_id = new_op_id()
        first, again = (push(desktop, type_, batch, op_id, amount_minor=700) for _ in range(2))
        assert (said(first), again.status, again.outcome) == (("applied", taken, left), "duplicate", first.outcome)
        assert said(push(desktop, type_, batch, op_id, amount_minor=701))[0] == "op-id-reused"


@pytest.mark.parametrize(
    ("stop", "top_up", "refund"),
    [
        ("batch.freeze@1", "batch-frozen", "applied"),
        ("card.freeze@1", "card-frozen", "applied"),
        ("batch.void@1", "card-voided", "card-voided"),
        ("card.void@1", "card-voided", "card-voided"),
    ],
)
def test_what_is_stopped_takes_no_money_but_gives_it_back_unless_it_is_void(
    desktop: Desktop, whole: Any, stop: str, top_up: str, refund: str
) -> None:
    batch = desktop.batch(2)
    desktop.push(stop, {"batch_id": batch.uid, "card_no": 0})
    assert said(push(desktop, TOP_UP, batch, amount_minor=1))[0] == top_up
    assert said(push(desktop, REFUND, batch, amount_minor=1))[0] == refund


def test_an_expired_card_is_paid_out_and_not_topped_up_and_an_unsealed_one_neither(desktop: Desktop) -> None:
    expired, unsealed = desktop.batch(1, valid_until=LONG_AGO), desktop.batch(1, seal=False)
    early = desktop.batch(1, valid_from="2998-01-01T00:00:00Z", valid_until=SOON)
    assert said(push(desktop, TOP_UP, expired, amount_minor=1))[0] == "card-expired"
    assert said(push(desktop, REFUND, expired))[0] == "applied"
    for type_ in (TOP_UP, REFUND):
        assert said(push(desktop, type_, unsealed, amount_minor=1))[0] == "not-sealed"
        assert said(push(desktop, type_, early, amount_minor=1))[0] == "applied"
        assert said(push(desktop, type_, early, card_no=1, amount_minor=1))[0] == "card-unknown"


def test_what_a_counter_has_leased_is_topped_up_but_not_paid_out(desktop: Desktop, whole: Any) -> None:
    """Nobody but it knows what is left; what is put on, it gives out when it has heard of it."""
    batch = desktop.batch(2)
    lease = take(desktop, batch, 0, 1)
    assert said(push(desktop, REFUND, batch))[0] == "card-leased"
    assert said(push(desktop, REFUND, batch, card_no=1))[0] == "applied"
    assert said(push(desktop, TOP_UP, batch, amount_minor=500)) == ("applied", -500, 10_500)
    assert decided(desktop, lease, batch.records[0], 10_400).status == "applied"
    desktop.client.return_lease(ReturnRequest(new_op_id(), lease))
    assert said(push(desktop, REFUND, batch)) == ("applied", 100, 0)


def test_only_a_redemption_is_reversed_and_its_reversal_finds_the_paid_out_card(desktop: Desktop, whole: Any) -> None:
    batch = desktop.batch(1)
    redeemed = desktop.redeem(batch.records[0], 3_000).json()["op_id"]
    moved = [push(desktop, TOP_UP, batch, amount_minor=1), push(desktop, REFUND, batch)]
    for result in moved:
        undo = desktop.push("reverse@1", {"redemption_id": result.op_id, "reason": "x"})
        assert undo.problem.key == "redemption-unknown"  # type: ignore[attr-defined]
    assert desktop.push("reverse@1", {"redemption_id": redeemed, "reason": "x"}).status == "applied"  # type: ignore[attr-defined]
    assert state(desktop, batch.records[0]) == ("active", 3_000, None)


def test_a_balance_stays_a_number_that_everybody_can_read(desktop: Desktop, whole: Any) -> None:
    batch = desktop.batch(1)
    assert said(push(desktop, TOP_UP, batch, amount_minor=2**53 - 10_000)) == ("applied", 10_000 - 2**53, 2**53)
    assert said(push(desktop, TOP_UP, batch, amount_minor=1))[0] == "invalid"
    assert said(push(desktop, REFUND, batch)) == ("applied", 2**53, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": 0},
        {"amount_minor": -5},
        {"amount_minor": 1.5},
        {"amount_minor": True},
        {"amount_minor": "5"},
        {"reason": "  "},
        {"reason": None},
        {"card_no": None},
        {"card_no": -1},
        {"batch_id": "x"},
        {"batch_id": 7},
        {"place": None},
    ],
)
def test_a_misshapen_one_moves_nothing(desktop: Desktop, wrong: dict[str, Any]) -> None:
    batch = desktop.batch(1)
    for type_ in (TOP_UP, REFUND):
        assert said(push(desktop, type_, batch, **{"amount_minor": 1} | wrong))[0] == "invalid"
    assert said(push(desktop, TOP_UP, batch))[0] == "invalid"
    assert state(desktop, batch.records[0]) == ("active", 10_000, None)


def test_a_foreign_card_is_unknown(desktop: Desktop, served: Served) -> None:
    other = paired(desktop.url, new_merchant(served.database))
    batch = desktop.batch(1)
    for type_ in (TOP_UP, REFUND):
        assert said(push(other, type_, batch, amount_minor=1))[0] == "batch-unknown"
    other.client.close()


def test_redeeming_and_paying_out_at_the_same_time_give_no_fen_twice(desktop: Desktop, whole: Any) -> None:
    batch = desktop.batch(1)

    def one(at: int) -> int:
        if at % 2:
            return int(desktop.redeem(batch.records[0], 900).json().get("redeemed_minor", 0))
        return said(push(desktop, REFUND, batch, amount_minor=700))[1] or 0

    with ThreadPoolExecutor(8) as pool:
        gone = sum(pool.map(one, range(24)))
    assert state(desktop, batch.records[0])[1] == 10_000 - gone


def test_both_count_in_what_is_compared(desktop: Desktop) -> None:
    batch = desktop.batch(2)
    desktop.redeem(batch.records[0], 1_000)
    push(desktop, TOP_UP, batch, amount_minor=300)
    push(desktop, REFUND, batch, card_no=1)
    head = desktop.client.hello().feed.head
    claim = BatchClaim(batch.uid, 2, 1_000 - 300 + 10_000, 0)
    assert desktop.client.reconcile(ReconcileRequest(head, [claim])).differences == []


def test_what_came_behind_a_place_is_compared_alone(desktop: Desktop) -> None:
    batch = desktop.batch(2)
    desktop.redeem(batch.records[0], 1_000)
    since = desktop.client.hello().feed.head
    op_id = push(desktop, TOP_UP, batch, amount_minor=300).op_id
    head = desktop.client.hello().feed.head
    root = root_of([Booked(op_id, 0, "topped_up", -300, 0)])

    def differences(claim: BatchClaim, behind: int) -> list[str]:
        return [one.what for one in desktop.client.reconcile(ReconcileRequest(head, [claim], behind)).differences]

    assert differences(BatchClaim(batch.uid, 2, -300, 0, root), since) == []
    assert differences(BatchClaim(batch.uid, 2, -300, 0, root), head) == ["redeemed_minor", "root"]
    assert differences(BatchClaim(batch.uid, 2, -300, 0, root), 0) == ["redeemed_minor", "root"]
    assert differences(BatchClaim(batch.uid, 2, 0, 0, root_of([])), head) == []


def test_one_is_moved_here_from_another_endpoint_as_of_its_time(desktop: Desktop, served: Served) -> None:
    batch = desktop.batch(1, valid_until=LONG_AGO)
    moved = push(desktop, TOP_UP, batch, amount_minor=100, at=LONG_AGO)
    assert (said(moved)[0], (moved.outcome or {})["at"]) == ("applied", "2020-01-01T15:59:59.000Z")
    voucher = desktop.batch(1, face_minor=None)
    assert said(push(desktop, REFUND, voucher, uses=2, at=LONG_AGO)) == ("applied", 2, None)
    op_id = new_op_id()
    refused = push(desktop, REFUND, batch, op_id, amount_minor=99_999, at=LONG_AGO)
    assert said(refused)[0] == "insufficient-balance"  # which is not the last word: the other endpoint has it
    assert said(push(desktop, REFUND, batch, op_id, amount_minor=10_100, at=LONG_AGO))[0] == "applied"
    store = Store(served.database)
    store.start()
    store.write_now(lambda t: t.run("UPDATE device SET role = 'clerk' WHERE merchant_id = ?", str(desktop.merchant_id)))
    store.stop()
    assert said(push(desktop, TOP_UP, batch, amount_minor=1, at=LONG_AGO))[0] == "forbidden"
