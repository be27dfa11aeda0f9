"""Devices of a merchant: letting in, revoking, roles, names; a life whose place was taken is told apart."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.client import Identity, Refused, SyncClient, new_incarnation
from sync.devices import DeviceCard, PairingRequest
from sync.protocol import OpResult, b64, new_op_id
from sync.server import access, devices
from sync.server.access import PAIRING_MS, Device
from sync.server.database import opened
from sync.server.endpoint import now_ms
from sync.server.problems import Refusal
from tests.drivers.endpoint import Desktop, Served


def invited(owner: Desktop, role: str = "clerk", name: str = "前台电脑", op_id: str = "") -> str:
    return owner.client.make_pairing(PairingRequest(op_id or new_op_id(), role, name)).pairing_code


def joined(owner: Desktop, code: str) -> Desktop:
    client, key, incarnation = SyncClient(owner.url), Ed25519PrivateKey.generate(), new_incarnation()
    answer = client.enroll(code, device_name="自己的名字", key=key, incarnation=incarnation)
    client.close()
    made = SyncClient(owner.url, Identity(answer.device_id, incarnation, key))
    return replace(owner, client=made)


def who(desktop: Desktop) -> Identity:
    identity = desktop.client._identity
    assert identity is not None
    return identity


def listed(desktop: Desktop) -> dict[str, DeviceCard]:
    return {card.id: card for card in desktop.client.devices().devices}


def refusal(result: object) -> str:
    assert isinstance(result, OpResult)
    return "" if result.problem is None else result.problem.key


def revoke(by: Desktop, other: Desktop) -> str:
    return refusal(by.push("device.revoke@1", {"device_id": who(other).device_id}))


def give_role(by: Desktop, other: Desktop, role: str) -> str:
    return refusal(by.push("device.role@1", {"device_id": who(other).device_id, "role": role}))


def events(desktop: Desktop, type_: str) -> list[dict[str, object]]:
    return [msgspec.json.decode(event.body) for event in desktop.client.events("").events if event.type == type_]


def test_a_device_is_let_in_with_the_role_and_the_name_that_were_meant(desktop: Desktop) -> None:
    clerk = joined(desktop, invited(desktop, "clerk", "  前台\n电脑 "))
    hello = clerk.client.hello()
    assert (hello.device.role, hello.merchant.id) == ("clerk", str(desktop.merchant_id))
    card = listed(desktop)[who(clerk).device_id]
    assert (card.name, card.role, card.state, card.you) == ("前台 电脑", "clerk", "active", False)
    assert [card.you for card in clerk.client.devices().devices] == [False, True]
    made = events(desktop, "pairing.made@1")
    assert made == [{"role": "clerk", "name": "前台 电脑", "by": who(desktop).device_id}]
    assert events(desktop, "device.enrolled@1")[-1]["role"] == "clerk"


def test_the_list_tells_what_each_device_signs_with_the_revoked_ones_too(desktop: Desktop) -> None:
    clerk = joined(desktop, invited(desktop))
    assert revoke(desktop, clerk) == ""
    told = {card.id: (card.state, card.public_key) for card in desktop.client.devices().devices}
    for one, state in ((desktop, "active"), (clerk, "revoked")):
        assert told[who(one).device_id] == (state, b64(who(one).key.public_key().public_bytes_raw()))


def test_without_a_name_a_device_is_called_what_it_calls_itself(desktop: Desktop) -> None:
    clerk = joined(desktop, invited(desktop, name=""))
    assert listed(desktop)[who(clerk).device_id].name == "自己的名字"


def test_a_code_works_once_and_is_told_once(desktop: Desktop) -> None:
    op_id = new_op_id()
    code = invited(desktop, op_id=op_id)
    assert len(code) == 22, "128 bits"
    with pytest.raises(Refused, match="pairing-told"):
        invited(desktop, op_id=op_id)
    with pytest.raises(Refused, match="op-id-reused"):
        invited(desktop, "owner", op_id=op_id)
    joined(desktop, code)
    with pytest.raises(Refused, match="pairing-refused"):
        joined(desktop, code)


def test_a_code_is_kept_nowhere_and_good_for_ten_minutes(served: Served, desktop: Desktop) -> None:
    code = invited(desktop)
    with opened(served.database) as store:
        rows = store.read_now(lambda t: t.all("SELECT * FROM pairing") + t.all("SELECT * FROM op"))
        assert all(
            code.encode() not in (part if isinstance(part, bytes) else str(part).encode())
            for row in rows
            for part in row
        )
        left = store.read_now(
            lambda t: t.one("SELECT expires_ms FROM pairing WHERE code_digest = ?", access.digest_of_code(code))
        )
        assert left is not None
        assert 0 <= now_ms() + PAIRING_MS - int(left[0]) < PAIRING_MS
        late = "UPDATE pairing SET expires_ms = ? WHERE code_digest = ?"
        store.write_now(lambda t: t.run(late, now_ms() - 1, access.digest_of_code(code)))
    with pytest.raises(Refused, match="pairing-refused"):
        joined(desktop, code)


def test_a_revoked_device_is_refused_at_its_next_request_and_its_codes_are_dead(desktop: Desktop) -> None:
    manager = joined(desktop, invited(desktop, "manager"))
    code = invited(manager, "clerk")
    assert revoke(desktop, manager) == ""
    with pytest.raises(Refused, match="device-revoked"):
        manager.client.hello()
    with pytest.raises(Refused, match="pairing-refused"):
        joined(desktop, code)
    assert listed(desktop)[who(manager).device_id].state == "revoked"
    body = {"device_id": who(manager).device_id, "by": who(desktop).device_id}
    assert events(desktop, "device.revoked@1") == [body]
    assert revoke(desktop, manager) == "", "a second time changes nothing"
    assert events(desktop, "device.revoked@1") == [body]


def test_revoking_beats_granting(desktop: Desktop) -> None:
    clerk = joined(desktop, invited(desktop))
    assert revoke(desktop, clerk) == ""
    assert give_role(desktop, clerk, "manager") == "device-gone"
    assert refusal(desktop.push("device.rename@1", {"device_id": who(clerk).device_id, "name": "x"})) == "device-gone"
    with pytest.raises(Refused, match="device-revoked"):
        clerk.client.hello()


def test_what_was_let_in_a_moment_before_the_revocation_hands_out_nothing_any_more(
    served: Served, desktop: Desktop
) -> None:
    manager = joined(desktop, invited(desktop, "manager"))
    admitted = Device(who(manager).device_id, str(desktop.merchant_id), "manager")
    assert revoke(desktop, manager) == ""
    request = PairingRequest(new_op_id(), "clerk")
    with opened(served.database) as store, pytest.raises(Refusal, match="device-revoked"):
        store.write_now(lambda t: devices.let_in(t, admitted, request, at_ms=now_ms()), admitted.merchant_id)


def test_the_last_owner_can_neither_be_revoked_nor_demoted(desktop: Desktop) -> None:
    assert revoke(desktop, desktop) == "last-owner"
    assert give_role(desktop, desktop, "clerk") == "last-owner"
    assert give_role(desktop, desktop, "owner") == ""
    second = joined(desktop, invited(desktop, "owner"))
    assert give_role(desktop, desktop, "clerk") == ""
    assert desktop.client.hello().device.role == "clerk"
    assert revoke(second, second) == "last-owner"


def test_two_owners_who_revoke_each_other_at_once_leave_one(desktop: Desktop) -> None:
    for _ in range(5):
        second = joined(desktop, invited(desktop, "owner"))
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda pair: _tried(*pair), [(desktop, second), (second, desktop)]))
        assert sorted(told)[0] == "", told
        left = [one for one in (desktop, second) if _tried(one, one) == "last-owner"]
        assert len(left) == 1, told
        desktop = left[0]


def _tried(by: Desktop, other: Desktop) -> str:
    try:
        return revoke(by, other)
    except Refused as refused:
        return refused.key


def test_a_manager_manages_lower_roles_only(desktop: Desktop) -> None:
    manager, other = (joined(desktop, invited(desktop, "manager")) for _ in range(2))
    clerk = joined(manager, invited(manager))
    assert give_role(manager, clerk, "distributor") == ""
    assert give_role(manager, clerk, "manager") == "forbidden"
    for above in (desktop, other, manager):
        assert revoke(manager, above) == give_role(manager, above, "clerk") == "forbidden"
    assert refusal(manager.push("device.rename@1", {"device_id": who(other).device_id, "name": "x"})) == "forbidden"
    assert refusal(manager.push("device.rename@1", {"device_id": who(manager).device_id, "name": "后台"})) == ""
    assert [body["name"] for body in events(desktop, "device.renamed@1")] == ["后台"]


def test_who_loses_a_role_loses_the_codes_that_went_beyond_the_new_one(desktop: Desktop) -> None:
    second = joined(desktop, invited(desktop, "owner"))
    owners, clerks = invited(second, "owner"), invited(second, "clerk")
    assert give_role(desktop, second, "manager") == ""
    with pytest.raises(Refused, match="pairing-refused"):
        joined(desktop, owners)
    assert joined(desktop, clerks).client.hello().device.role == "clerk"
    changed = {"device_id": who(second).device_id, "role": "manager", "by": who(desktop).device_id}
    assert events(desktop, "device.role-changed@1") == [changed]


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        ("device.role@1", {"role": "king"}),
        ("device.role@1", {"role": ["clerk"]}),
        ("device.role@1", {}),
        ("device.rename@1", {"name": "  "}),
        ("device.rename@1", {"name": "x" * 201}),
        ("device.rename@1", {"name": 5}),
    ],
)
def test_nonsense_about_a_device_is_refused(desktop: Desktop, type_: str, body: dict[str, object]) -> None:
    assert refusal(desktop.push(type_, {"device_id": who(desktop).device_id, **body})) == "invalid"
    assert refusal(desktop.push(type_, body)) == "invalid"


def test_when_a_device_was_seen_is_kept_to_the_minute(served: Served, desktop: Desktop) -> None:
    mine = who(desktop).device_id
    with opened(served.database) as store:
        store.write_now(lambda t: t.run("UPDATE device SET seen_ms = NULL WHERE id = ?", mine))
        desktop.client.hello()
        (card,) = desktop.client.devices().devices
        assert card.seen_at is not None
        assert card.seen_at.endswith(":00.000Z")
        ahead = now_ms() + 3_600_000
        store.write_now(lambda t: t.run("UPDATE device SET seen_ms = ? WHERE id = ?", ahead, mine))
        desktop.client.hello()
        kept = store.read_now(lambda t: t.one("SELECT seen_ms FROM device WHERE id = ?", mine))
    assert kept is not None
    assert kept[0] == ahead, "no write where none is due"


def test_a_life_whose_place_was_taken_may_not_speak(desktop: Desktop) -> None:
    first = who(desktop)
    restored = SyncClient(desktop.url, replace(first, incarnation=new_incarnation()))
    restored.hello()
    with pytest.raises(Refused, match="restore-detected") as refused:
        desktop.client.hello()
    assert refused.value.problem.status == 409
    restored.hello()
    again = SyncClient(desktop.url, replace(first, incarnation=new_incarnation()))
    again.hello()
    for old in (restored, desktop.client):
        with pytest.raises(Refused, match="restore-detected"):
            old.hello()
    for client in (restored, again):
        client.close()


def test_the_first_requests_of_a_new_life_may_come_side_by_side(desktop: Desktop) -> None:
    for _ in range(4):
        life = replace(who(desktop), incarnation=new_incarnation())
        clients = [SyncClient(desktop.url, life) for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            assert len(list(pool.map(lambda client: client.hello(), clients))) == 6
        for client in clients:
            client.close()


def test_a_code_of_another_merchant_is_refused_and_stays_good(desktop: Desktop) -> None:
    code = invited(desktop)
    client, key = SyncClient(desktop.url), Ed25519PrivateKey.generate()
    ask = {"device_name": "", "key": key, "incarnation": new_incarnation()}
    with pytest.raises(Refused, match="other-merchant"):
        client.enroll(code, merchant_id="0199d1a0-0000-7000-8000-000000000000", **ask)
    assert client.enroll(code, merchant_id=str(desktop.merchant_id).upper(), **ask).hello.device.role == "clerk"
    client.close()


def test_old_codes_are_cleared_away(served: Served, desktop: Desktop) -> None:
    code = access.digest_of_code(invited(desktop))
    with opened(served.database) as store:
        for later, left in ((PAIRING_MS, 1), (PAIRING_MS + access.KEPT_CODES_MS + 60_000, 0)):
            at = now_ms() + later
            store.write_now(lambda t, at=at: access.forget_nonces(t, at))
            found = store.read_now(lambda t: t.all("SELECT 1 FROM pairing WHERE code_digest = ?", code))
            assert len(found) == left
