"""What is wrong with the words of a mail: one chip for each, red where it stops the mail."""

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.services.channels.letters import Flaw, called
from app.views.theme import icon_pixmap, set_kind, theme
from app.views.widgets.pieces import label, row
from app.vocabulary import LETTER_FLAWS, word
from app.words import ntr, tr

MOST = 4
ICON = 16


class FlawBar(QWidget):
    """Hidden while nothing is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.flaws: tuple[Flaw, ...] = ()
        theme().changed.connect(self._make)
        self.hide()

    @property
    def words(self) -> list[str]:
        """As they stand on the chips."""
        return [flaw_words(flaw) for flaw in self.flaws]

    def show_flaws(self, found: Sequence[Flaw]) -> None:
        if tuple(found) != self.flaws:
            self.flaws = tuple(found)
            self._make()
        self.setVisible(bool(found))

    def _make(self) -> None:
        while (item := self._column.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for flaw in self.flaws[:MOST]:
            self._column.addWidget(_chip(flaw))
        rest = len(self.flaws) - MOST
        if rest > 0:
            self._column.addWidget(label(ntr("and {count} more", "and {count} more", rest), "note"))


def flaw_words(flaw: Flaw) -> str:
    """`{nme} There is no such field …`: what it is about, then what is wrong with it."""
    words = word(LETTER_FLAWS, flaw.kind)
    about = called(flaw.field) if flaw.field or flaw.kind == "unknown-field" else ""
    return tr("{about}: {words}", about=about, words=words) if about else words


def _chip(flaw: Flaw) -> QFrame:
    made = QFrame()
    made.setProperty("role", "flaw")
    set_kind(made, "error" if flaw.is_fatal else "warn")
    symbol = QLabel()
    symbol.setFixedSize(ICON, ICON + 2)
    ink = theme().tokens.error if flaw.is_fatal else theme().tokens.warn
    symbol.setPixmap(icon_pixmap("circle-alert" if flaw.is_fatal else "triangle-alert", ink, size=ICON - 2))
    words = flaw_words(flaw)
    line = row(symbol, label(words, wrap=True), spacing=8)
    line.setContentsMargins(8, 4, 8, 4)
    line.setStretch(1, 1)
    made.setLayout(line)
    made.setAccessibleName(words)
    return made
