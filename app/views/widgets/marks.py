"""The domain's states as marks: one tone and one word for each, the same on every screen."""

from app.views.theme import Tone
from app.views.widgets.state_mark import StateMark
from app.vocabulary import BATCH_STATES, CARD_STATES, DELIVERY_STATES, DISTRIBUTION_STATES, word
from app.words import tr

TONES: dict[str, Tone] = {
    "generating": "warn",
    "ready": "info",
    "published": "ok",
    "in_stock": "neutral",
    "assigned": "cyan",
    "active": "info",
    "spent": "ok",
    "frozen": "warn",
    "expired": "neutral",
    "voided": "error",
    "prepared": "neutral",
    "released": "info",
    "sending": "info",
    "sent": "cyan",
    "delivered": "cyan",
    "claimed": "ok",
    "failed": "error",
    "uncertain": "warn",
    "recalled": "neutral",
    "skipped": "neutral",
    "paused": "warn",
    "finished": "ok",
    "cancelled": "neutral",
}
SYMBOLS = {"frozen": "lock", "expired": "clock"}


def _mark(state: str, shown: str) -> StateMark:
    return StateMark(TONES.get(state, "neutral"), shown, SYMBOLS.get(state, ""), struck=state == "voided")


def batch_mark(state: str, *, expired: bool = False, unheard: bool = False) -> StateMark:
    """Frozen and voided win over expired: they are somebody's decision. `unheard`: it is not in force elsewhere yet."""
    shown = "expired" if expired and state in ("ready", "published") else state
    mark = _mark(shown, word(BATCH_STATES, shown))
    return _not_in_force(mark) if unheard else mark


def card_mark(state: str, *, frozen: bool = False, expired: bool = False, unheard: bool = False) -> StateMark:
    """As of batches."""
    live = state in ("in_stock", "assigned", "active")
    shown = "frozen" if frozen and live else "expired" if expired and live else state
    mark = _mark(shown, word(CARD_STATES, shown))
    return _not_in_force(mark) if unheard and shown in ("frozen", "voided") else mark


def _not_in_force(mark: StateMark) -> StateMark:
    return StateMark(mark.tone, tr("{state} · not in force yet", state=mark.word), mark.symbol)


def delivery_mark(state: str) -> StateMark:
    return _mark(state, word(DELIVERY_STATES, state))


def distribution_mark(state: str) -> StateMark:
    return _mark(state, word(DISTRIBUTION_STATES, state))
