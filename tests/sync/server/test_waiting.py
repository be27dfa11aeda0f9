"""Work that waits for a writer: whose turn it is, and what happens at the end."""

from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from sync.server.group import Job
from sync.server.waiting import GROUP, Waiting

PATIENCE_S = 60


def jobs(merchant: str, count: int = 1) -> list[Job]:
    return [Job(lambda transaction: None, merchant) for _ in range(count)]


def test_what_came_together_is_one_group_in_its_order() -> None:
    waiting, asked = Waiting(apart=False), [*jobs("a", 2), *jobs("b"), *jobs("a")]
    waiting.put(asked[:3])
    waiting.put(asked[3:])
    assert waiting.take() == asked


def test_a_group_is_no_larger_than_it_may_be() -> None:
    waiting, asked = Waiting(apart=True), jobs("a", GROUP + 3)
    waiting.put(asked)
    first = waiting.take()
    waiting.done(first)
    assert [*first, *waiting.take()] == asked
    assert len(first) == GROUP


def test_apart_a_merchant_is_with_one_writer_at_a_time_and_the_next_one_gets_another() -> None:
    waiting = Waiting(apart=True)
    first, other, later = jobs("a"), jobs("b"), jobs("a")
    waiting.put(first)
    assert waiting.take() == first
    waiting.put(later)
    waiting.put(other)
    assert waiting.take() == other
    with ThreadPoolExecutor(1) as pool:
        next_one = pool.submit(waiting.take)
        with pytest.raises(TimeoutError):
            next_one.result(0.2)
        waiting.done(first)
        assert next_one.result(PATIENCE_S) == later


def test_what_belongs_to_nobody_is_done_side_by_side() -> None:
    waiting, first, second = Waiting(apart=True), jobs(""), jobs("")
    waiting.put(first)
    assert waiting.take() == first
    waiting.put(second)
    assert waiting.take() == second


def test_at_the_end_what_waits_is_done_and_everybody_goes_home() -> None:
    waiting, first, last = Waiting(apart=True), jobs("a"), jobs("a")
    waiting.put(first)
    assert waiting.take() == first
    waiting.put(last)
    waiting.close()
    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(waiting.take) for _ in range(2)]
        waiting.done(first)
        got = next(as_completed(others, PATIENCE_S)).result()
        waiting.done(got or last)
        taken = [one.result(PATIENCE_S) for one in others]
    assert sorted(map(len, taken)) == [0, 1]
    assert last in taken
