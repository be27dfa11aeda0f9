"""Many ops in one push: what stands behind a refused one about the same thing waits, everything else goes on."""

from uuid import uuid4

import pytest

from sync.protocol import Op, OpResult, b64, new_op_id
from tests.drivers.endpoint import NOW, Desktop


def op(type_: str, **body: object) -> Op:
    return Op(new_op_id(), type_, NOW, body)


def said(results: list[OpResult]) -> list[str]:
    """The status of each, and the problem of what has one."""
    return [one.status if one.problem is None else f"{one.status} {one.problem.key}" for one in results]


def state_of(desktop: Desktop, d: bytes) -> str:
    return desktop.client.look_up(d).state.card


def test_what_stands_behind_a_refused_op_about_the_same_is_not_tried(desktop: Desktop) -> None:
    batch, other = desktop.batch(2), desktop.batch(1)
    refused = op("batch.void@9", batch_id=batch.uid)
    behind = op("batch.freeze@1", batch_id=batch.uid.upper())
    card = op("card.void@1", batch_id=batch.uid, card_no=0)
    ops = [refused, behind, card, op("batch.freeze@1", batch_id=other.uid), op("merchant.update@1", name="新")]
    results = desktop.client.push(ops).results
    assert said(results) == ["rejected op-unknown", "retry held-back", "retry held-back", "applied", "applied"]
    assert results[1].problem is not None
    assert results[1].problem.retryable
    assert (state_of(desktop, batch.records[0]), state_of(desktop, other.records[0])) == ("active", "frozen")
    # given up: what waited goes on under the ids it has
    assert said(desktop.client.push([behind, card]).results) == ["applied", "applied"]
    assert said(desktop.client.push(ops[:3]).results) == ["rejected op-unknown", "duplicate", "duplicate"]


def test_a_refused_card_holds_back_its_own_and_the_batch_but_no_other_card(desktop: Desktop) -> None:
    batch = desktop.batch(2)
    ops = [
        op("card.freeze@1", batch_id=batch.uid, card_no=7),
        op("card.freeze@1", batch_id=batch.uid, card_no=1),
        op("card.thaw@1", batch_id=batch.uid, card_no=7),
        op("batch.thaw@1", batch_id=batch.uid),
        op("card.thaw@1", batch_id=batch.uid, card_no=1),
    ]
    expected = ["rejected card-unknown", "applied", "retry held-back", "retry held-back", "retry held-back"]
    assert said(desktop.client.push(ops).results) == expected
    assert [state_of(desktop, d) for d in batch.records] == ["active", "frozen"]


def test_an_answer_that_was_lost_is_given_again_wherever_its_op_stands(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    freeze = op("batch.freeze@1", batch_id=batch.uid)
    assert said(desktop.client.push([freeze]).results) == ["applied"]
    unknown = op("batch.void@9", batch_id=batch.uid)
    assert said(desktop.client.push([unknown, freeze]).results) == ["rejected op-unknown", "duplicate"]


def test_an_entry_moved_here_holds_back_the_freeze_behind_it_and_a_counter_waits_for_nothing(desktop: Desktop) -> None:
    batch = desktop.batch(2)
    moved = op("redeem@1", d=b64(batch.records[0]), amount_minor=99_999_999, uses=None, at=NOW)
    counter = op("redeem@1", d=b64(batch.records[1]), amount_minor=10_000, uses=None)
    results = desktop.client.push([moved, op("batch.freeze@1", batch_id=batch.uid), counter]).results
    assert said(results) == ["rejected insufficient-balance", "retry held-back", "applied"]


@pytest.mark.parametrize(
    "body",
    [{}, {"d": 5, "at": NOW}, {"d": "?", "at": NOW}, {"batch_id": ["x"]}, {"link_id": None}],
)
def test_an_op_of_no_shape_harms_no_other(desktop: Desktop, body: dict[str, object]) -> None:
    batch = desktop.batch(1)
    bad = [op("redeem@1", **body), op("batch.freeze@1", **body), op("redeem@1", **body)]
    results = desktop.client.push([*bad, op("batch.freeze@1", batch_id=batch.uid)]).results
    assert results[3].status == "applied"
    assert all(result.problem is not None for result in results[:3])


def test_many_cards_of_one_batch_go_in_one_push_beside_a_refusal(desktop: Desktop) -> None:
    batch = desktop.batch(200)
    unknown = op("card.freeze@1", batch_id=str(uuid4()), card_no=0)
    ops = [unknown, *(op("card.freeze@1", batch_id=batch.uid, card_no=n) for n in range(199))]
    assert said(desktop.client.push(ops).results) == ["rejected batch-unknown", *["applied"] * 199]


def test_a_lease_that_is_not_given_holds_nothing_back(desktop: Desktop) -> None:
    uid = str(uuid4())
    face = {"kind": "uses"}
    ops = [
        op("lease.take@1", batch_id=uid, first_no=0, count=1, until=NOW),
        op("batch.create@1", batch_id=uid, name="卡", face=face, max_uses=1, count=1),
    ]
    assert said(desktop.client.push(ops).results)[1] == "applied"
