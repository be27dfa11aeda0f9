"""How a long service call reports: one call both tells and allows a stop."""

from typing import Protocol


class Progress(Protocol):
    def __call__(self, done: int, total: int) -> None:
        """Record how far we are; raise JobCancelled if the user asked to stop."""


def unwatched(done: int, total: int) -> None:
    """Progress for callers who do not watch."""
