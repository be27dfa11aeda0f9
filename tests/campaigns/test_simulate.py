"""A short, seeded run of the simulation; the long ones and their figures are in CAMPAIGNS.md."""

from tests.campaigns.simulate import campaign
from tests.campaigns.simulation.two_endpoints import TwoEndpoints


def test_random_histories_keep_what_the_protocol_promises() -> None:
    happened, found = campaign(histories=12, seed=7)
    assert found == []
    assert happened["histories"] == 12


def test_a_mistake_that_is_built_in_is_found() -> None:
    assert campaign(histories=16, seed=7, plant="rules-first")[1] != []


def test_a_vault_that_moves_between_two_endpoints_is_redeemed_from_at_one_of_them() -> None:
    happened, found = campaign(histories=8, seed=7, of=TwoEndpoints)
    assert found == []
    assert happened["fault: moved"] > 0


def test_an_endpoint_that_goes_on_redeeming_when_it_was_left_is_found() -> None:
    assert campaign(histories=8, seed=1, plant="left-open", of=TwoEndpoints)[1] != []
