"""Which entries of a ledger stand here and not at the endpoint, or there and not here."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from app.services.cloud import EntryDifference
from app.views.theme import code_font
from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.list_page import ListPage
from app.views.widgets.pieces import label
from app.vocabulary import HAPPENED, word
from app.words import NO_DATA, ntr, tr, yuan

MOST = 200
"""Rows that are shown; who has more of them needs the list of the command line."""
TALLEST = 320
LISTED = "kaxia endpoint differences"


def show_differences(
    page: ListPage, explain: Callable[[str], Sequence[EntryDifference]], serials: Sequence[str]
) -> None:
    """Ask the endpoint which entries of these batches differ, and show them."""

    def ask() -> list[EntryDifference]:
        return [one for serial in serials for one in explain(serial)]

    def show(found: list[EntryDifference]) -> None:
        DifferencesDialog(page, found).open()

    page.jobs.start(ask, on_done=show, on_refused=page.banner.show_error, owner=page)


class DifferencesDialog(Dialog):
    """Looking changes nothing; there is one button, to close it."""

    def __init__(self, parent: QWidget, found: Sequence[EntryDifference]) -> None:
        super().__init__(parent, tr("Where the ledgers differ"), width=WIDE)
        self.body.addWidget(label(_advice(found), "muted", wrap=True))
        if found:
            self.body.addWidget(_scrolled(_table(found[:MOST])))
        if (more := len(found) - MOST) > 0:
            listed = ntr(
                "{count} more is in the list of {command}",
                "{count} more are in the list of {command}",
                more,
                command=LISTED,
            )
            self.body.addWidget(label(listed, "note"))
        self.add_verb(tr("Close")).setFocus()


def _advice(found: Sequence[EntryDifference]) -> str:
    if not found:
        return tr("The ledgers agree by now. Sync once more, and the notice goes.")
    return ntr(
        "{count} entry. Nothing is written over by itself: who runs the endpoint compares it with its backup.",
        "{count} entries. Nothing is written over by itself: who runs the endpoint compares them with its backup.",
        len(found),
    )


def _table(found: Sequence[EntryDifference]) -> QWidget:
    place, grid = QWidget(), QGridLayout()
    place.setProperty("role", "scrolled")
    place.setLayout(grid)
    grid.setContentsMargins(0, 0, 8, 0)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(8)
    middle = Qt.AlignmentFlag.AlignVCenter
    left, right = Qt.AlignmentFlag.AlignLeft | middle, Qt.AlignmentFlag.AlignRight | middle
    for at, words in enumerate((tr("Card"), tr("What"), tr("Here"), tr("At the endpoint"))):
        grid.addWidget(label(words, "note"), 0, at, right if at > 1 else left)
    for line, one in enumerate(found, 1):
        serial = label(one.serial)
        serial.setFont(code_font())
        grid.addWidget(serial, line, 0)
        grid.addWidget(label(word(HAPPENED, one.kind), "label"), line, 1)
        for at, amount in enumerate((taken(one.here_minor, one.here_uses), taken(one.there_minor, one.there_uses)), 2):
            grid.addWidget(label(amount, "label"), line, at, right)
    grid.setColumnStretch(1, 1)
    for at in (2, 3):
        grid.setColumnMinimumWidth(at, 96)
    return place


def taken(minor: int | None, uses: int | None) -> str:
    """What an entry took; nothing where it does not stand."""
    if minor is None:
        return NO_DATA
    return yuan(minor) if minor else ntr("{count} use", "{count} uses", uses or 0)


def _scrolled(inside: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setMaximumHeight(min(TALLEST, inside.sizeHint().height() + 8))
    return area
