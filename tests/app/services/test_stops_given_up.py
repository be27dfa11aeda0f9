"""A freeze or a thaw that the endpoint refuses and that is sent no more."""

from collections.abc import Callable
from typing import Any

import pytest

from app.services import Services
from app.services.cards import CardFilter
from app.services.outbox import enqueue
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.test_closed_batches import pushed, refuse
from tests.drivers.elsewhere import assert_level, uid_told
from tests.drivers.online import let_in, sealed_batch


def refused_stop(
    services: Services, vault: OpenVault, batch_id: int, meant: str, *, of_card: bool
) -> tuple[int, int, Any]:
    """A freeze or thaw of the batch, or of its fourth card, that the endpoint refuses: that card, what it is about, and
    who did it."""
    card_id = services.cards.ids(CardFilter(batch_id=batch_id), descending=False)[3]
    noun, about, acts = ("card", card_id, services.cards) if of_card else ("batch", batch_id, services.batches)
    if meant == "thaw":
        acts.freeze(about)
        assert_level(services)
    getattr(acts, meant)(about)
    refuse(vault, f"{noun}.{meant}@1")
    return card_id, about, acts


@pytest.mark.parametrize("of_card", [False, True])
@pytest.mark.parametrize("meant", ["freeze", "thaw"])
@pytest.mark.parametrize("said_again", [False, True])
def test_a_stop_that_is_sent_no_more_stands_here_as_it_does_there(
    moving: Services, vault: OpenVault, meant: str, of_card: bool, said_again: bool
) -> None:
    """Unless people have said something else since: that is still to be heard."""
    made = sealed_batch(moving)
    card_id, about, acts = refused_stop(moving, vault, made, meant, of_card=of_card)
    if said_again:
        getattr(acts, "thaw" if meant == "freeze" else "freeze")(about)
        getattr(acts, meant)(about)
    (row,) = moving.cloud.queue(states=("rejected",))
    moving.cloud.withdraw(row.id)
    (card,) = moving.cards.rows([card_id])
    frozen = card.frozen if of_card else moving.batches.batch(made).frozen_at is not None
    assert frozen == ((meant == "thaw") != said_again)
    assert_level(moving)


@pytest.mark.parametrize("of_card", [False, True])
@pytest.mark.parametrize("meant", ["freeze", "thaw"])
def test_what_others_have_said_since_stands_when_a_stop_is_sent_no_more(
    moving: Services, second: Callable[[str], Services], vault: OpenVault, meant: str, of_card: bool
) -> None:
    """A manager did at another computer what this one may not."""
    desk = second("desk")
    let_in(moving, desk, "manager")
    made = sealed_batch(moving)
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))
    card_id, *_ = refused_stop(moving, vault, made, meant, of_card=of_card)
    noun = "card" if of_card else "batch"
    assert pushed(desk, f"{noun}.{meant}@1", batch_id=uid, **({"card_no": 3} if of_card else {})) == "applied"
    moving.cloud.sync()
    (row,) = moving.cloud.queue(states=("rejected",))
    moving.cloud.withdraw(row.id)
    (card,) = moving.cards.rows([card_id])
    frozen = card.frozen if of_card else moving.batches.batch(made).frozen_at is not None
    assert frozen == (meant == "freeze")
    assert_level(moving)


def test_a_closing_that_is_sent_no_more_leaves_the_batch_as_it_was(moving: Services, vault: OpenVault) -> None:
    made = sealed_batch(moving)
    with vault.database.write(Topic.OUTBOX) as session:
        body = {"batch_id": moving.cloud.ask(lambda client: uid_told(client.events("").events))}
        enqueue(session, "batch.close@1", aggregate=f"batch:{made}", body=body)
    refuse(vault, "batch.close@1")
    (row,) = moving.cloud.queue(states=("rejected",))
    moving.cloud.withdraw(row.id)
    assert moving.batches.batch(made).frozen_at is None
