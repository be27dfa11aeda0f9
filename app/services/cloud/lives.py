"""Speaking as a vault that may have a twin: restored from a backup, or copied while the other one goes on."""

from collections.abc import Callable
from typing import TypeVar

from app.errors import EndpointRefused
from app.services.cloud.connection import Connection

T = TypeVar("T")
TRIES = 3
"""The twin may take its place back at any moment."""


def spoken(connection: Connection, call: Callable[[], T]) -> T:
    """What `call` gives, in a new life where a later one than ours was heard there. Raises what `call` raises."""
    for _ in range(TRIES):
        before = connection.pairing()
        try:
            return call()
        except EndpointRefused as refused:
            if refused.reason != "restore-detected" or before is None:
                raise
            connection.begin_new_life(before.incarnation)
    return call()
