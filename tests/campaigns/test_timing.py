"""The judge of the timing on made-up numbers, and a short run of its harness; long ones are in CAMPAIGNS.md.

Nothing here says that an honest endpoint shows no difference: on a busy machine and with few pairs that proves nothing.
"""

import math
import random
from pathlib import Path

import pytest

from tests.campaigns.guesses import DOORS
from tests.campaigns.hasty import built_in
from tests.campaigns.signs import judge, p_of
from tests.campaigns.timing import campaign


@pytest.mark.parametrize(
    ("heads", "throws", "p"), [(0, 0, 1), (5, 10, 1), (0, 10, 2 / 2**10), (10, 10, 2 / 2**10), (2, 10, 2 * 56 / 2**10)]
)
def test_the_chance_of_a_coin_is_exact(heads: int, throws: int, p: float) -> None:
    assert p_of(heads, throws) == pytest.approx(p)


@pytest.mark.parametrize(("above", "seen"), [(9_766, True), (9_767, False), (10_233, False), (10_234, True)])
def test_the_bar_of_20000_pairs(above: int, seen: bool) -> None:
    differences = [1.0] * above + [-1.0] * (20_000 - above)
    assert judge(differences).differs is seen


def _noise(dice: random.Random, pairs: int) -> list[float]:
    """What two waits for a disk of a tenth of a millisecond, and now and then a very long one, differ by."""
    return [
        dice.gauss(0, 100) + dice.choice((-1, 1)) * (dice.expovariate(1 / 5_000) if dice.random() < 0.02 else 0)
        for _ in range(pairs)
    ]


def test_a_few_microseconds_are_found_beneath_much_noise() -> None:
    dice = random.Random(7)
    honest, planted = _noise(dice, 20_000), [one + 8 for one in _noise(dice, 20_000)]
    assert not judge(honest).differs
    found = judge(planted)
    assert found.differs
    assert 0 < found.low < 8 < found.high


@pytest.mark.parametrize("shift", [0.0, 3.0, -3.0])
def test_a_difference_is_told_when_its_bounds_leave_out_nought(shift: float) -> None:
    dice = random.Random(3)
    for pairs in (9, 11, 12, 40, 401):
        found = judge([dice.gauss(shift, 2) for _ in range(pairs)])
        assert found.differs == (found.low > 0 or found.high < 0)
    assert judge([1.0] * 9).high == math.inf
    assert judge([0.0] * 50).p == 1


def test_the_harness_asks_at_every_door_and_gets_the_answers_it_expects(tmp_path: Path) -> None:
    measured = list(campaign(str(tmp_path / "endpoint.db"), tmp_path, pairs=3, seed=7))
    assert {one.door for one in measured} == set(DOORS)
    assert {one.signs.pairs for one in measured} == {3}
    assert len(measured) == 8


def test_an_endpoint_that_answers_early_for_codes_nobody_knows_is_found_out(tmp_path: Path) -> None:
    plant = built_in("early-return", step_s=0.1)  # of thirty pairs, five may show nothing
    measured = list(campaign(str(tmp_path / "e.db"), tmp_path, pairs=30, seed=7, doors=["redeem"], plant=plant))
    assert any(one.signs.differs for one in measured), [str(one) for one in measured]
