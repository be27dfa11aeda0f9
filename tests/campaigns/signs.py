"""The judge of a comparison in pairs: a two-sided sign test, and how small a difference it would have seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

BAR = 0.001


@dataclass(frozen=True, slots=True)
class Signs:
    """`above` of all `pairs` differences are above nought; a coin falls as far from half and half with chance `p`.

    With a certainty of one less BAR the median lies between `low` and `high`; infinite for too few pairs.
    """

    pairs: int
    above: int
    p: float
    median: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        return self.p < BAR


def judge(differences: Sequence[float]) -> Signs:
    """Differences of nought say nothing about their sign and are not counted."""
    ordered = sorted(differences)
    above = sum(one > 0 for one in ordered)
    unequal = above + sum(one < 0 for one in ordered)
    median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    least = _least_unseen(len(ordered))
    low, high = (ordered[least - 1], ordered[-least]) if least else (-math.inf, math.inf)
    return Signs(len(ordered), above, p_of(above, unequal), median, low, high)


def p_of(heads: int, throws: int) -> float:
    """The chance that a fair coin falls at least as far from half and half, on either side. Exact."""
    rarer = min(heads, throws - heads)
    return min(1.0, 2 * math.fsum(_chance(count, throws) for count in range(rarer + 1)))


def _least_unseen(throws: int) -> int:
    """With fewer on the rarer side the coin is told to be unfair."""
    count, p = 0, 2 * _chance(0, throws)
    while p < BAR:
        count += 1
        p += 2 * _chance(count, throws)
    return count


def _chance(heads: int, throws: int) -> float:
    ways = math.lgamma(throws + 1) - math.lgamma(heads + 1) - math.lgamma(throws - heads + 1)
    return math.exp(ways - throws * math.log(2))
