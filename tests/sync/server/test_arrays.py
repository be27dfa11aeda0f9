"""Columns as PostgreSQL reads them: a real one says what it understood."""

from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.server.arrays import array_of
from sync.server.dialects import postgres

TEXTS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
BLOBS = st.lists(st.none() | st.binary())
NUMBERS = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))


@pytest.fixture(scope="module")
def line(postgres_url: str) -> Any:
    with postgres().connect(postgres_url) as connection:
        yield connection


@settings(max_examples=100)
@given(column=TEXTS | BLOBS | NUMBERS)
def test_what_goes_in_comes_out(line: psycopg.Connection[Any], column: list[Any]) -> None:
    array = array_of(column)
    if array is None:
        assert all(value is None for value in column)
    else:
        assert [row[0] for row in line.execute("SELECT unnest(%s)", (array,)).fetchall()] == column


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_a_number_that_no_column_takes_is_unfit(value: int) -> None:
    with pytest.raises(postgres().unfit):
        array_of([1, value])


def test_a_text_that_is_none_is_unfit(line: psycopg.Connection[Any]) -> None:
    with pytest.raises(postgres().unfit):
        array_of(["\ud800"])
    with pytest.raises(postgres().unfit):
        line.execute("SELECT unnest(%s)", (array_of(["a\0b"]),))
