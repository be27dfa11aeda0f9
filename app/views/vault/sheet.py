"""The quiet sheet in the middle of an empty window: unlock and first run stand on it."""

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.views.theme import icon_pixmap, theme
from app.views.widgets.banner import Banner
from app.views.widgets.pieces import Card, label, row
from app.words import tr

MARK = 32


class Sheet(QWidget):
    """A card of fixed width in the middle, with the mark of the house above its content.

    While it `is_busy`, a vault is on its way whose only hearer it is: it must stay.
    """

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.is_busy = False
        self.setProperty("role", "canvas")
        self.card = Card()
        self.card.setFixedWidth(width)
        self.card.body.setContentsMargins(32, 28, 32, 28)
        self.card.body.setSpacing(16)
        self._mark = QLabel()
        self._mark.setFixedSize(MARK, MARK)
        self.card.body.addLayout(row(self._mark, label(tr("Kaxia"), "page-title"), 0, spacing=12))
        self.banner = Banner(self)
        self.card.body.addWidget(self.banner)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addLayout(row(0, self.card, 0))  # aligned instead, it would get the height its words need at full width
        layout.addStretch(3)
        theme().changed.connect(self._paint_mark)
        self._paint_mark()

    def _paint_mark(self) -> None:
        ink = theme().tokens.primary
        self._mark.setPixmap(icon_pixmap("logo", ink, size=MARK, ratio=self.devicePixelRatioF()))
