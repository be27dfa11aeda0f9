"""The filters of a list as chips that are taken away one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.views.theme import AFTER_WORDS, icon
from app.views.widgets.flow import Flow
from app.views.widgets.pieces import button
from app.words import day, tr


@dataclass(frozen=True, slots=True)
class Chip:
    """`title` is what is filtered, `value` to what: `State: unclaimed`."""

    key: str
    title: str
    value: str


def period_words(begin: datetime | None, end: datetime | None) -> str:
    """Whole days, the last one included, though `end` is the first moment after them; one day alone by itself."""
    first, last = day(begin), day(end - timedelta(seconds=1) if end else None)
    return first if first == last else tr("{first} to {last}", first=first, last=last)


class ChipBar(QWidget):
    """Hidden while nothing is filtered. `removed` names the filter; `cleared` stands for all of them."""

    removed = Signal(str)
    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[str, QPushButton] = {}
        self._all = button(tr("Clear all"), self.cleared.emit, kind="text", compact=True)
        self._line = Flow(self._all)
        self.setLayout(self._line)
        self.hide()

    def show_chips(self, chips: Sequence[Chip]) -> None:
        for old in self._buttons.values():
            old.hide()
            old.deleteLater()
        self._buttons = {chip.key: self._made(chip) for chip in chips}
        for place, made in enumerate(self._buttons.values()):
            self._line.insert_widget(place, made)
        self._all.setVisible(len(chips) > 1)
        self.setVisible(bool(chips))

    def keys(self) -> list[str]:
        return list(self._buttons)

    def remove(self, key: str) -> None:
        """What a click on the chip does."""
        self._buttons[key].click()

    def _made(self, chip: Chip) -> QPushButton:
        words = tr("{title}: {value}", title=chip.title, value=chip.value)
        made = button(words, lambda: self.removed.emit(chip.key), kind="chip")
        made.setIcon(icon("x"))
        made.setIconSize(AFTER_WORDS)
        made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        made.setToolTip(tr("Take this filter away"))
        made.setAccessibleName(tr("Take away the filter {words}", words=words))
        return made
