"""What the band says: every verdict has a colour, a word and an icon of its own, and a sentence on what to do."""

from dataclasses import dataclass

from app.errors import (
    AppError,
    CodeMistyped,
    EndpointRefused,
    EndpointUnreachable,
    NotFound,
    RedemptionRefused,
    RedemptionUncertain,
)
from app.messages import reason_sentence, sentence
from app.services.cloud.rows import PAIR_AGAIN
from app.services.leases import Standing
from app.services.redemptions import RedemptionResult, Verdict
from app.services.slips import receipt_number
from app.views.counter.lease_words import offline_words
from app.views.theme import Tone
from app.words import day, moment, ntr, tr, yuan

MENDED_BY_SYNC = PAIR_AGAIN | {"recovering", "restore-detected", "upgrade-required"}
"""Why an endpoint takes nothing at all from this computer, whatever the card."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One band. `amount` is big; `lines` stand below it; `yes` decides the sound."""

    tone: Tone
    symbol: str
    word: str
    amount: str = ""
    lines: tuple[str, ...] = ()
    yes: bool = False

    @property
    def spoken(self) -> str:
        """What a screen reader says."""
        return ", ".join(part for part in (self.word, self.amount, *self.lines) if part)


def idle() -> Shown:
    return Shown(
        "neutral", "scan-line", tr("Waiting for a card"), lines=(tr("Scan a card, or type its code and press Enter"),)
    )


def looking() -> Shown:
    return Shown("neutral", "search", tr("Looking it up"))


def verdict_shown(verdict: Verdict, stand: Standing) -> Shown:
    """How a card stands that was found."""
    if verdict.reason is None:
        held = (tr("Leased to this computer · can be redeemed offline"),) if verdict.leased else ()
        return Shown("ok", "circle-check", tr("Usable"), worth(verdict), (*_facts(verdict), *held), yes=True)
    tone, symbol, word, advice = _refusal(verdict.reason)
    if verdict.reason == "no-lease":
        advice = offline_words(stand)
    if verdict.reason == "shift-limit" and stand.pin:
        advice = tr("So much may wait for upload. Enter goes on with a manager's PIN; or connect and sync.")
    if verdict.offline:
        amount = worth(verdict) if verdict.reason == "no-lease" else ""
        return Shown(tone, symbol, word, amount, (*_why(verdict, advice), *_facts(verdict, short=True), _as_known()))
    return Shown(tone, symbol, word, "", (*_why(verdict, advice), *_facts(verdict, short=True)))


def error_shown(error: AppError) -> Shown:
    """How a look or a redemption failed."""
    match error:
        case NotFound():
            advice = tr("This code is not known. Compare it sign by sign, or scan again.")
            return Shown("error", "circle-help", tr("Unknown"), lines=(advice,))
        case CodeMistyped():
            advice = tr("The check signs do not agree: one is mistyped. Compare it sign by sign, or scan again.")
            return Shown("error", "circle-help", tr("Mistyped"), lines=(advice,))
        case EndpointUnreachable():
            unknown = tr("This machine does not know this card, and cannot ask. Nothing was redeemed.")
            return Shown("warn", "circle-help", tr("Offline, unknown"), lines=(unknown,))
        case RedemptionUncertain():
            return Shown("warn", "circle-help", tr("Answer lost"), lines=(sentence(error),))
        case EndpointRefused(reason=reason) if reason in MENDED_BY_SYNC:
            symbol = "archive-restore" if reason == "recovering" else "circle-x"
            return Shown("warn", symbol, tr("Not now"), lines=(refused_words(error), tr("Nothing was redeemed.")))
        case RedemptionRefused(reason=reason):
            tone, symbol, word, advice = _refusal(reason)
            return Shown(tone, symbol, word, lines=(advice or sentence(error),))
    return Shown("error", "circle-x", tr("Not possible"), lines=(sentence(error),))


def redeemed_shown(result: RedemptionResult, *, place: str) -> Shown:
    what = yuan(result.redeemed_minor) if result.redeemed_minor else _uses(result.redeemed_uses)
    left = ""
    if result.remaining_minor:
        left = tr("{amount} left on the card", amount=yuan(result.remaining_minor))
    elif result.remaining_uses:
        left = ntr("{count} use left", "{count} uses left", result.remaining_uses)
    receipt = tr("Receipt {number}", number=receipt_number(result.redemption_id))
    unsent = tr("Waits for upload") if result.own_word else ""
    where = " · ".join(part for part in (moment(result.at), place) if part)
    lines = (" · ".join(filter(None, (receipt, unsent, left))), where)
    return Shown("info", "check", tr("Redeemed"), what, lines, yes=True)


def reversed_shown(result: RedemptionResult) -> Shown:
    what = yuan(result.redeemed_minor) if result.redeemed_minor else _uses(result.redeemed_uses)
    unsent = tr("Waits for upload") if result.own_word else ""
    lines = (tr("The card has it back."), " · ".join(filter(None, (result.serial, unsent))))
    return Shown("info", "undo-2", tr("Undone"), what.lstrip("-"), lines, yes=True)


def _as_known() -> str:
    return tr("As of the last sync; it may have been used since. Nothing was redeemed.")


def worth(verdict: Verdict) -> str:
    """`¥200.00` or `3 uses`: what Enter takes or what is there."""
    if verdict.face_minor is not None or not verdict.remaining_uses:
        return yuan(verdict.remaining_minor)
    return _uses(verdict.remaining_uses)


def refused_words(error: EndpointRefused) -> str:
    """Why an endpoint takes nothing at the moment."""
    if error.reason == "recovering":
        return tr("The endpoint was put back from a backup and first hears what it missed. Sync the other computers.")
    return sentence(error)


def redeem_words(verdict: Verdict, *, part: bool) -> str:
    """Of the button that redeems; `part`: how much stands beside it."""
    enter = "Enter"  # what stands on the keyboard; Qt would say Return
    if part:
        return tr("Redeem ({key})", key=enter)
    whole = worth(verdict) if verdict.remaining_minor is not None else tr("1 use")
    return tr("Redeem {amount} ({key})", amount=whole, key=enter)


def _uses(count: int) -> str:
    return ntr("{count} use", "{count} uses", count)


def _refusal(reason: str) -> tuple[Tone, str, str, str]:
    """Tone, icon, word and advice for a reason of the protocol."""
    known: dict[str, tuple[Tone, str, str, str]] = {
        "card-spent": ("error", "circle-x", tr("Used up"), ""),
        "card-frozen": ("warn", "lock", tr("Frozen"), tr("Do not hand anything over. Ask the issuer to thaw it.")),
        "batch-frozen": ("warn", "lock", tr("Frozen"), tr("Do not hand anything over. Ask the issuer to thaw it.")),
        "card-expired": ("error", "clock", tr("Expired"), ""),
        "card-not-yet": ("warn", "clock", tr("Not valid yet"), tr("This card cannot be used before its first day.")),
        "card-voided": ("error", "ban", tr("Voided"), tr("This card was taken out of use for ever.")),
        "not-sealed": ("warn", "cloud-off", tr("Not uploaded"), tr("The endpoint does not have this batch. Sync it.")),
        "no-lease": ("warn", "wifi-off", tr("Offline"), tr("This card can be redeemed with a line only.")),
        "shift-limit": (
            "warn",
            "upload",
            tr("Limit reached"),
            tr("So much may wait for upload and no more. Connect and sync, then go on."),
        ),
        "lease-over": ("warn", "history", tr("Lease ended"), tr("Give the lease back, then scan the card again.")),
        "clock-skew": (
            "warn",
            "clock",
            tr("Clock is wrong"),
            tr("Set the date and time of this computer, then scan the card again."),
        ),
        "card-leased": (
            "warn",
            "monitor",
            tr("Leased elsewhere"),
            tr("Another computer, or this one before it was restored, decides about this card. Redeem it there."),
        ),
        "supplier-redeems": ("warn", "store", tr("Supplier's code"), tr("The supplier redeems this code, not you.")),
        "insufficient-balance": ("warn", "wallet", tr("Not enough on it"), tr("Type a smaller amount.")),
        "no-partial": ("warn", "ticket", tr("Only as a whole"), tr("This card is redeemed as a whole, not in parts.")),
    }
    return known.get(reason, ("error", "circle-x", tr("Not possible"), ""))


def _why(verdict: Verdict, advice: str) -> tuple[str, ...]:
    """The sentence of a refusal: a used card says when and where."""
    if verdict.reason == "card-spent":
        when = tr("Last used {at}", at=moment(verdict.last_at)) if verdict.last_at else tr("Nothing is left on it.")
        return (" · ".join(part for part in (when, verdict.last_place) if part),)
    if verdict.reason == "card-expired":
        return (tr("It was valid until {day}", day=day(verdict.valid_until)),)
    return (advice or reason_sentence(verdict.reason or ""),)


def _facts(verdict: Verdict, *, short: bool = False) -> tuple[str, ...]:
    """Product, holder and serial; a usable card also says what was on it and how long it is good."""
    first = " · ".join(part for part in (verdict.product, verdict.holder, verdict.serial) if part)
    if short:
        return (first,) if first else ()
    parts = []
    if verdict.face_minor and verdict.remaining_minor is not None and verdict.remaining_minor != verdict.face_minor:
        parts.append(tr("Face value {amount}", amount=yuan(verdict.face_minor)))
    if verdict.valid_until is not None:
        parts.append(tr("Valid until {day}", day=day(verdict.valid_until)))
    if verdict.last_at is not None:
        parts.append(tr("Last used {at}", at=moment(verdict.last_at)))
    return tuple(line for line in (first, " · ".join(parts)) if line)
