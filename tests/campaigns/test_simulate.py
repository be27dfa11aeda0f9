"""A short, seeded run of the simulation; the long ones and their figures are in CAMPAIGNS.md."""

from tests.campaigns.simulate import campaign


def test_random_histories_keep_what_the_protocol_promises() -> None:
    happened, found = campaign(histories=12, seed=7)
    assert found == []
    assert happened["histories"] == 12


def test_a_mistake_that_is_built_in_is_found() -> None:
    assert campaign(histories=16, seed=7, plant="rules-first")[1] != []
