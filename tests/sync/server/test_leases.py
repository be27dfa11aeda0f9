"""Cards that a device decides about alone, on a real endpoint, on SQLite and on PostgreSQL."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.client import Refused
from sync.protocol import FreezeRequest, LeaseRequest, OpResult, ReturnRequest, b64, from_wire, new_op_id, to_wire
from sync.server.database import opened
from sync.server.verifying import verify
from tests.drivers.endpoint import Desktop, MadeBatch, Served, new_merchant, paired
from tests.sync.server.test_devices import invited, joined, revoke
from tests.sync.server.test_redemption import key_of


def in_hours(hours: float) -> str:
    return to_wire(datetime.now(UTC) + timedelta(hours=hours))


def take(desktop: Desktop, batch: MadeBatch, first_no: int = 0, count: int | None = None, until: str = "") -> str:
    request = LeaseRequest(new_op_id(), batch.uid, until or in_hours(8), first_no, count)
    return desktop.client.take_lease(request).lease_id


def decided(desktop: Desktop, lease_id: str, d: bytes, amount_minor: int | None = 10_000, /, **more: Any) -> OpResult:
    """What the counter of `desktop` gave out on its own word."""
    identity = desktop.client._identity
    assert identity is not None
    body = {"d": b64(d), "lease_id": lease_id, "incarnation": identity.incarnation, "amount_minor": amount_minor}
    body |= {"uses": None, "at": to_wire(datetime.now(UTC)), "place": "东门店"} | more
    result = desktop.push("redeem.leased@1", body)
    assert isinstance(result, OpResult)
    return result


def second(served: Served, desktop: Desktop) -> Desktop:
    """Another device of the same merchant."""
    return paired(served.url, new_merchant(served.database, merchant_id=desktop.merchant_id))


def events(desktop: Desktop, type_: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(event.body)) for event in desktop.client.events("").events if event.type == type_]


def reclaimed(desktop: Desktop, lease_id: str) -> str:
    """`applied`, or why not."""
    result = desktop.push("lease.reclaim@1", {"lease_id": lease_id, "reason": "设备丢失"})
    assert isinstance(result, OpResult)
    return result.problem.key if result.problem else result.status


def test_a_leased_card_is_for_its_device_alone_until_the_lease_is_given_back(served: Served, desktop: Desktop) -> None:
    batch, other = desktop.batch(3), second(served, desktop)
    lease = take(desktop, batch, 1, 1)
    assert key_of(desktop.redeem(batch.records[1])) == "card-leased"
    for whoever in (desktop, other):
        plain = whoever.push("redeem@1", {"d": b64(batch.records[1]), "amount_minor": 1})
        assert plain.problem.key == "card-leased"
    assert key_of(other.redeem(batch.records[1])) == "card-leased"
    assert desktop.redeem(batch.records[0]).status_code == desktop.redeem(batch.records[2]).status_code == 200
    assert decided(desktop, lease, batch.records[1], 4_000).outcome["remaining_minor"] == 6_000
    desktop.client.return_lease(ReturnRequest(new_op_id(), lease))
    assert desktop.redeem(batch.records[1]).json()["redeemed_minor"] == 6_000


def test_two_leases_never_hold_one_card(served: Served, desktop: Desktop) -> None:
    batch, other = desktop.batch(5), second(served, desktop)
    take(desktop, batch, 1, 2)
    for first, count in ((0, 2), (2, 1), (0, None), (1, 2)):
        with pytest.raises(Refused, match="lease-taken"):
            take(other, batch, first, count)
    take(other, batch, 3, 2)
    take(other, batch, 0, 1)


def test_an_entry_under_a_lease_is_asked_twice_and_booked_once(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    lease, op_id = take(desktop, batch), new_op_id()
    identity = desktop.client._identity
    body = {"d": b64(batch.records[0]), "lease_id": lease, "incarnation": identity.incarnation, "amount_minor": 100}
    body |= {"at": in_hours(-1), "place": ""}
    first, again = desktop.push("redeem.leased@1", body, op_id), desktop.push("redeem.leased@1", body, op_id)
    assert (first.status, again.status) == ("applied", "duplicate")
    assert first.outcome == again.outcome
    assert [entry["lease_id"] for entry in events(desktop, "redeemed@1")] == [lease]


def test_what_was_decided_before_a_freeze_was_heard_counts_and_the_freeze_says_so(desktop: Desktop) -> None:
    batch = desktop.batch(2)
    lease = take(desktop, batch, 0, 1)
    assert desktop.client.freeze(FreezeRequest(new_op_id(), batch.uid)).in_force == "now_except_leases"
    assert decided(desktop, lease, batch.records[0]).outcome["status"] == "applied"
    assert key_of(desktop.redeem(batch.records[1])) == "batch-frozen"
    desktop.client.return_lease(ReturnRequest(new_op_id(), lease))
    assert desktop.client.freeze(FreezeRequest(new_op_id(), batch.uid)).in_force == "now"
    with pytest.raises(Refused, match="batch-frozen"):
        take(desktop, batch)


@pytest.mark.parametrize("stop", ["card.freeze@1", "card.void@1", "batch.void@1"])
def test_nor_does_another_stop_undo_what_the_counter_has_given_out(served: Served, desktop: Desktop, stop: str) -> None:
    batch = desktop.batch(1)
    lease = take(desktop, batch)
    desktop.push(stop, {"batch_id": batch.uid, "card_no": 0} if stop.startswith("card") else {"batch_id": batch.uid})
    assert decided(desktop, lease, batch.records[0], 3_000).outcome["remaining_minor"] == 7_000
    assert decided(desktop, lease, batch.records[0], 7_000).outcome["remaining_minor"] == 0
    assert_whole(served)


@pytest.mark.parametrize("heard_first", [True, False])
def test_a_voided_card_that_was_used_up_under_a_lease_is_voided_again_once_that_is_taken_back(
    served: Served, desktop: Desktop, heard_first: bool
) -> None:
    batch = desktop.batch(1)
    lease, card = take(desktop, batch), {"batch_id": batch.uid, "card_no": 0}

    def void() -> None:
        assert desktop.push("card.void@1", card).status == "applied"

    def looked_up() -> str:
        return desktop.client.look_up(batch.records[0]).state.card

    if heard_first:
        void()
    used = decided(desktop, lease, batch.records[0])
    if not heard_first:
        void()
    assert looked_up() == "voided"
    put_on = {"amount_minor": 5_000, "reason": "x", "place": ""}
    assert desktop.push("card.topup@1", card | put_on).problem.key == "card-voided"
    assert desktop.push("reverse@1", {"redemption_id": used.op_id, "reason": "x"}).status == "applied"
    desktop.client.return_lease(ReturnRequest(new_op_id(), lease))
    assert key_of(desktop.redeem(batch.records[0])) == "card-voided"
    assert looked_up() == "voided"
    assert_whole(served)


def test_a_lease_that_ran_out_stays_with_its_device(served: Served, desktop: Desktop) -> None:
    """What it gave out in time may still be on its way."""
    batch = desktop.batch(1)
    lease = take(desktop, batch)
    with opened(served.database) as store:
        store.write_now(lambda t: t.run("UPDATE lease SET until_ms = 1 WHERE id = ?", lease))
    assert key_of(desktop.redeem(batch.records[0])) == "card-leased"
    assert decided(desktop, lease, batch.records[0], at=in_hours(-2)).outcome["status"] == "applied"


def test_a_reclaimed_lease_gives_the_cards_free_and_what_comes_late_is_booked_where_it_can_be(
    served: Served, desktop: Desktop
) -> None:
    batch, owner = desktop.batch(2), second(served, desktop)
    lease = take(desktop, batch)
    assert reclaimed(owner, lease) == "applied"
    assert reclaimed(owner, lease) == "lease-ended"
    assert owner.redeem(batch.records[0], 8_000).status_code == 200
    assert decided(desktop, lease, batch.records[1], 500).outcome["status"] == "applied"
    late = decided(desktop, lease, batch.records[0], 5_000)
    assert (late.status, late.outcome["status"], late.outcome["reason"]) == (
        "applied",
        "conflict",
        "insufficient-balance",
    )
    (told,) = events(owner, "conflict.found@1")
    assert (told["card_no"], told["amount_minor"], told["place"], told["lease_id"]) == (0, 5_000, "东门店", lease)
    settle = {"conflict_id": late.op_id, "way": "loss", "note": "记损"}
    assert owner.push("conflict.settle@1", settle).status == "applied"
    assert owner.push("conflict.settle@1", settle).problem.key == "conflict-unknown"
    assert [one["way"] for one in events(owner, "conflict.settled@1")] == ["loss"]
    assert_whole(served)


def test_what_comes_late_for_a_stopped_card_or_one_of_another_lease_is_a_conflict(
    served: Served, desktop: Desktop
) -> None:
    batch, owner = desktop.batch(2), second(served, desktop)
    lease = take(desktop, batch)
    reclaimed(owner, lease)
    owner.push("card.freeze@1", {"batch_id": batch.uid, "card_no": 0})
    take(owner, batch, 1)
    assert decided(desktop, lease, batch.records[0], 1).outcome["reason"] == "card-frozen"
    assert decided(desktop, lease, batch.records[1], 1).outcome["reason"] == "card-leased"


def test_a_lease_of_a_device_that_was_revoked_is_ended_by_the_device_that_its_desktop_is_since(
    served: Served, desktop: Desktop
) -> None:
    batch, lost = desktop.batch(3), joined(desktop, invited(desktop, "manager"))
    lease = take(lost, batch)
    back = ReturnRequest(new_op_id(), lease)
    with pytest.raises(Refused, match="lease-of-another"):
        desktop.client.return_lease(back)
    assert decided(desktop, lease, batch.records[0]).outcome["reason"] == "card-leased"
    assert revoke(desktop, lost) == ""
    assert key_of(desktop.redeem(batch.records[0])) == "card-leased"  # it may still be giving out
    since = joined(desktop, invited(desktop, "manager"))
    assert decided(since, lease, batch.records[1]).outcome["status"] == "applied"
    desktop.push("card.freeze@1", {"batch_id": batch.uid, "card_no": 2})
    assert decided(since, lease, batch.records[2]).outcome["reason"] == "card-frozen"
    since.client.return_lease(ReturnRequest(new_op_id(), lease))
    assert desktop.redeem(batch.records[0]).status_code == 200
    assert_whole(served)


def test_a_device_that_was_put_back_from_a_backup_has_its_leases_no_more(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    lease = take(desktop, batch)
    before = desktop.client._identity
    desktop.client._identity = type(before)(before.device_id, "a-new-life", before.key)
    with pytest.raises(Refused, match="lease-of-another"):
        desktop.client.return_lease(ReturnRequest(new_op_id(), lease))
    assert decided(desktop, lease, batch.records[0], 1).outcome["status"] == "conflict"
    assert decided(desktop, lease, batch.records[0], 1, incarnation=before.incarnation).outcome["status"] == "applied"


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"d": b64(b"\1" * 32)}, "card-unknown"),
        ({"lease_id": "0" * 36}, "lease-unknown"),
        ({"amount_minor": 0}, "invalid"),
        ({"amount_minor": None}, "invalid"),
        ({"at": "gestern"}, "invalid"),
    ],
)
def test_what_was_never_the_counters_to_decide_is_refused(desktop: Desktop, wrong: dict[str, Any], key: str) -> None:
    batch = desktop.batch(2)
    lease = take(desktop, batch, 0, 1)
    assert decided(desktop, lease, batch.records[0], 1, **wrong).problem.key == key
    assert decided(desktop, lease, batch.records[1], 1).problem.key == "card-unknown"


@pytest.mark.parametrize(
    ("first_no", "count", "until", "key"),
    [
        (3, 1, "", "invalid"),
        (0, 4, "", "invalid"),
        (3, None, "", "invalid"),
        (0, 1, to_wire(datetime(2020, 1, 1, tzinfo=UTC)), "invalid"),
        (0, 1, to_wire(datetime(2090, 1, 1, tzinfo=UTC)), "invalid"),
        (0, 1, "morgen", "invalid"),
    ],
)
def test_a_lease_of_no_cards_or_for_no_time_is_refused(
    desktop: Desktop, first_no: int, count: int | None, until: str, key: str
) -> None:
    batch = desktop.batch(3)
    with pytest.raises(Refused, match=key):
        take(desktop, batch, first_no, count, until)


def test_a_voucher_is_redeemed_by_its_uses(desktop: Desktop) -> None:
    batch = desktop.batch(1, face_minor=None)
    lease = take(desktop, batch)
    assert decided(desktop, lease, batch.records[0], None, uses=2).outcome["remaining_uses"] == 1
    assert decided(desktop, lease, batch.records[0], None, uses=2).outcome["status"] == "conflict"
    assert decided(desktop, lease, batch.records[0], 100).problem.key == "invalid"


def test_a_use_under_a_lease_is_reversed_like_any_other(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    lease = take(desktop, batch)
    done = decided(desktop, lease, batch.records[0])
    assert desktop.push("reverse@1", {"redemption_id": done.op_id, "reason": "错"}).status == "applied"
    assert decided(desktop, lease, batch.records[0]).outcome["remaining_minor"] == 0


@pytest.mark.parametrize(
    ("said_h", "whose", "booked_h"),
    [(-1.5, "own", -1.5), (-3, "own", -2), (5, "own", 0), (-1.5, "another's", 0), (-1.5, "none", 0)],
    ids=["within its lease", "before the use", "in time to come", "by another device", "under no lease"],
)
def test_a_use_that_a_counter_took_back_is_booked_when_it_did_so(
    served: Served, desktop: Desktop, said_h: float, whose: str, booked_h: float
) -> None:
    """Only the device that redeemed under the lease is believed, and only between the use and now."""
    batch = desktop.batch(2)
    lease = take(desktop, batch, 0, 1)
    use = decided(desktop, lease, batch.records[0], 4_000, at=in_hours(-2))
    body = {"redemption_id": use.op_id, "reason": "错", "undone_at": in_hours(said_h)}
    body["lease_id"] = new_op_id() if whose == "none" else lease
    by = second(served, desktop) if whose == "another's" else desktop
    back = by.push("reverse@1", body)
    assert isinstance(back, OpResult)
    assert back.outcome is not None
    wanted = datetime.now(UTC) + timedelta(hours=booked_h)
    assert abs(from_wire(back.outcome["at"]) - wanted) < timedelta(minutes=5)
    assert_whole(served)


def test_a_clerk_does_not_date_back_what_it_never_had_a_lease_for(served: Served, desktop: Desktop) -> None:
    """Over the card, but not when a phone used it."""
    batch = desktop.batch(1)
    used = desktop.redeem(batch.records[0], 4_000).json()
    clerk = joined(desktop, invited(desktop, "clerk"))
    lease = take(clerk, batch)
    body = {"redemption_id": used["op_id"], "reason": "错", "undone_at": in_hours(-5), "lease_id": lease}
    back = clerk.push("reverse@1", body)
    assert isinstance(back, OpResult)
    assert back.outcome is not None
    assert from_wire(back.outcome["at"]) >= from_wire(used["at"])
    assert datetime.now(UTC) - from_wire(back.outcome["at"]) < timedelta(seconds=20)
    assert_whole(served)


def test_a_batch_that_is_not_sealed_is_not_leased(desktop: Desktop) -> None:
    with pytest.raises(Refused, match="not-sealed"):
        take(desktop, desktop.batch(1, seal=False))


def assert_whole(served: Served) -> None:
    with opened(served.database) as store:
        verdict = store.read_now(lambda transaction: verify(transaction, deep=True))
    assert verdict.ok, verdict.findings
