"""The icons: one set of 1.5 px line drawings, inked anew for every theme, size and state."""

from functools import cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.config import RESOURCES
from app.views.theme.tokens import Tokens

FOLDER = RESOURCES / "icons"
BESIDE_WORDS, AFTER_WORDS = QSize(20, 18), QSize(18, 14)
"""Ask for an icon of these sizes on a button with words: Qt alone would set it too close to them, and too high."""


@cache
def _source(name: str) -> bytes:
    return (FOLDER / f"{name}.svg").read_bytes()


def paint_icon(painter: QPainter, name: str, area: QRect | QRectF, *, colour: str) -> None:
    """Draw an icon of the set into `area` in one colour."""
    drawing = QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", colour.encode())))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawing.render(painter, QRectF(area))


@cache
def icon_pixmap(name: str, colour: str, *, size: int = 20, ratio: float = 1.0) -> QPixmap:
    """An icon as a picture: `size` is its logical edge in px."""
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    paint_icon(painter, name, QRect(0, 0, pixmap.width(), pixmap.height()), colour=colour)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class _Ink(QIconEngine):
    """Asks for the colour when it paints, so a change of theme needs no new icons."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name, self._role = name, role

    def _colour(self, mode: QIcon.Mode) -> str:
        tokens = _inked_for["tokens"]
        if mode == QIcon.Mode.Disabled:
            return tokens.strong
        return str(getattr(tokens, self._role))

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint_icon(painter, self._name, rect, colour=self._colour(mode))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        """A square drawing of a logical `size`, or the part of `BESIDE_WORDS` or `AFTER_WORDS` that lies off them."""
        colour = self._colour(mode)
        if size == BESIDE_WORDS:
            return _set_into(size, QPoint(0, 2), icon_pixmap(self._name, colour, size=16, ratio=scale))
        if size == AFTER_WORDS:
            return _set_into(size, QPoint(4, 0), icon_pixmap(self._name, colour, size=14, ratio=scale))
        return icon_pixmap(self._name, colour, size=min(size.width(), size.height()), ratio=scale)


def _set_into(size: QSize, place: QPoint, drawing: QPixmap) -> QPixmap:
    """The drawing at a place of an otherwise empty picture."""
    ratio = drawing.devicePixelRatio()
    made = QPixmap((size.toSizeF() * ratio).toSize())
    made.fill(Qt.GlobalColor.transparent)
    made.setDevicePixelRatio(ratio)
    painter = QPainter(made)
    painter.drawPixmap(place, drawing)
    painter.end()
    return made


_inked_for: dict[str, Tokens] = {}


def ink_icons_for(tokens: Tokens) -> None:
    _inked_for["tokens"] = tokens


@cache
def icon(name: str, role: str = "text_2") -> QIcon:
    """`name` is a file of resources/icons, `role` a colour of Tokens. It follows the theme by itself."""
    _source(name)  # a name that does not exist is found here, not while painting
    return QIcon(_Ink(name, role))
