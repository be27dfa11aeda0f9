"""Leases in words: what the counter can do without a line, until when, under which limit."""

from datetime import UTC, datetime

from app.services.leases import Standing
from app.views.theme import Tone
from app.words import moment, ntr, tr, yuan, zone


def standing_words(stand: Standing, *, offline: bool) -> tuple[Tone, str, str]:
    """Tone, icon and sentence of the bar."""
    if offline:
        return _without_a_line(stand)
    if stand.cards and stand.over:
        over = ntr("{count} lease has run out", "{count} leases have run out", stand.over)
        return "warn", "history", " · ".join((_leased(stand), over, *_waiting(stand)))
    if stand.cards:
        tone: Tone = "warn" if stand.is_spent else "neutral"
        return tone, "download", " · ".join((_leased(stand), *_waiting(stand)))
    if stand.over:
        words = tr("The lease has run out: give it back, then its cards are redeemed as usual")
        return "warn", "history", " · ".join((words, *_waiting(stand)))
    words = tr("No card is leased to this computer: without a line nothing can be redeemed")
    return "neutral", "download", " · ".join((words, *_waiting(stand)))


def offline_words(stand: Standing) -> str:
    """Why a card that this computer knows cannot be redeemed without a line."""
    if stand.cards:
        return tr("This card is not leased to this computer, so it cannot be redeemed offline")
    if stand.over:
        return tr("The lease has run out, so nothing can be redeemed offline")
    return tr("This machine holds no lease, so nothing can be redeemed offline")


def clock_words(instant: datetime) -> str:
    """`12:00` where that is today, else with its day."""
    there, today = instant.astimezone(zone()), datetime.now(UTC).astimezone(zone()).date()
    return there.strftime("%H:%M") if there.date() == today else moment(instant)


def round_yuan(amount_minor: int) -> str:
    """Without the fen where there are none."""
    return yuan(amount_minor).removesuffix(".00")


def _without_a_line(stand: Standing) -> tuple[Tone, str, str]:
    if not stand.cards:
        return "warn", "wifi-off", tr("Offline · {words}", words=offline_words(stand))
    until = clock_words(stand.until) if stand.until else ""
    cards = ntr(
        "{count} card can be redeemed here (lease until {until})",
        "{count} cards can be redeemed here (lease until {until})",
        stand.cards,
        until=until,
    )
    used = tr(
        "this shift {uses}/{most_uses} uses {minor}/{most_minor}",
        uses=stand.uses,
        most_uses=stand.most_uses,
        minor=round_yuan(stand.minor),
        most_minor=round_yuan(stand.most_minor),
    )
    words = tr("Offline · {words}", words=f"{cards} · {used}")
    if stand.is_spent:
        return "warn", "upload", " · ".join((words, tr("the limit is used up")))
    return "neutral", "wifi-off", words


def _leased(stand: Standing) -> str:
    until = clock_words(stand.until) if stand.until else ""
    return ntr(
        "{count} card is leased to this computer until {until}",
        "{count} cards are leased to this computer until {until}",
        stand.cards,
        until=until,
    )


def _waiting(stand: Standing) -> tuple[str, ...]:
    if not stand.uses:
        return ()
    minor = f" {round_yuan(stand.minor)}" if stand.minor else ""
    return (ntr("{count} use waits for upload", "{count} uses wait for upload", stand.uses) + minor,)
