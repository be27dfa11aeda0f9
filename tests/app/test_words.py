"""Amounts as people type them."""

import pytest

from app.words import read_amount


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("200", 20_000),
        ("1,234.50", 123_450),
        ("¥200", 20_000),
        ("￥２００．５", 20_050),
        (" 88.5 ", 8_850),
        ("3.", 300),
    ],
)
def test_an_amount_is_read_however_it_is_written(typed: str, fen: int) -> None:
    assert read_amount(typed) == fen


@pytest.mark.parametrize("typed", ["", "-5", "1e3", "12,50", "1,2,3", "2 00", "0.001", "٢٠٠", "9" * 40, "一百"])
def test_what_could_be_taken_for_another_amount_is_none(typed: str) -> None:
    assert read_amount(typed) is None
