"""A slip is read back as it was written, by nobody else's key, and never changed unseen."""

import base64
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sync.slips import MARK, SIGNATURE, Slip, SlipUnreadable, is_genuine, is_slip, read, slip_of, written

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
IDS = {name: str(uuid4()) for name in ("merchant_id", "op_id", "device_id")}


def a_slip(**other: object) -> Slip:
    said: dict[str, object] = {
        "kind": "redeemed",
        "serial": "B20261130-1-000002",
        "amount_minor": 20_000,
        "uses": 0,
        "remaining_minor": 0,
        "remaining_uses": None,
        "at": datetime(2026, 11, 30, 9, 15, 30, 123_000, tzinfo=UTC),
        "place": "西湖店前台",
        "leased": True,
    }
    return slip_of(**(IDS | said | other))  # type: ignore[arg-type]


def packed(raw: bytes) -> str:
    return MARK + base64.b32encode(raw).decode().rstrip("=")


def test_what_is_too_long_to_be_read_is_cut_before_it_is_signed() -> None:
    text = written(a_slip(place="店" * 300, serial="B" * 100), KEY)
    found, signature = read(text)
    assert is_genuine(found, signature, PUBLIC)
    assert (len(found.place), len(found.serial)) == (200, 80)


def test_a_slip_is_read_back_in_any_case_and_over_lines() -> None:
    slip = a_slip()
    text = written(slip, KEY)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567.1")
    for typed in (text, text.lower(), f"  {text[:40]}\r\n{text[40:]}\n"):
        assert is_slip(typed)
        found, signature = read(typed)
        assert found == slip
        assert is_genuine(found, signature, PUBLIC)
    assert (slip.merchant_id, slip.op_id, slip.device_id) == tuple(IDS.values())
    assert (slip.kind, slip.at.isoformat()) == ("redeemed", "2026-11-30T09:15:30.123000+00:00")


@pytest.mark.parametrize(
    "change",
    [
        {"merchant_id": str(uuid4())},
        {"op_id": str(uuid4())},
        {"device_id": str(uuid4())},
        {"kind": "reversed"},
        {"serial": "B20261130-1-000003"},
        {"amount_minor": 20_001},
        {"uses": 1},
        {"remaining_minor": None},
        {"remaining_uses": 0},
        {"at": datetime(2026, 11, 30, 9, 15, 30, 124_000, tzinfo=UTC)},
        {"place": "东门店"},
        {"leased": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_changed_the_signature_is_not_of_it(change: dict[str, object]) -> None:
    _, signature = read(written(a_slip(), KEY))
    forged, kept = read(packed(msgspec.msgpack.encode(a_slip(**change)) + signature))
    assert not is_genuine(forged, kept, PUBLIC)
    assert not is_genuine(a_slip(), signature, Ed25519PrivateKey.generate().public_key().public_bytes_raw())


def test_no_two_slips_have_one_statement() -> None:
    """What moves from one part into the next is another statement."""
    one, other = a_slip(serial="AB", place="C"), a_slip(serial="A", place="BC")
    assert one.statement() != other.statement()
    assert a_slip(amount_minor=1, uses=23).statement() != a_slip(amount_minor=12, uses=3).statement()


@given(st.text(max_size=400))
def test_whatever_is_scanned_is_read_or_refused(typed: str) -> None:
    for text in (typed, MARK + typed):
        try:
            read(text)
        except SlipUnreadable:
            continue
        raise AssertionError("nobody signed this")


@given(st.data())
def test_a_sign_that_is_mistyped_is_never_believed(data: st.DataObject) -> None:
    text = written(a_slip(), KEY)
    at = data.draw(st.integers(len(MARK), len(text) - 1))
    sign = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").filter(lambda one: one != text[at]))
    try:
        slip, signature = read(text[:at] + sign + text[at + 1 :])
    except SlipUnreadable:
        return
    assert not is_genuine(slip, signature, PUBLIC)


def test_a_slip_of_a_later_version_or_with_more_in_it_is_unreadable() -> None:
    raw = msgspec.msgpack.encode([*msgspec.msgpack.decode(msgspec.msgpack.encode(a_slip())), "more"])
    for text in (packed(raw + bytes(SIGNATURE)), packed(b""), MARK, "KXR2.AAAA", packed(bytes(3_000))):
        with pytest.raises(SlipUnreadable):
            read(text)
