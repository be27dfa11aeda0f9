"""The sums of QR pictures against segno's own drawing."""

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from app.services.writers.qr import SIGNS, Picture, picture


def cells(shown: Picture) -> list[list[int]]:
    wide = len(shown.bits) // shown.count
    rows = [int.from_bytes(shown.bits[at : at + wide], "big") for at in range(0, len(shown.bits), wide)]
    return [[row >> (wide * 8 - 1 - at) & 1 for at in range(shown.count)] for row in rows]


def drawn(content: str) -> list[list[int]]:
    made = segno.make(content, micro=False, error="m", boost_error=False, mask=2)
    return [list(row) for row in made.matrix]


@given(st.text(SIGNS, min_size=1, max_size=40))
def test_a_code_is_what_segno_draws(content: str) -> None:
    assert cells(picture(content)) == drawn(content)


@pytest.mark.parametrize("content", ["0" * 20, "20261125", "abc-def", "卡号 12345", "https://kaxia.example/h5?x=1#y"])
def test_contents_of_another_kind_are_drawn_too(content: str) -> None:
    assert cells(picture(content)) == drawn(content)
