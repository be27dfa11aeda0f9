"""A short, seeded run of the races, and what their judge must not let pass; long ones are in CAMPAIGNS.md."""

import math
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.campaigns.history import UNHEARD, Heard, judge_debits, judge_freezes, judge_once
from tests.campaigns.race import JOBS, race
from tests.drivers.postgres import new_database, postgres


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("race")
    if request.param == "sqlite":
        yield str(folder / "endpoint.db"), folder
        return
    (folder / "pg").mkdir()
    with postgres(folder / "pg") as url:
        yield new_database(url, f"race_{uuid4().hex[:8]}"), folder


@pytest.mark.parametrize("name", JOBS)
def test_one_order_of_acts_explains_what_many_phones_were_told(place: tuple[str, Path], name: str) -> None:
    database, folder = place
    assert race(name, database, folder, scale=0.005, seed=7).attempts > 100


@pytest.mark.parametrize(
    ("plant", "name"), [("no-guards", "once"), ("no-dedupe", "once"), ("stale-batches", "freezes")]
)
def test_an_endpoint_that_makes_a_mistake_is_found_out(plant: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        race(name, str(tmp_path / "endpoint.db"), tmp_path, scale=0.02, seed=7, plant=plant)


def whole(op_id: str, asked: float, answered: float, *, key: str = "", card: int = 0) -> Heard:
    return Heard(card, op_id, None, asked, answered, {}, key)


@pytest.mark.parametrize(
    ("history", "what"),
    [
        ([whole("a", 0, 1), whole("b", 2, 3)], "redeemed 2 times"),
        ([whole("a", 0, 1), whole("a", 2, 3, key="card-spent")], "two answers"),
        ([whole("a", 2, 3), whole("b", 0, 1, key="card-spent")], "too early"),
        ([whole("b", 0, 1, key="card-spent")], "too early"),
        ([whole("a", 2, math.inf, key=UNHEARD), whole("b", 0, 1, key="card-spent")], "too early"),
        ([whole("a", 0, 1, key="card-frozen")], "card-frozen"),
    ],
)
def test_a_history_of_whole_cards_that_no_order_explains(history: list[Heard], what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        judge_once(history)


def test_a_history_of_whole_cards_that_one_explains() -> None:
    heard = whole("a", 0, 3)
    again, late = whole("a", 4, 5), whole("b", 1, 2, key="card-spent")
    unheard = [whole("c", 0, math.inf, key=UNHEARD, card=1), whole("d", 1, 2, key="card-spent", card=1)]
    assert judge_once([heard, again, late, *unheard]) == 1


def part(op_id: str, amount: int, left: int, asked: float, answered: float) -> Heard:
    return Heard(0, op_id, amount, asked, answered, {"redeemed_minor": amount, "remaining_minor": left})


def too_much(amount: int, left: int, asked: float, answered: float) -> Heard:
    return Heard(0, f"{amount} of {left}", amount, asked, answered, {"remaining_minor": left}, "insufficient-balance")


@pytest.mark.parametrize(
    ("history", "what"),
    [
        ([part("a", 60, 40, 0, 1), part("b", 60, 40, 0, 1)], "do not follow"),
        ([part("a", 60, 40, 0, 1), part("b", 60, -20, 0, 1)], "below zero"),
        ([part("b", 40, 60, 2, 3), part("a", 50, 10, 0, 1)], "overtook"),
        ([part("a", 60, 40, 0, 1), too_much(40, 40, 2, 3)], "held enough"),
        ([part("a", 60, 40, 2, 3), too_much(50, 40, 0, 1)], "another time"),
        ([part("a", 60, 40, 0, 1), too_much(500, 100, 2, 3)], "another time"),
        ([part("a", 60, 40, 0, 1), too_much(50, 39, 2, 3)], "never held"),
    ],
)
def test_a_history_of_debits_that_no_order_explains(history: list[Heard], what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        judge_debits(history, 100)


def test_a_history_of_debits_that_one_explains() -> None:
    done = [part("a", 60, 40, 0, 3), part("b", 30, 10, 1, 2)]
    assert judge_debits([*done, too_much(50, 40, 1, 2), too_much(20, 10, 3, 4)], 100) == 90


def test_what_was_redeemed_between_freeze_and_thaw_is_seen() -> None:
    spans = [(1.0, 2.0), (5.0, 8.0)]
    judge_freezes(
        [part("a", 1, 9, 0, 1.5), part("b", 1, 8, 3, 4), part("c", 1, 7, 4.5, 9), part("b", 1, 8, 6, 7)], spans
    )
    with pytest.raises(AssertionError, match="while its batch was frozen"):
        judge_freezes([part("d", 1, 6, 6, 7)], spans)


def test_what_was_refused_between_thaw_and_freeze_is_seen() -> None:
    refused = [whole("a", 1.2, 1.4, key="batch-frozen"), whole("b", 1.8, 2.2, key="batch-frozen")]
    again = whole("a", 3, 4, key="batch-frozen")
    judge_freezes([*refused, again], [(1.0, 2.0), (5.0, 8.0)], [(2.0, 5.0)])
    with pytest.raises(AssertionError, match="while its batch was thawed"):
        judge_freezes([*refused, whole("c", 3, 4, key="batch-frozen")], [(1.0, 2.0)], [(2.0, 5.0)])
