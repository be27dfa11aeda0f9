"""A row of figures: a caption, a number, a colour for what the number means."""

from collections.abc import Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.views.theme import Tone, bold, font
from app.views.widgets.pieces import column, label

NUMBER_PX = 20
Tile = tuple[str, str, Tone]
"""(caption, number, tone)."""


class Tiles(QFrame):
    """Figures beside each other, in a card of their own or (`plain`) inside another one."""

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__()
        self._line = QHBoxLayout(self)
        self._line.setSpacing(24)
        if plain:
            self._line.setContentsMargins(0, 4, 0, 0)
        else:
            self.setProperty("role", "card")
            self._line.setContentsMargins(16, 12, 16, 12)
        self._pairs: list[tuple[QLabel, QLabel]] = []

    def show_tiles(self, tiles: Sequence[Tile]) -> None:
        if len(tiles) != len(self._pairs):
            self._make(len(tiles))
        for (caption, number), (title, shown, tone) in zip(self._pairs, tiles, strict=True):
            caption.setText(title)
            number.setText(shown)
            role = tone if tone in ("ok", "warn", "error") else ""
            if number.property("role") != role:
                number.setProperty("role", role)
                number.style().unpolish(number)
                number.style().polish(number)
        self._set_fonts()
        self.setAccessibleName(self.words())

    def words(self) -> str:
        """`Read 500, Can be sent 493`."""
        return ", ".join(f"{caption.text()} {number.text()}" for caption, number in self._pairs)

    def showEvent(self, event: QShowEvent) -> None:
        """The style sheet gives labels its own font when they first come to the screen; ours is given after it."""
        super().showEvent(event)
        self._set_fonts()

    def _set_fonts(self) -> None:
        for _, number in self._pairs:
            number.ensurePolished()
            number.setFont(font(NUMBER_PX, bold()))

    def _make(self, count: int) -> None:
        while (item := self._line.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self._pairs = []
        for _ in range(count):
            caption, number = label("", "label"), label("")
            holder = QWidget()
            holder.setLayout(column(caption, number, spacing=2))
            self._line.addWidget(holder, 1)
            self._pairs.append((caption, number))
