"""How old a use is."""

from collections.abc import Callable
from datetime import datetime, timedelta

from app.models.base import now


class Ages:
    """How old a use is, also where the system's clock was set back meanwhile: that must not make it younger."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._born: dict[str, float] = {}
        """Seconds of `clock`, by redemption; kept as long as the vault is open."""

    def begin(self, redemption_id: str) -> None:
        """It happened just now, whatever the endpoint's clock says."""
        self._born.setdefault(redemption_id, self._clock())

    def of(self, redemption_id: str, at: datetime) -> timedelta:
        """The wall says more where the machine slept. A use that lies in the future was told by another clock: it is
        taken for as old as it is ahead."""
        age = now() - at
        born = self._born.setdefault(redemption_id, self._clock() - abs(age.total_seconds()))
        return max(age, timedelta(seconds=self._clock() - born))
