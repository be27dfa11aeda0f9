"""Leaving an endpoint that is gone for ever: what may be lost, and its name typed by hand."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.errors import OldEndpointSilent
from app.views.widgets.dialog import ConfirmDialog
from app.views.widgets.pieces import label
from app.words import moment, tr


def ask_to_leave(parent: QWidget, silent: OldEndpointSilent, *, then: Callable[[], object]) -> ConfirmDialog:
    """Open the question and go on with `then` once the host was typed."""
    dialog = ConfirmDialog(
        parent,
        tr("Leave {host} without a last sync?", host=silent.host),
        consequence=tr(
            "Only if it is gone for ever. Last sync: {moment}. What can be lost:", moment=moment(silent.since)
        ),
        verb=tr("Leave it behind"),
        typed=silent.host,
    )
    for at, words in enumerate(_losses(), 1):
        dialog.body.insertWidget(at, label(f"{at}. {words}", "", wrap=True))
    dialog.accepted.connect(lambda: then())
    dialog.open()
    return dialog


def _losses() -> tuple[str, ...]:
    return (
        tr("Redemptions it accepted after that are not known here. Those cards can be redeemed once more."),
        tr("Links that lead to its address die. Send them again after the move."),
        tr("Should it ever answer again, the same card can be redeemed at both. See that it stays off."),
        tr("Everything this vault knows goes to the new endpoint. That you left is kept in the audit log."),
    )
