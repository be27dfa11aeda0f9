"""Claim links on a real endpoint: what an id stands for, and who may claim."""

import hashlib
import os
from uuid import uuid4

import pytest
import requests
from msgspec.structs import replace

from sync.client import Refused
from sync.phone import Gate, LinkRequest
from sync.protocol import b64, gate_digest, new_op_id
from tests.drivers.endpoint import Desktop, MadeBatch

AUTH = os.urandom(32)
UNTIL = "2030-01-01T15:59:59.000Z"


def a_link(batch: MadeBatch) -> tuple[str, LinkRequest]:
    """Behind the gate of a phone tail."""
    link_id = b64(uuid4().bytes)
    digest = b64(hashlib.sha256(AUTH).digest())
    gate = Gate("phone_tail", gate_digest(link_id, "1234"))
    return link_id, LinkRequest(new_op_id(), batch.uid, 0, digest, "sealed", UNTIL, gate)


def post(desktop: Desktop, link_id: str, act: str, **more: str) -> requests.Response:
    return requests.post(f"{desktop.url}/h5/v1/links/{link_id}/{act}", json={"auth": b64(AUTH)} | more, timeout=60)


def test_the_same_op_id_with_any_other_content_is_refused(desktop: Desktop) -> None:
    link_id, request = a_link(desktop.batch(2))
    stored = desktop.client.put_link(link_id, request)
    assert desktop.client.put_link(link_id, request) == stored
    for change in ({"card_no": 1}, {"expires_at": None}, {"gate": None}, {"ciphertext": "other"}):
        with pytest.raises(Refused, match="op-id-reused"):
            desktop.client.put_link(link_id, replace(request, **change))


def test_a_link_alone_does_not_claim_a_card_behind_a_gate(desktop: Desktop) -> None:
    """Else who only has the link makes the card count as claimed, and it could not be taken back."""
    link_id, request = a_link(desktop.batch(1))
    desktop.client.put_link(link_id, request)
    assert post(desktop, link_id, "ack").status_code == 403
    assert post(desktop, link_id, "state").json()["state"]["link"] == "waiting"
    assert post(desktop, link_id, "open", gate=gate_digest(link_id, "1234")).status_code == 200
    assert post(desktop, link_id, "ack").json()["state"]["link"] == "claimed"
    told = [event.type for event in desktop.client.events("").events]
    assert told[-2:] == ["opened@1", "claimed@1"]


def test_who_has_a_link_that_was_taken_back_does_not_learn_what_becomes_of_the_card(desktop: Desktop) -> None:
    """It is given to somebody else, and what that one does with it is shown to nobody."""
    batch = desktop.batch(1)
    link_id, request = a_link(batch)
    desktop.client.put_link(link_id, request)
    desktop.push("link.recall@1", {"link_id": link_id})
    before = post(desktop, link_id, "state").json()["state"]
    assert desktop.redeem(batch.records[0], 700).status_code == 200
    after = post(desktop, link_id, "state").json()["state"]
    assert after == before
    assert (after["link"], after["history"], after["remaining_minor"]) == ("recalled", [], None)
