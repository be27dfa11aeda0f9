"""Two ledgers of the same entries come to the same, in any order; any other comes to something else."""

from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from sync import tally
from sync.tally import Booked

entries = st.lists(
    st.builds(
        Booked,
        st.integers(0, 2**128 - 1).map(lambda number: str(UUID(int=number))),
        st.integers(0, 10**6),
        st.sampled_from(("redeemed", "reversed")),
        st.integers(-(10**9), 10**9),
        st.integers(-9, 9),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda entry: entry.op_id,
)


@given(entries, st.integers())
def test_the_order_does_not_matter(ledger: list[Booked], seed: int) -> None:
    other = list(ledger)
    Random(seed).shuffle(other)
    assert tally.root_of(ledger) == tally.root_of(other)
    assert tally.roots_of(ledger) == tally.roots_of(other)


@given(entries, st.data())
def test_one_changed_entry_is_in_its_drawer_and_in_no_other(ledger: list[Booked], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(ledger) - 1))
    field = data.draw(st.sampled_from(("card_no", "amount_minor", "uses")))
    other = list(ledger)
    other[at] = ledger[at]._replace(**{field: getattr(ledger[at], field) + 1})
    assert tally.root_of(ledger) != tally.root_of(other)
    pairs = zip(tally.roots_of(ledger), tally.roots_of(other), strict=True)
    assert [number for number, (one, two) in enumerate(pairs) if one != two] == [tally.drawer_of(ledger[at].op_id)]


def test_an_empty_ledger_comes_to_nothing() -> None:
    assert tally.root_of([]) == "A" * 43
