"""One delivery in the drawer: facts, what went wrong and what mends it, and its story with times."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.services.distribution import DeliveryRow
from app.views.widgets.banner import Banner
from app.views.widgets.facts import facts
from app.views.widgets.pieces import line
from app.views.widgets.timeline import Event, Timeline
from app.vocabulary import CHANNELS, DELIVERY_ADVICE, DELIVERY_REASONS, word
from app.words import NO_DATA, ntr, tr, yuan


def delivery_body(found: DeliveryRow) -> QWidget:
    body = QWidget()
    layout = QVBoxLayout(body)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(16)
    if trouble := _trouble(found):
        layout.addWidget(trouble)
    layout.addWidget(facts(_facts(found), codes=(found.serial,)))
    layout.addWidget(line())
    layout.addWidget(Timeline(story_of(found)))
    layout.addStretch(1)
    return body


def channel_words(found: DeliveryRow) -> str:
    """`Mail`, or `Mail → Print` while the old link is ending."""
    now = word(CHANNELS, found.channel)
    if found.change_to is None:
        return now
    return tr("{before} → {after}", before=now, after=word(CHANNELS, found.change_to))


def trouble_words(found: DeliveryRow) -> str:
    """What went wrong, what the server said, and what to do about it; empty where nothing did."""
    if found.change_to is not None:
        return tr("Waits until the endpoint has ended its link; then it goes out with the next run.")
    if not found.reason:
        return ""
    advice = DELIVERY_ADVICE.get("uncertain" if found.state == "uncertain" else found.reason, "")
    parts = [tr("{words}.", words=word(DELIVERY_REASONS, found.reason))]
    if found.said:
        parts.append(tr("The mail server said: {said}", said=found.said))
    if advice:
        parts.append(word(DELIVERY_ADVICE, "uncertain" if found.state == "uncertain" else found.reason))
    return "\n".join(parts)


def story_of(found: DeliveryRow) -> list[Event]:
    """Newest first."""
    events = [
        Event(found.prepared_at, tr("Prepared"), symbol="layers"),
        Event(found.sent_at, tr("Sent"), symbol="send", tone="cyan"),
        Event(found.reminded_at, _reminders(found), symbol="bell", tone="info"),
        Event(found.opened_at, tr("Opened"), symbol="eye", tone="info"),
        Event(found.claimed_at, tr("Claimed"), symbol="gift", tone="ok"),
        Event(found.redeemed_at, tr("Redeemed"), symbol="circle-check", tone="ok"),
        Event(found.recalled_at, tr("Taken back"), symbol="undo-2", tone="warn"),
    ]
    told = [event for event in events if event.at is not None]
    return sorted(told, key=lambda event: event.at or found.prepared_at, reverse=True)


def _reminders(found: DeliveryRow) -> str:
    return ntr("Reminded {count} time", "Reminded {count} times", found.reminders)


def _trouble(found: DeliveryRow) -> Banner | None:
    words = trouble_words(found)
    if not words:
        return None
    banner = Banner()
    tone = "info" if found.change_to else "error" if found.state == "failed" else "warn"
    banner.say(tone, words, closable=False)  # type: ignore[arg-type]  # tones
    return banner


def _facts(found: DeliveryRow) -> list[tuple[str, str]]:
    return [
        (tr("Department"), found.department or NO_DATA),
        (tr("Channel"), channel_words(found)),
        (tr("Phone"), found.phone_masked or NO_DATA),
        (tr("E-mail"), found.email_masked or NO_DATA),
        (tr("Amount"), yuan(found.amount_minor)),
        (tr("Card"), found.serial or NO_DATA),
        (tr("Tries"), f"{found.attempts:,}"),
    ]
