"""Drawing on A4 in millimetres: the embedded Chinese font, text that always fits, tables that go over pages.

Text is drawn as text, never read as markup; nothing but the font file is opened while a page is made.
Loads reportlab, so it is imported inside the functions that write.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from app.config import RESOURCES
from app.words import tr

FONT = "NotoSansSC"
PAGE_WIDTH, PAGE_HEIGHT = A4[0] / mm, A4[1] / mm
MARGIN = 15.0
INK, SOFT, BLUE, LINE, PALE = "#1D2129", "#5F6B7A", "#1668DC", "#C9CED6", "#E8F1FE"


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

    def __init__(self, path: Path, title: str) -> None:
        if FONT not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(FONT, str(RESOURCES / "fonts" / "NotoSansSC-Regular.ttf")))
        super().__init__(str(path), pagesize=A4, pageCompression=1, initialFontName=FONT)
        self.setTitle(title)
        self.setAuthor("Kaxia")
        self.setCreator("Kaxia")

    def write(self, text: str, x: float, y: float, *, ink: Ink, width: float | None = None, align: str = "l") -> None:
        """One line at (x, y): the left end, the middle (`c`) or the right end (`r`) by `align`."""
        text = clean(text)
        size = ink.size
        if width is not None:
            text, size = fitted(text, ink, width * mm)
        self.setFillColor(ink.colour)
        self.setFont(FONT, size)
        draw = {"l": self.drawString, "c": self.drawCentredString, "r": self.drawRightString}[align]
        draw(x * mm, y * mm, text)

    def rule(self, x1: float, y1: float, x2: float, y2: float, *, colour: str = LINE, points: float = 0.5) -> None:
        self.setStrokeColor(colour)
        self.setLineWidth(points)
        self.line(x1 * mm, y1 * mm, x2 * mm, y2 * mm)

    def bitmap(self, rows: Sequence[Sequence[int]], x: float, y: float, side: float) -> None:
        """A square of black and white cells as one inline 1-bit image; (x, y) is its bottom left corner."""
        count = len(rows)
        padding = [0] * (-count % 8)
        bits = "".join(
            f"{_byte(line[at : at + 8]):02x}"
            for row in rows
            for line in [[*row, *padding]]
            for at in range(0, len(line), 8)
        )
        box = f"{side * mm:.3f} 0 0 {side * mm:.3f} {x * mm:.3f} {y * mm:.3f} cm"
        head = f"BI /W {count} /H {count} /BPC 1 /CS /G /D [1 0] /F /AHx ID"
        self._code.append(f"q {box} {head} {bits}> EI Q")


def clean(text: str) -> str:
    """Without control signs, which a font has no picture for."""
    return "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") else sign for sign in text).strip()


def width_of(text: str, size: float) -> float:
    """In points."""
    return float(pdfmetrics.stringWidth(text, FONT, size))


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
            while 1 < end < len(rest) and rest[end] in "，。、；：）》」,.;:)":
                end -= 1  # no line begins with a closing sign
            yield rest[:end].rstrip()
            rest = rest[end:].lstrip()


def pages_of(rows: int, per_page: int) -> int:
    """Even an empty list is one page."""
    return max(1, -(-rows // per_page))


class Table:
    """A table over as many pages as it needs; title and header row stand on each, and the page's number."""

    TOP = PAGE_HEIGHT - 44.0
    ROW = 8.0
    BOTTOM = 24.0

    def __init__(self, sheet: Sheet, columns: Sequence[Column], *, title: str, under: str, note: str = "") -> None:
        self._sheet = sheet
        self._columns = columns
        self._title, self._under, self._note = title, under, note
        whole = sum(column.share for column in columns)
        self._widths = [(PAGE_WIDTH - 2 * MARGIN) * column.share / whole for column in columns]

    @property
    def per_page(self) -> int:
        return int((self.TOP - self.BOTTOM) / self.ROW) - 1

    def draw(self, rows: Sequence[Sequence[str]], *, pages: int | None = None) -> float:
        """All rows; the height of the line below the last one. The last page stays open for more."""
        pages = pages or pages_of(len(rows), self.per_page)
        y = self.TOP
        for page in range(pages_of(len(rows), self.per_page)):
            if page:
                self._sheet.showPage()
            self.frame(page + 1, pages)
            y = self._row([column.title for column in self._columns], self.TOP, Ink(8, SOFT))
            for row in rows[page * self.per_page : (page + 1) * self.per_page]:
                y = self._row(row, y, Ink(9))
        return y

    def frame(self, page: int, pages: int) -> None:
        """What stands on every page around the rows."""
        top = PAGE_HEIGHT - 24.0
        self._sheet.write(self._title, MARGIN, top, ink=Ink(16, smallest=9), width=PAGE_WIDTH - 2 * MARGIN)
        self._sheet.write(self._under, MARGIN, top - 8, ink=Ink(9, SOFT), width=PAGE_WIDTH - 2 * MARGIN)
        self._sheet.rule(MARGIN, 18, PAGE_WIDTH - MARGIN, 18)
        self._sheet.write(self._note, MARGIN, 13, ink=Ink(7.5, SOFT), width=PAGE_WIDTH - 2 * MARGIN - 40)
        number = tr("Page {page} of {pages}", page=page, pages=pages)
        self._sheet.write(number, PAGE_WIDTH - MARGIN, 13, ink=Ink(7.5, SOFT), align="r")

    def _row(self, cells: Sequence[str], y: float, ink: Ink) -> float:
        """One row whose top is at `y`; the top of the next."""
        x = MARGIN
        for cell, column, width in zip(cells, self._columns, self._widths, strict=True):
            at = x + width - 1.5 if column.right else x + 1.5
            self._sheet.write(
                cell,
                at,
                y - self.ROW + 2.6,
                ink=Ink(ink.size, ink.colour, 5.5),
                width=width - 3,
                align="r" if column.right else "l",
            )
            x += width
        self._sheet.rule(MARGIN, y - self.ROW, PAGE_WIDTH - MARGIN, y - self.ROW)
        return y - self.ROW


def _byte(bits: Sequence[int]) -> int:
    value = 0
    for bit in bits:
        value = value << 1 | bit
    return value
