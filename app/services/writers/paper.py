"""Drawing on paper in millimetres: embedded fonts, text that always fits, tables that go over pages.

Text is drawn as text, never read as markup; nothing but the font file is opened while a page is made.
Loads reportlab, so it is imported inside the functions that write.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from app.services.writers.glyphs import STAND_IN, glyphs
from app.services.writers.qr import Picture
from app.words import tr

PAGE_WIDTH, PAGE_HEIGHT = A4[0] / mm, A4[1] / mm
MARGIN = 15.0
SAID_AT = 6.5
"""Height of the line that tells which signs could not be drawn."""
LEADING = 1.25
INK, SOFT, BLUE, LINE, PALE = "#1D2129", "#5F6B7A", "#1668DC", "#C9CED6", "#E8F1FE"

_CLOSING = "\uff0c\u3002\u3001\uff1b\uff1a\uff09\u300b\u300d\u201d,.;:)"
"""Signs no line begins with."""


@dataclass(frozen=True, slots=True)
class Ink:
    """How a text looks: size in points, colour, and the size it may shrink to before it is cut with an ellipsis."""

    size: float
    colour: str = INK
    smallest: float = 5.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a printed table: its title, its share of the width, and whether numbers stand to the right."""

    title: str
    share: float
    right: bool = False


class Sheet(Canvas):  # type: ignore[misc]  # reportlab has no types
    """A PDF whose coordinates are millimetres from the bottom left corner."""

    def __init__(
        self,
        path: Path,
        title: str,
        *,
        landscape: bool = False,
        size: tuple[float, float] | None = None,
        margin: float = MARGIN,
    ) -> None:
        """A4, standing or lying, unless it has a `size` of its own."""
        self._undrawn: dict[str, None] = {}
        self.wide: float
        self.tall: float
        self.wide, self.tall = size or ((PAGE_HEIGHT, PAGE_WIDTH) if landscape else (PAGE_WIDTH, PAGE_HEIGHT))
        page = self.wide * mm, self.tall * mm
        rl_config.useA85 = 0  # compressed pages as bytes: as text they are a quarter larger, and take long to write
        super().__init__(str(path), pagesize=page, pageCompression=1, initialFontName=glyphs().main)
        self._margin = margin
        self.setTitle(title)
        self.setAuthor("Kaxia")
        self.setCreator("Kaxia")

    def write(self, text: str, x: float, y: float, *, ink: Ink, width: float | None = None, align: str = "l") -> None:
        """One line at (x, y): the left end, the middle (`c`) or the right end (`r`) by `align`."""
        text = clean(text)
        size = ink.size
        if width is not None:
            text, size = fitted(text, ink, width * mm)
        self.setFillColorRGB(*_rgb(ink.colour))
        if glyphs().has_all(text):
            self.setFont(glyphs().main, size)
            draw = {"l": self.drawString, "c": self.drawCentredString, "r": self.drawRightString}[align]
            draw(x * mm, y * mm, text)
        else:
            self._write_in_pieces(text, x * mm, y * mm, size=size, align=align)

    def block(self, text: str, x: float, y: float, *, ink: Ink, width: float, align: str = "l") -> None:
        """One line at (x, y), or two around it where one would be too small to read."""
        points, small = width * mm, max(ink.smallest, ink.size * 0.72)
        if width_of(clean(text), small) <= points:
            self.write(text, x, y, ink=ink, width=width, align=align)
            return
        lines, size = packed([text], Ink(small, ink.colour, ink.smallest), points, most=2)
        step = size * 1.15 / mm
        tight = Ink(size, ink.colour, size)
        self.write(lines[0], x, y + step / 2, ink=tight, width=width, align=align)
        self.write(" ".join(lines[1:]), x, y - step / 2, ink=tight, width=width, align=align)

    def secret(self, texts: Sequence[str], x: float, top: float, *, ink: Ink, width: float, height: float) -> None:
        """Lines that fill a box downwards from `top`, as big as they can be there; never cut, each sign counts."""
        lines, size = packed(texts, Ink(ink.size, ink.colour, 0.5), width * mm, height=height * mm)
        for at, line in enumerate(lines):
            baseline = top - (at + 0.8) * size * LEADING / mm
            self.write(line, x, baseline, ink=Ink(size, ink.colour, size))

    def showPage(self) -> None:
        """Says at the foot which signs stand for others, on every page from the first of them."""
        if self._undrawn:
            names = ", ".join(f"U+{ord(sign):04X}" for sign in self._undrawn)
            words = tr(
                "{sign} stands for a sign that no font on this computer has: {names}", sign=STAND_IN, names=names
            )
            self.write(words, self._margin, SAID_AT, ink=Ink(7.5, SOFT), width=self.wide - 2 * self._margin)
        super().showPage()

    def _write_in_pieces(self, text: str, x: float, y: float, *, size: float, align: str) -> None:
        """A line that takes more than one font."""
        self._undrawn.update(dict.fromkeys(glyphs().missing(text)))
        wide = width_of(text, size)
        x -= {"l": 0.0, "c": wide / 2, "r": wide}[align]
        for font, piece in glyphs().runs(text):
            self.setFont(font, size)
            self.drawString(x, y, piece)
            x += self.stringWidth(piece, font, size)

    def rule(self, x1: float, y1: float, x2: float, y2: float, *, colour: str = LINE, points: float = 0.5) -> None:
        self.setStrokeColorRGB(*_rgb(colour))
        self.setLineWidth(points)
        self.line(x1 * mm, y1 * mm, x2 * mm, y2 * mm)

    def bitmap(self, picture: Picture, x: float, y: float, side: float) -> None:
        """A square as one inline 1-bit image; (x, y) is its bottom left."""
        box = f"{side * mm:.3f} 0 0 {side * mm:.3f} {x * mm:.3f} {y * mm:.3f} cm"
        size = f"/W {picture.count} /H {picture.count}"
        self._code.append(f"q {box} BI {size} /BPC 1 /CS /G /D [1 0] /F /AHx ID {picture.bits.hex()}> EI Q")


def clean(text: str) -> str:
    """Without control signs, which a font has no picture for."""
    return "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") else sign for sign in text).strip()


def width_of(text: str, size: float) -> float:
    """In points."""
    return glyphs().width(text, size)


def fitted(text: str, ink: Ink, points: float) -> tuple[str, float]:
    """A text and its size, so that it is no wider than `points`: first smaller, then cut."""
    wide = width_of(text, ink.size)
    if wide <= points:
        return text, ink.size
    size = max(ink.smallest, ink.size * points / wide)
    if width_of(text, size) <= points + 0.01:
        return text, size
    while text and width_of(text + "…", size) > points:
        text = text[:-1]
    return text + "…", size


def wrapped(text: str, size: float, points: float) -> Iterator[str]:
    """Lines no wider than `points`, broken at spaces where there are some, else anywhere, as Chinese may be."""
    for paragraph in text.split("\n"):
        rest = clean(paragraph)
        while rest:
            end = len(rest)
            while end > 1 and width_of(rest[:end], size) > points:
                end -= 1
            space = rest.rfind(" ", 0, end + 1)
            if end < len(rest) and space > end // 2:
                end = space
            while 1 < end < len(rest) and rest[end] in _CLOSING:
                end -= 1
            yield rest[:end].rstrip()
            rest = rest[end:].lstrip()


def packed(
    texts: Sequence[str], ink: Ink, points: float, *, most: int | None = None, height: float = 0.0
) -> tuple[list[str], float]:
    """Wrapped lines and the greatest size, down to the ink's smallest, at which they are no more than `most`, or no
    higher than `height` in points."""
    size = ink.size
    while True:
        lines = [line for text in texts for line in wrapped(text, size, points)]
        allowed = most or int(height / (size * LEADING))
        if len(lines) <= allowed or size <= ink.smallest:
            return lines, size
        size = max(ink.smallest, size * 0.94)


def pages_of(rows: int, per_page: int) -> int:
    """Even an empty list is one page."""
    return max(1, -(-rows // per_page))


@cache
def _rgb(colour: str) -> tuple[float, float, float]:
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


class Table:
    """A table over as many pages as it needs; title and header row stand on each, and the page's number."""

    HEAD, FOOT, ROW = 36.0, 24.0, 8.0
    """Millimetres kept free above and below the rows, and the height of one."""

    def __init__(self, sheet: Sheet, columns: Sequence[Column], *, title: str, under: str, note: str = "") -> None:
        self._sheet = sheet
        self._columns = columns
        self._title, self._under, self._note = title, under, note
        self._inside = sheet.wide - 2 * MARGIN
        whole = sum(column.share for column in columns)
        self._widths = [self._inside * column.share / whole for column in columns]

    @property
    def per_page(self) -> int:
        return int((self._sheet.tall - self.HEAD - self.FOOT) / self.ROW) - 1

    def draw(self, rows: Sequence[Sequence[str]], *, totals: Sequence[Sequence[str]] = ()) -> None:
        """All rows, then the totals, which stand out."""
        every = [*rows, *totals]
        pages = pages_of(len(every), self.per_page)
        for page in range(pages):
            if page:
                self._sheet.showPage()
            self._frame(page + 1, pages)
            y = self._row([column.title for column in self._columns], self._sheet.tall - self.HEAD, Ink(8, SOFT))
            first = page * self.per_page
            last = min(first + self.per_page, len(every))
            self._shade(y - self.ROW * (max(first, len(rows)) - first), y - self.ROW * (last - first))
            for at in range(first, last):
                y = self._row(every[at], y, Ink(9, BLUE if at >= len(rows) else INK))

    def _frame(self, page: int, pages: int) -> None:
        """What stands on every page around the rows."""
        top = self._sheet.tall - 22.0
        self._sheet.write(self._title, MARGIN, top, ink=Ink(16, smallest=9), width=self._inside)
        self._sheet.write(self._under, MARGIN, top - 8, ink=Ink(9, SOFT), width=self._inside)
        self._sheet.rule(MARGIN, 18, MARGIN + self._inside, 18)
        self._sheet.write(self._note, MARGIN, 12.5, ink=Ink(7.5, SOFT), width=self._inside - 40)
        number = tr("Page {page} of {pages}", page=page, pages=pages)
        self._sheet.write(number, MARGIN + self._inside, 12.5, ink=Ink(7.5, SOFT), align="r")

    def _shade(self, top: float, bottom: float) -> None:
        """What lies under the totals of a page, before any of its lines: it would hide them."""
        if top > bottom:
            self._sheet.setFillColorRGB(*_rgb(PALE))
            self._sheet.rect(MARGIN * mm, bottom * mm, self._inside * mm, (top - bottom) * mm, stroke=0, fill=1)

    def _row(self, cells: Sequence[str], y: float, ink: Ink) -> float:
        """One row whose top is at `y`; the top of the next."""
        x = MARGIN
        for cell, column, width in zip(cells, self._columns, self._widths, strict=True):
            at = x + width - 1.5 if column.right else x + 1.5
            self._sheet.block(
                cell,
                at,
                y - self.ROW + 2.6,
                ink=Ink(ink.size, ink.colour, 5.5),
                width=width - 3,
                align="r" if column.right else "l",
            )
            x += width
        self._sheet.rule(MARGIN, y - self.ROW, MARGIN + self._inside, y - self.ROW)
        return y - self.ROW
