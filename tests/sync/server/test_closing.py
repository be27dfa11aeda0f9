"""A batch that is closed: nothing is decided about it here until its ledger has come, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest

from sync.client import Refused
from sync.protocol import OpResult, b64
from sync.server.database import opened
from sync.server.verifying import verify
from tests.drivers.endpoint import Desktop, MadeBatch, Served
from tests.sync.server.test_balances import REFUND, TOP_UP, told
from tests.sync.server.test_leases import decided, reclaimed, second, take
from tests.sync.server.test_redemption import key_of
from tests.sync.server.test_roles import become

EARLIER = "2026-01-01T00:00:00Z"
REASON = {"reason": "客户要求", "place": "总店"}


@pytest.fixture(autouse=True)
def whole(served: Served) -> Iterator[None]:
    """Afterwards the books of the endpoint agree."""
    yield
    with opened(served.database) as store:
        verdict = store.read_now(lambda transaction: verify(transaction, deep=True))
    assert verdict.ok, [str(finding) for finding in verdict.findings]


def stop(desktop: Desktop, what: str, batch: MadeBatch, /, **more: Any) -> str:
    return outcome(desktop.push(f"batch.{what}@1", {"batch_id": batch.uid, **more}))


def outcome(result: OpResult) -> str:
    return result.status if result.problem is None else result.problem.key


def changed(desktop: Desktop, type_: str, batch: MadeBatch, /, **more: Any) -> str:
    body = {"batch_id": batch.uid, "card_no": 0, "amount_minor": 100, **REASON, **more}
    return outcome(desktop.push(type_, body))


def test_nothing_is_decided_about_it_but_what_another_endpoint_has_decided_comes_in(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    first = desktop.redeem(batch.records[0], 1_000).json()["op_id"]
    assert stop(desktop, "close", batch) == "applied"
    assert key_of(desktop.redeem(batch.records[0], 1)) == "batch-frozen"
    for type_ in (TOP_UP, REFUND):
        assert changed(desktop, type_, batch) == ("batch-frozen" if type_ == TOP_UP else "batch-closed")
    undo = {"redemption_id": first, **REASON}
    assert outcome(desktop.push("reverse@1", undo)) == "batch-closed"
    assert changed(desktop, TOP_UP, batch, at=EARLIER) == changed(desktop, REFUND, batch, at=EARLIER) == "applied"
    redeemed = {"d": b64(batch.records[0]), "amount_minor": 300, "uses": None, "place": "", "at": EARLIER}
    assert outcome(desktop.push("redeem@1", redeemed)) == "applied"
    assert outcome(desktop.push("reverse@1", undo | {"at": EARLIER})) == "applied"
    assert stop(desktop, "open", batch) == "applied"
    assert desktop.redeem(batch.records[0]).json()["redeemed_minor"] == 9_700


@pytest.mark.parametrize("frozen", ["before", "meanwhile", "not"])
def test_a_thaw_does_not_open_it_and_opened_it_is_frozen_or_not_as_people_left_it(
    desktop: Desktop, frozen: str
) -> None:
    batch = desktop.batch(1)
    if frozen == "before":
        stop(desktop, "freeze", batch)
    assert stop(desktop, "close", batch) == "applied"
    if frozen == "meanwhile":
        stop(desktop, "freeze", batch)
    assert stop(desktop, "thaw", batch) == "batch-closed"
    assert key_of(desktop.redeem(batch.records[0])) == "batch-frozen"
    assert stop(desktop, "open", batch) == "applied"
    answer = desktop.redeem(batch.records[0])
    if frozen == "not":
        assert answer.status_code == 200
        assert [event.get("closed") for type_ in ("frozen@1", "thawed@1") for event in told(desktop, type_)] == [
            *(True, False)
        ]
    else:
        assert key_of(answer) == "batch-frozen"
        assert stop(desktop, "thaw", batch) == "applied"
        assert desktop.redeem(batch.records[0]).status_code == 200


def test_opened_with_a_word_it_is_thawed_too(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    stop(desktop, "freeze", batch)
    stop(desktop, "close", batch)
    assert stop(desktop, "open", batch, thaws=True) == "applied"
    assert desktop.redeem(batch.records[0]).status_code == 200


def test_nobody_leases_of_it_and_what_a_counter_that_was_revoked_tells_too_late_is_a_conflict(
    desktop: Desktop, served: Served
) -> None:
    """Its desktop is another device since. At an open batch that would be an entry, which the endpoint that has the
    ledger now never hears of."""
    batch, other = desktop.batch(2), second(served, desktop)
    lease, gone = take(other, batch, 0, 1), other.client._identity
    assert gone is not None
    assert outcome(desktop.push("device.revoke@1", {"device_id": gone.device_id})) == "applied"
    stop(desktop, "close", batch)
    with pytest.raises(Refused, match="batch-frozen"):
        take(desktop, batch, 1, 1)
    late = decided(desktop, lease, batch.records[0])
    assert late.outcome is not None
    assert (late.outcome["status"], late.outcome["reason"]) == ("conflict", "batch-frozen")
    told_on = decided(desktop, lease, batch.records[0], closed=True)
    assert told_on.outcome is not None
    assert told_on.outcome["status"] == "applied", "it comes with the ledger"


def test_only_who_knows_that_it_is_closed_voids_it_or_a_card_of_it(desktop: Desktop) -> None:
    """What was used elsewhere before has to get in first."""
    batch = desktop.batch(2)
    stop(desktop, "close", batch)
    assert stop(desktop, "void", batch) == "batch-closed"
    assert changed(desktop, "card.void@1", batch) == "batch-closed"
    assert changed(desktop, "card.freeze@1", batch) == changed(desktop, "card.thaw@1", batch) == "applied"
    redeemed = {"d": b64(batch.records[0]), "amount_minor": 300, "uses": None, "place": "", "at": EARLIER}
    assert outcome(desktop.push("redeem@1", redeemed)) == "applied"
    assert changed(desktop, "card.void@1", batch, closed=True) == stop(desktop, "void", batch, closed=True) == "applied"
    assert stop(desktop, "open", batch) == "applied"
    assert [key_of(desktop.redeem(one)) for one in batch.records] == ["card-voided", "card-voided"]


def test_a_clerk_undoes_nothing_of_it_as_if_another_endpoint_had_decided_that(desktop: Desktop, served: Served) -> None:
    """Not even what was given out under a lease of the clerk's own."""
    batch, clerk = desktop.batch(1), second(served, desktop)
    with opened(served.database) as store:
        become(store, clerk, role="clerk")
    lease = take(clerk, batch)
    used = decided(clerk, lease, batch.records[0], 1_000)
    assert (used.status, reclaimed(desktop, lease), stop(desktop, "close", batch)) == ("applied",) * 3
    undo = {"redemption_id": used.op_id, "lease_id": lease, **REASON}
    assert outcome(clerk.push("reverse@1", undo | {"at": EARLIER})) == "forbidden"
    assert outcome(clerk.push("reverse@1", undo | {"undone_at": EARLIER})) == "batch-closed"
