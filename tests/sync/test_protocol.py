"""Small parts of the wire: ids, base64url, Merkle roots, instants."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol import b64, from_ms, from_wire, new_op_id, to_ms, to_wire, unb64


def test_op_ids_are_version_7_in_order_and_never_twice() -> None:
    ids = [new_op_id() for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert {UUID(op_id).version for op_id in ids} == {7}
    assert ids[0][:8] <= ids[-1][:8]


@given(st.binary(max_size=64))
def test_base64url_comes_back_and_has_one_form(raw: bytes) -> None:
    assert unb64(b64(raw)) == raw
    assert "=" not in b64(raw)


@pytest.mark.parametrize("text", ["AB=", "A", "AB+/", "QQ==", "QR"])
def test_another_spelling_of_the_same_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        unb64(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_travel_in_milliseconds(drawn: datetime) -> None:
    instant = drawn.replace(microsecond=drawn.microsecond // 1000 * 1000)
    assert from_wire(to_wire(instant)) == instant
    assert from_ms(to_ms(instant)) == instant


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError):
        from_wire("2026-11-24T12:00:00")
