"""Devices in words: what each role may do, how a device stands."""

from app.services.cloud import CloudStatus
from app.services.cloud.devices import DeviceRow
from app.views.widgets.state_mark import StateMark
from app.words import moment, tr


def role_word(role: str) -> str:
    known = {
        "owner": tr("Owner"),
        "manager": tr("Manager"),
        "distributor": tr("Distributor"),
        "clerk": tr("Clerk"),
        "auditor": tr("Auditor"),
    }
    return known.get(role, role)


def may_do(role: str) -> str:
    """One line for the choice."""
    known = {
        "owner": tr("Everything, and lets in other owners."),
        "manager": tr("Everything, but lets in and revokes only clerks, distributors and auditors."),
        "distributor": tr("Makes, gives and freezes cards, and redeems. Thaws no batch and voids none."),
        "clerk": tr("Redeems at the counter and undoes that. Makes and gives no cards."),
        "auditor": tr("Sees everything, changes nothing."),
    }
    return known.get(role, "")


def shown_name(row: DeviceRow) -> str:
    return tr("{name} (this device)", name=row.name) if row.is_this else row.name


def device_mark(row: DeviceRow) -> StateMark:
    return StateMark("ok", tr("In use")) if row.state == "active" else StateMark("neutral", tr("Revoked"), "ban")


def stopped(status: CloudStatus) -> str:
    """Why this device gets no answer any more; what helps is a new pairing."""
    if status.last_problem == "device-revoked":
        return tr(
            "This device was revoked: the endpoint takes nothing from it any more. What waits stays here. Ask an owner "
            "for a pairing code and pair again."
        )
    return tr(
        "The endpoint does not know this device any more. What waits stays here. Ask an owner for a pairing code and "
        "pair again."
    )


def twin(status: CloudStatus) -> str:
    return tr(
        "This vault lives twice since {moment}: a copy of it, or a restored backup, spoke to the endpoint as well. "
        "Nothing is lost, but both could give out the same card. Work with one only and close the other for good.",
        moment=moment(status.twin_since),
    )
