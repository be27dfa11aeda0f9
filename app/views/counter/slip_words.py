"""What the band says about a slip that was scanned: genuine or not, whose, how much, and what the ledger has of it."""

from app.services.slips import SlipVerdict
from app.services.slips.rows import Booked, Said
from app.views.counter.verdicts import Shown
from app.vocabulary import BOOKED, SLIPS, word
from app.words import moment, tr, worth


def checked_shown(verdict: SlipVerdict) -> Shown:
    """Never green: that is for cards that can be redeemed."""
    if verdict.said is None or verdict.booked is None:
        return _refused(verdict)
    said, stands = verdict.said, verdict.booked
    amount = worth(abs(said.amount_minor) if said.amount_minor else None, abs(said.uses))
    lines = (_who(verdict), _what(said), _lost() if _is_lost(verdict) else _stands(said, stands))
    if stands.state in ("undone", "differs", "conflict") or _is_lost(verdict):
        return Shown("warn", "triangle-alert", _odd(stands), amount, lines)
    words = tr("Genuine receipt of an undone use") if said.kind == "reversed" else word(SLIPS, "genuine")
    return Shown("info", "shield-check", words, amount, lines, yes=True)


def _refused(verdict: SlipVerdict) -> Shown:
    nothing = tr("Nothing was redeemed.")
    if verdict.reason == "device-unknown":
        advice = tr("This computer has not heard of the counter it names. Sync, then scan it again.")
        return Shown("warn", "circle-help", word(SLIPS, verdict.reason), lines=(advice, nothing))
    if verdict.reason == "damaged":
        advice = tr("A part of the receipt is missing or was changed. Scan it again.")
        return Shown("error", "circle-x", word(SLIPS, verdict.reason), lines=(advice, nothing))
    if verdict.reason == "other-merchant":
        return Shown(
            "error",
            "store",
            word(SLIPS, verdict.reason),
            lines=(tr("This receipt is none of this merchant's."), nothing),
        )
    whose = tr("It names the counter {name} and was not signed there, or was changed since.", name=_name(verdict))
    return Shown("error", "circle-x", word(SLIPS, "changed"), lines=(whose, tr("Do not trust what is printed on it.")))


def _is_lost(verdict: SlipVerdict) -> bool:
    """Whether it waits at a counter whose word nobody takes any more."""
    return verdict.device_state == "revoked" and verdict.booked is not None and verdict.booked.state == "missing"


def _lost() -> str:
    return tr("Not in this ledger, and that counter was revoked: it uploads nothing more. Ask the manager.")


def _odd(stands: Booked) -> str:
    if stands.state == "undone":
        return tr("Genuine, undone since")
    if stands.state == "missing":
        return tr("Genuine, not booked")
    return tr("Genuine, in conflict") if stands.state == "conflict" else tr("Genuine, booked otherwise")


def _name(verdict: SlipVerdict) -> str:
    return verdict.counter or (tr("This computer") if verdict.own else verdict.device_id[-12:])


def _who(verdict: SlipVerdict) -> str:
    said = verdict.said
    assert said is not None, "asked of genuine ones"
    revoked = tr("revoked since") if verdict.device_state == "revoked" else ""
    here = tr("this computer") if verdict.own and verdict.counter else ""
    named = f"{_name(verdict)} ({revoked or here})" if revoked or here else _name(verdict)
    return " · ".join(part for part in (named, said.place, moment(said.at)) if part)


def _what(said: Said) -> str:
    return " · ".join(part for part in (tr("Receipt {number}", number=said.number), said.serial) if part)


def _stands(said: Said, stands: Booked) -> str:
    match stands.state:
        case "undone":
            return tr("In this ledger: undone {at}. The card has it back.", at=moment(stands.undone_at))
        case "conflict":
            return word(BOOKED, "conflict")
        case "differs":
            booked = worth(stands.amount_minor or None, stands.uses)
            return tr("This ledger has {amount} under the same number.", amount=booked)
        case "missing":
            alone = tr("Not in this ledger yet: that counter still has to upload it.")
            return alone if said.leased else tr("Not in this ledger yet. Sync, then scan it again.")
        case "waits":
            return tr("In this ledger, waits for upload. Nothing was redeemed.")
    return tr("In this ledger just so. Nothing was redeemed.")
