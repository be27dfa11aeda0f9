"""One figure on the dashboard: label, number, change against before, thirty days as a line, the formula behind "?"."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.views.theme import Tone, icon, theme
from app.views.widgets.pieces import column, label, row
from app.words import NO_DATA, tr

SPARK_HEIGHT = 28
POPOVER_WIDTH = 320
EDGE = 8


@dataclass(frozen=True, slots=True)
class Figure:
    """What a card shows. `change` is a share (0.124 = +12.4 %) against `against`.

    `exact` is the number in full for the tooltip when `number` is shortened.
    """

    title: str
    number: str
    formula: str
    change: float | None = None
    against: str = ""
    more_is_better: bool | None = True
    spark: Sequence[float] = ()
    exact: str = ""
    as_of: str = ""

    @property
    def tone(self) -> Tone:
        """Colour of the change; never the only sign of it."""
        if self.more_is_better is None or not self.change:
            return "neutral"
        return "ok" if (self.change > 0) == self.more_is_better else "error"

    @property
    def change_words(self) -> str:
        """`▲ 12.4 % vs last month`."""
        if self.change is None:
            return tr("{nothing} {against}", nothing=NO_DATA, against=self.against).strip()
        arrow = "\u25b2" if self.change > 0 else "\u25bc" if self.change < 0 else "="
        sign = "+" if self.change > 0 else "-" if self.change < 0 else ""
        share = f"{arrow} {sign}{abs(self.change) * 100:.1f}%"
        return tr("{share} {against}", share=share, against=self.against).strip()


class Spark(QWidget):
    """Thirty days without axes."""

    def __init__(self) -> None:
        super().__init__()
        self._values: Sequence[float] = ()
        self.setFixedHeight(SPARK_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_values(self, values: Sequence[float]) -> None:
        self._values = tuple(values)
        self.setVisible(len(self._values) > 1)
        self.update()

    def paintEvent(self, event: object) -> None:
        if len(self._values) < 2:
            return
        low, high = min(self._values), max(self._values)
        height, width = self.height() - 6, self.width() - 8
        step = width / (len(self._values) - 1)
        span = (high - low) or 1
        points = [
            QPointF(2 + at * step, 3 + height - (value - low) / span * height) for at, value in enumerate(self._values)
        ]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(theme().tokens.primary)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().tokens.fill("info")))
        floor = self.height()
        painter.drawPolygon(QPolygonF([QPointF(points[0].x(), floor), *points, QPointF(points[-1].x(), floor)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(colour)
        painter.drawEllipse(QRectF(points[-1].x() - 2, points[-1].y() - 2, 4, 4))
        painter.end()


class FormulaPopover(QFrame):
    """Goes away at the next click or Esc."""

    def __init__(self, figure: Figure, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "floating")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(POPOVER_WIDTH)
        words = label(figure.formula, "muted", wrap=True)
        parts = [label(figure.title, "card-title"), words]
        if figure.as_of:
            parts.append(label(figure.as_of, "note"))
        self.setLayout(column(*parts, spacing=8, margin=16))
        self.setAccessibleName(f"{figure.title}: {figure.formula}")

    def show_below(self, anchor: QWidget, *, inside: QWidget) -> None:
        """As high as its words need; to the left of the anchor's right edge, but not beyond the card it belongs to."""
        layout = self.layout()
        assert layout is not None, "laid out above"
        self.setFixedHeight(layout.totalHeightForWidth(POPOVER_WIDTH))
        right = anchor.mapToGlobal(QPoint(anchor.width(), 0)).x()
        window = inside.window()
        last = window.mapToGlobal(QPoint(window.width(), 0)).x() - POPOVER_WIDTH - EDGE
        x = min(max(right - POPOVER_WIDTH, inside.mapToGlobal(QPoint(0, 0)).x()), last)
        self.move(x, anchor.mapToGlobal(QPoint(0, anchor.height() + 4)).y())
        self.show()


class KpiCard(QFrame):
    """The whole card opens the list it counts: by click, Enter or Space. `?` shows the formula."""

    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setProperty("clickable", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumWidth(168)
        self.figure = Figure("", NO_DATA, "")
        self._title = label("", "label")
        self.number = label(NO_DATA, "kpi")
        self.change, self.against = label("", "note"), label("", "note")
        self.against.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._spark = Spark()
        self.help_button = QToolButton()
        self.help_button.setIcon(icon("circle-help", "hint"))
        self.help_button.setIconSize(QSize(16, 16))
        self.help_button.setFixedSize(28, 28)
        self.help_button.clicked.connect(self.show_formula)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 8, 12)
        layout.setSpacing(2)
        layout.addLayout(row(self._title, 0, self.help_button, spacing=4))
        layout.addWidget(self.number)
        words = row(self.change, self.against, spacing=6)
        words.setStretch(1, 1)
        layout.addLayout(words)
        layout.addSpacing(6)
        layout.addWidget(self._spark)
        layout.addStretch(1)
        self._spark.hide()
        theme().changed.connect(self._ink_change)

    def show_figure(self, figure: Figure) -> None:
        self.figure = figure
        self._title.setText(figure.title)
        self.number.setText(figure.number)
        self.number.setToolTip(figure.exact)
        self.say_change(figure.change_words, tip=figure.as_of)
        self._spark.show_values(figure.spark)
        self.help_button.setAccessibleName(tr("How {figure} is counted", figure=figure.title))
        self.help_button.setToolTip(tr("How {figure} is counted", figure=figure.title))
        self.setAccessibleName(f"{figure.title} {figure.exact or figure.number} {figure.change_words}")
        self._ink_change()

    def say_change(self, change: str, *, against: str = "", tip: str = "") -> None:
        """The words below the number: the change in its colour, then what it is measured against."""
        self.change.setText(change)
        self.against.setText(against)
        for words in (self.change, self.against):
            words.setToolTip(tip)

    def show_formula(self) -> None:
        FormulaPopover(self.figure, self).show_below(self.help_button, inside=self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Question:
            self.show_formula()
        else:
            super().keyPressEvent(event)

    def _ink_change(self) -> None:
        self.change.setStyleSheet(f"color: {theme().tokens.ink(self.figure.tone)}")
