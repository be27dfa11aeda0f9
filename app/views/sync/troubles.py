"""What stands between this vault and its endpoint, in the banner of the page: the worst of it, with the way on."""

from collections.abc import Callable
from dataclasses import dataclass

from app.errors import AppError
from app.messages import REASONS, complaint
from app.services.cloud import CloudStatus
from app.services.cloud.rows import PAIR_AGAIN
from app.views.sync.device_words import stopped, twin
from app.views.sync.words import differing, last_problem, recovering
from app.views.widgets.banner import Banner
from app.vocabulary import word
from app.words import tr

REFUSED_HERE = ("key-changed", "feed-broken")
"""What the endpoint is not to blame for having refused: nothing of it is believed."""
Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class WaysOn:
    """What a page can do about them."""

    pair: Act
    start: Act
    lift: Act
    settle_twin: Act
    show_differences: Act


class Troubles:
    """What a sync was refused for stays in front of what an earlier one found out, until one comes through."""

    def __init__(self, banner: Banner, ways: WaysOn) -> None:
        self._banner, self._ways = banner, ways
        self._error: AppError | None = None
        self._told = False
        banner.shown.connect(self._hear)

    @property
    def is_another(self) -> bool:
        """Whether the endpoint that answered last is not the one this vault is paired with."""
        return getattr(self._error, "reason", "") == "key-changed"

    def complain(self, error: AppError, status: CloudStatus | None) -> None:
        """Of what was asked for just now."""
        self._error = error
        self._banner.say("error", _words(error), action=self._way_on(status))

    def forget(self) -> None:
        """Something came through."""
        self._error, self._told = None, False
        self._banner.clear()

    def tell(self, status: CloudStatus) -> None:
        """Nothing once it is over."""
        standing = bool(status.last_problem or status.recovery or status.twin_since or status.differences)
        if self._told and not standing:
            self.forget()
        self._told = standing
        if status.last_problem in PAIR_AGAIN:
            self._banner.say("error", stopped(status), action=(tr("Pair again"), self._ways.pair), closable=False)
        elif self._error is not None:
            self._banner.say("error", _words(self._error), action=self._way_on(status))
        elif status.last_problem:
            self._banner.say("error", last_problem(status), action=self._way_on(status))
        elif status.recovery is not None:
            lift = (tr("Wait no longer"), self._ways.lift)
            self._banner.say("warn", recovering(status.recovery), action=lift, closable=False)
        elif status.twin_since is not None:
            alone = (tr("Only this one is left"), self._ways.settle_twin)
            self._banner.say("warn", twin(status), action=alone, closable=False)
        elif status.differences:
            which = (tr("Which entries?"), self._ways.show_differences)
            self._banner.say("warn", differing(status), action=which, closable=False)

    def _hear(self, shown: bool) -> None:  # the signal's shape
        """Shut by hand it is read."""
        if not shown:
            self._error = None

    def _way_on(self, status: CloudStatus | None) -> tuple[str, Act] | None:
        if self.is_another:
            return tr("Pair again"), self._ways.pair
        if status is not None and status.mode == "embedded" and not status.running:
            return tr("Start"), self._ways.start
        return None


def _words(error: AppError) -> str:
    reason = str(getattr(error, "reason", ""))
    if reason in REFUSED_HERE:
        return tr("Something is wrong with the endpoint: {reason}", reason=word(REASONS, reason))
    return complaint(error)
