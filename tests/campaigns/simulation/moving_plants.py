"""Mistakes to build into moving from one endpoint to another, for histories that have two."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.services.cloud import joining, moving
from app.services.cloud.leaving import Departure
from sync.client import SyncClient
from tests.campaigns.simulation.plants import Patches


def left_open() -> Patches:
    """The endpoint that is left goes on redeeming."""

    @contextmanager
    def closed(_: Departure) -> Iterator[None]:
        yield

    yield Departure, "closed", closed


def rest_unheard() -> Patches:
    """What it redeemed between the last sync and its freeze is not heard."""
    made = Departure.__init__

    def deaf(self: Departure, *args: Any, hear: Any, **more: Any) -> None:
        made(self, *args, hear=_nothing, **more)

    yield Departure, "__init__", deaf


def whole_at_first() -> Patches:
    """The new endpoint redeems a batch before it knows what was redeemed of it."""
    yield moving, "_batches_of", lambda session, entries: set()
    yield moving, "_stopped", lambda session: set()


def only_frozen() -> Patches:
    """What is left, and what is not told yet, is frozen only: whoever thaws it opens it, and refunds get in."""
    announce_all = joining.announce_all

    def frozen(*args: Any, **more: Any) -> None:
        announce_all(*args, **more | {"closes": False})

    yield joining, "announce_all", frozen
    yield Departure, "_meet", lambda self, client: None


def lease_left() -> Patches:
    """A counter takes its lease along instead of giving it back."""
    yield Departure, "give_leases_back", lambda self: None


def _nothing(_: SyncClient) -> None: ...


PLANTS = {
    "left-open": left_open,
    "rest-unheard": rest_unheard,
    "whole-at-first": whole_at_first,
    "lease-left": lease_left,
    "only-frozen": only_frozen,
}
