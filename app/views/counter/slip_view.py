"""A slip on white paper: drawn on the screen as on a printer, from the same layout the PDF is made of."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.services.slips import Layout
from app.views.theme import paper_font

PX_PER_MM = 4.0
FINE = 40
"""Steps of a millimetre that fonts and lines are set in, so that neither screen nor printer rounds them."""
MM_PER_POINT = 25.4 / 72


def draw_slip(painter: QPainter, layout: Layout, *, per_mm: float) -> None:
    """From the painter's origin, `per_mm` of its units for a millimetre."""
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.scale(per_mm / FINE, per_mm / FINE)
    painter.setPen(Qt.GlobalColor.black)
    for words in layout.words:
        painter.setFont(paper_font(round(words.size * MM_PER_POINT * FINE)))
        wide = QFontMetricsF(painter.font()).horizontalAdvance(words.text)
        before = {"l": 0.0, "c": wide / 2, "r": wide}[words.align]
        painter.drawText(QPointF(words.x * FINE - before, words.y * FINE), words.text)
    for y in layout.rules:
        painter.fillRect(QRectF(4 * FINE, (y - 0.1) * FINE, (layout.wide - 8) * FINE, 0.2 * FINE), Qt.GlobalColor.black)
    painter.restore()
    _draw_code(painter, layout, per_mm)


def _draw_code(painter: QPainter, layout: Layout, per_mm: float) -> None:
    """Square by square on whole dots: a grey edge is what scanners stumble over."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    left, top = (part * per_mm for part in layout.code_at)
    count, bits = layout.code.count, layout.code.bits
    cell, stride = layout.code_side * per_mm / count, -(-count // 8)
    edges = [round(at * cell) for at in range(count + 1)]
    for at in range(count * count):
        y, x = divmod(at, count)
        if bits[y * stride + x // 8] >> (7 - x % 8) & 1:
            square = QRectF(
                round(left) + edges[x], round(top) + edges[y], edges[x + 1] - edges[x], edges[y + 1] - edges[y]
            )
            painter.fillRect(square, Qt.GlobalColor.black)
    painter.restore()


class SlipView(QWidget):
    """White whatever the theme, as wide as its paper on the screen."""

    def __init__(self, layout: Layout, name: str) -> None:
        super().__init__()
        self._layout = layout
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(self.sizeHint())
        self.setAccessibleName(name)
        self.setAccessibleDescription("\n".join(words.text for words in layout.words))

    def sizeHint(self) -> QSize:
        return QSize(round(self._layout.wide * PX_PER_MM), round(self._layout.tall * PX_PER_MM))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        draw_slip(painter, self._layout, per_mm=PX_PER_MM)
        painter.end()
