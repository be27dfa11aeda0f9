"""Who may do what: every role, every act, on the own merchant's things and on another's; nothing else is allowed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync import tally
from sync.client import Refused, SyncClient, new_incarnation
from sync.devices import MANAGED, PairingRequest
from sync.phone import LinkRequest
from sync.protocol import (
    BatchClaim,
    DrawersRequest,
    FreezeRequest,
    LeaseRequest,
    OpResult,
    ReconcileRequest,
    ReturnRequest,
    b64,
    new_op_id,
    to_wire,
)
from sync.server import access
from sync.server.database import Store, opened
from tests.drivers.endpoint import Desktop, MadeBatch, Served, new_merchant, paired

ROLES = {"o": "owner", "m": "manager", "d": "distributor", "c": "clerk", "a": "auditor"}
DONE = "applied"
OF_THE_HOLDER = frozenset({"return a lease", "redeem under a lease"})
"""What a device tells of a lease that it was given as an owner, whatever its role is since."""


@dataclass(frozen=True, slots=True)
class Things:
    """What an act is about; made by its merchant's owner."""

    sealed: MadeBatch
    open: MadeBatch
    redemption: str
    link: str
    blob: str
    lease: str
    """Of card 2, by the owner's device."""
    conflict: str
    clerk: str
    """A device of the merchant."""


Act = Callable[[Desktop, Things], object]


def op(type_: str, body: Callable[[Things], dict[str, object]]) -> Act:
    return lambda desktop, things: desktop.push(type_, body(things))


def _link(desktop: Desktop, things: Things) -> object:
    request = LinkRequest(new_op_id(), things.sealed.uid, 1, b64(b"x" * 32), "ciphertext")
    return desktop.client.put_link(b64(new_op_id().encode()[:16]), request)


def _seal(desktop: Desktop, things: Things) -> object:
    return things.open.seal(desktop.client)


def _take_lease(desktop: Desktop, things: Things) -> object:
    return desktop.client.take_lease(LeaseRequest(new_op_id(), things.sealed.uid, _tomorrow(), count=1))


def _return_lease(desktop: Desktop, things: Things) -> object:
    return desktop.client.return_lease(ReturnRequest(new_op_id(), things.lease))


def _redeem_leased(desktop: Desktop, things: Things) -> object:
    return desktop.push("redeem.leased@1", leased(desktop, things.lease, things.sealed.records[2], 1))


def leased(desktop: Desktop, lease_id: str, d: bytes, amount_minor: int) -> dict[str, object]:
    """What a counter decided just now."""
    identity = desktop.client._identity
    assert identity is not None
    body: dict[str, object] = {"d": b64(d), "lease_id": lease_id, "incarnation": identity.incarnation}
    return body | {"amount_minor": amount_minor, "at": to_wire(datetime.now(UTC)), "place": "前台"}


def _lift(desktop: Desktop, things: Things) -> object:
    """Who may gets as far as to hear that there is nothing to lift."""
    result = desktop.push("recovery.lift@1", {"reason": "坏了"})
    assert isinstance(result, OpResult)
    return None if result.problem is not None and result.problem.key == "not-recovering" else result


def _moved(things: Things, card_no: int, amount_minor: int | None) -> dict[str, object]:
    """Money onto a card, or off it."""
    body: dict[str, object] = {"batch_id": things.sealed.uid, "card_no": card_no, "amount_minor": amount_minor}
    return body | {"reason": "客户要求", "place": "前台"}


def _tomorrow() -> str:
    return to_wire(datetime.now(UTC) + timedelta(days=1))


def _invite(role: str) -> Act:
    return lambda desktop, _: desktop.client.make_pairing(PairingRequest(new_op_id(), role, "前台"))


def _claim(things: Things) -> ReconcileRequest:
    return ReconcileRequest(0, [BatchClaim(things.sealed.uid, 3, 0, 0)])


def _drawers(things: Things) -> DrawersRequest:
    return DrawersRequest(0, things.sealed.uid, tally.roots_of([]))


ACTS: dict[str, tuple[str, str, Act]] = {
    "rename": ("om", DONE, op("merchant.update@1", lambda _: {"name": "某某商户"})),
    "create": ("omd", DONE, op("batch.create@1", lambda _: {"batch_id": new_op_id(), **FACTS})),
    "freeze": ("omd", "batch-unknown", op("batch.freeze@1", lambda t: {"batch_id": t.sealed.uid})),
    "freeze at once": (
        "omd",
        "batch-unknown",
        lambda desktop, t: desktop.client.freeze(FreezeRequest(new_op_id(), t.sealed.uid)),
    ),
    "thaw": ("om", "batch-unknown", op("batch.thaw@1", lambda t: {"batch_id": t.sealed.uid})),
    "close": ("om", "batch-unknown", op("batch.close@1", lambda t: {"batch_id": t.open.uid})),
    "open": ("om", "batch-unknown", op("batch.open@1", lambda t: {"batch_id": t.open.uid})),
    "void": ("om", "batch-unknown", op("batch.void@1", lambda t: {"batch_id": t.open.uid})),
    "freeze a card": ("omd", "batch-unknown", op("card.freeze@1", lambda t: {"batch_id": t.sealed.uid, "card_no": 2})),
    "thaw a card": ("om", "batch-unknown", op("card.thaw@1", lambda t: {"batch_id": t.sealed.uid, "card_no": 2})),
    "void a card": ("omd", "batch-unknown", op("card.void@1", lambda t: {"batch_id": t.sealed.uid, "card_no": 2})),
    "redeem": ("omdc", "card-unknown", op("redeem@1", lambda t: {"d": b64(t.sealed.records[0]), "amount_minor": 1})),
    "carry": (
        "om",
        "card-unknown",
        op("redeem@1", lambda t: {"d": b64(t.sealed.records[0]), "amount_minor": 1, "at": "2026-01-01T00:00:00Z"}),
    ),
    "reverse": ("omc", "redemption-unknown", op("reverse@1", lambda t: {"redemption_id": t.redemption})),
    "top up": ("om", "batch-unknown", op("card.topup@1", lambda t: _moved(t, 0, 100))),
    "refund": ("om", "batch-unknown", op("card.refund@1", lambda t: _moved(t, 1, None))),
    "take a lease": ("omdc", "batch-unknown", _take_lease),
    "return a lease": ("omdc", "lease-unknown", _return_lease),
    "reclaim a lease": (
        "om",
        "lease-unknown",
        op("lease.reclaim@1", lambda t: {"lease_id": t.lease, "reason": "坏了"}),
    ),
    "redeem under a lease": ("omdc", "lease-unknown", _redeem_leased),
    "settle a conflict": (
        "om",
        "conflict-unknown",
        op("conflict.settle@1", lambda t: {"conflict_id": t.conflict, "way": "loss"}),
    ),
    "lift a recovery": ("o", DONE, _lift),
    "give back": ("omdca", DONE, lambda desktop, t: desktop.client.give_back([], done=True)),
    "store a link": ("omd", "batch-unknown", _link),
    "recall a link": ("omd", "link-unknown", op("link.recall@1", lambda t: {"link_id": t.link})),
    "upload": ("omd", "batch-unknown", lambda desktop, t: t.open.upload(desktop.client)),
    "seal": ("omd", "batch-unknown", _seal),
    "leave a blob": ("omd", DONE, lambda desktop, t: desktop.client.put_blob(new_op_id(), b"x")),
    "fetch a blob": ("omd", "not-found", lambda desktop, t: desktop.client.get_blob(t.blob)),
    "look": ("omdca", "card-unknown", lambda desktop, t: desktop.client.look_up(t.sealed.records[1])),
    "look at an upload": ("omdca", "batch-unknown", lambda desktop, t: desktop.client.upload_state(t.open.uid)),
    "hear": ("omdca", DONE, lambda desktop, t: desktop.client.events("")),
    "compare": ("omdca", DONE, lambda desktop, t: desktop.client.reconcile(_claim(t))),
    "compare drawers": ("omdca", "batch-unknown", lambda desktop, t: desktop.client.drawers(_drawers(t))),
    "greet": ("omdca", DONE, lambda desktop, t: desktop.client.hello()),
    "let a clerk in": ("om", DONE, _invite("clerk")),
    "let a distributor in": ("om", DONE, _invite("distributor")),
    "let an auditor in": ("om", DONE, _invite("auditor")),
    "let a manager in": ("o", DONE, _invite("manager")),
    "let an owner in": ("o", DONE, _invite("owner")),
    "list devices": ("omdca", DONE, lambda desktop, t: desktop.client.devices()),
    "rename a device": (
        "om",
        "device-unknown",
        op("device.rename@1", lambda t: {"device_id": t.clerk, "name": "门店"}),
    ),
    "make a distributor": (
        "om",
        "device-unknown",
        op("device.role@1", lambda t: {"device_id": t.clerk, "role": "distributor"}),
    ),
    "make a manager": ("o", "device-unknown", op("device.role@1", lambda t: {"device_id": t.clerk, "role": "manager"})),
    "revoke a device": ("om", "device-unknown", op("device.revoke@1", lambda t: {"device_id": t.clerk})),
    "anything else": ("", "op-unknown", op("batch.delete@1", lambda t: {"batch_id": t.sealed.uid})),
}
"""Act → initials of the roles that may, and what even they are told about another merchant's things."""
FACTS = {"name": "卡", "face": {"kind": "money", "amount_minor": 100, "currency": "CNY"}, "count": 1}


@pytest.fixture
def store(served: Served) -> Iterator[Store]:
    with opened(served.database) as made:
        yield made


def things_of(owner: Desktop) -> Things:
    sealed, waiting = owner.batch(3), owner.batch(2, seal=False)
    link, blob = b64(new_op_id().encode()[:16]), new_op_id()
    owner.client.put_link(link, LinkRequest(new_op_id(), sealed.uid, 0, b64(b"x" * 32), "ciphertext"))
    owner.client.put_blob(blob, b"x")
    redeemed = owner.redeem(sealed.records[1], 1).json()["op_id"]
    waiting.upload(owner.client)
    taken = owner.client.take_lease(LeaseRequest(new_op_id(), sealed.uid, _tomorrow(), first_no=2)).lease_id
    lost = owner.push("redeem.leased@1", leased(owner, taken, sealed.records[2], 99_999))
    assert isinstance(lost, OpResult)
    return Things(sealed, waiting, str(redeemed), link, blob, taken, lost.op_id, _let_in(owner))


def _let_in(owner: Desktop) -> str:
    code = owner.client.make_pairing(PairingRequest(new_op_id(), "clerk")).pairing_code
    client, key = SyncClient(owner.url), Ed25519PrivateKey.generate()
    answer = client.enroll(code, device_name="前台", key=key, incarnation=new_incarnation())
    client.close()
    return answer.device_id


def become(store: Store, desktop: Desktop, *, role: str, state: str = "active") -> None:
    identity = desktop.client._identity
    assert identity is not None
    change = "UPDATE device SET role = ?, state = ? WHERE id = ?"
    store.write_now(lambda transaction: transaction.run(change, role, state, identity.device_id))


def told(act: Act, desktop: Desktop, things: Things) -> str:
    """`applied`, or the problem's key."""
    try:
        answer = act(desktop, things)
    except Refused as refused:
        return refused.key
    if isinstance(answer, OpResult) and answer.problem is not None:
        return answer.problem.key
    return DONE


@pytest.mark.parametrize("initial", ROLES)
def test_a_role_may_do_what_stands_here_and_nothing_else(
    served: Served, desktop: Desktop, store: Store, initial: str
) -> None:
    other = paired(served.url, new_merchant(served.database))
    theirs = things_of(other)
    own = None
    for name, (who, foreign, act) in ACTS.items():
        if own is None:
            become(store, desktop, role="owner")
            own = things_of(desktop)
            become(store, desktop, role=ROLES[initial])
        refusal = "forbidden" if who else "op-unknown"
        may = initial in who or name in OF_THE_HOLDER
        assert told(act, desktop, own) == (DONE if may else refusal), f"{name}, own"
        own = None if may else own  # what was refused has changed nothing
        assert told(act, desktop, theirs) == (foreign if initial in who else refusal), f"{name}, another's"
    other.client.close()


@pytest.mark.parametrize("initial", ROLES)
def test_a_revoked_device_may_do_nothing(served: Served, desktop: Desktop, store: Store, initial: str) -> None:
    other = paired(served.url, new_merchant(served.database))
    own, theirs = things_of(desktop), things_of(other)
    become(store, desktop, role=ROLES[initial], state="revoked")
    for things in (own, theirs):
        assert {name: told(act, desktop, things) for name, (_, _, act) in ACTS.items()} == dict.fromkeys(
            ACTS, "device-revoked"
        )
    other.client.close()


@pytest.mark.parametrize("initial", ROLES)
def test_of_a_frozen_batch_nobody_redeems(desktop: Desktop, store: Store, initial: str) -> None:
    things = things_of(desktop)
    desktop.push("batch.freeze@1", {"batch_id": things.sealed.uid})
    become(store, desktop, role=ROLES[initial])
    who, _, act = ACTS["redeem"]
    assert told(act, desktop, things) == ("batch-frozen" if initial in who else "forbidden")


@pytest.mark.parametrize("initial", "dca")
def test_what_a_counter_says_of_its_lease_makes_no_other_entry_one_that_was_decided_elsewhere(
    desktop: Desktop, store: Store, initial: str
) -> None:
    """Only what it takes back under a lease has such a time."""
    things, earlier = things_of(desktop), to_wire(datetime.now(UTC) - timedelta(days=1))
    desktop.push("batch.freeze@1", {"batch_id": things.sealed.uid})
    become(store, desktop, role=ROLES[initial])
    said: dict[str, object] = {"at": earlier, "lease_id": things.lease, "undone_at": earlier, "reason": "客户要求"}
    redeem = {"d": b64(things.sealed.records[0]), "amount_minor": 1, "uses": None, "place": "前台"}
    assert told(op("redeem@1", lambda _: redeem | said), desktop, things) == "forbidden"
    assert told(op("card.topup@1", lambda t: _moved(t, 0, 100) | said), desktop, things) == "forbidden"


def test_every_act_that_is_allowed_at_all_stands_in_the_table() -> None:
    acts = {
        "merchant.update@1": "rename",
        "batch.create@1": "create",
        "batch.freeze@1": "freeze",
        "batch.thaw@1": "thaw",
        "batch.close@1": "close",
        "batch.open@1": "open",
        "batch.void@1": "void",
        "card.freeze@1": "freeze a card",
        "card.thaw@1": "thaw a card",
        "card.void@1": "void a card",
        "redeem@1": "redeem",
        "reverse@1": "reverse",
        "card.topup@1": "top up",
        "card.refund@1": "refund",
        "carry": "carry",
        "give.back": "give back",
        "pairing.make": "let a clerk in",
        "device.revoke@1": "revoke a device",
        "device.role@1": "make a distributor",
        "device.rename@1": "rename a device",
        "link.put@1": "store a link",
        "link.recall@1": "recall a link",
        "upload": "upload",
        "blob.get": "fetch a blob",
        "look": "look",
        "lease.take@1": "take a lease",
        "lease.return@1": "return a lease",
        "lease.reclaim@1": "reclaim a lease",
        "redeem.leased@1": "redeem under a lease",
        "conflict.settle@1": "settle a conflict",
        "recovery.lift@1": "lift a recovery",
    }
    assert {act: {ROLES[initial] for initial in ACTS[name][0]} for act, name in acts.items()} == access.ROLES


def test_nobody_hands_out_more_than_they_have() -> None:
    mine = {role: {act for act, roles in access.ROLES.items() if role in roles} for role in ROLES.values()}
    for giver, managed in MANAGED.items():
        assert all(mine[role] <= mine[giver] for role in managed), giver
    assert set(MANAGED) == access.ROLES["pairing.make"] == access.ROLES["device.role@1"]
    assert "manager" not in MANAGED["manager"]
