"""Cards to print: CR80 faces, eight to an A4 page, with crop marks and a ruler that shows the printer's scale."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.services.progress import Progress, unwatched
from app.services.writers import atomically
from app.services.writers.qr import picture
from app.words import tr

if TYPE_CHECKING:
    from app.services.writers.paper import Ink, Sheet

WIDTH, HEIGHT = 85.60, 53.98
"""CR80 (ISO/IEC 7810 ID-1), in millimetres."""
COLUMNS, ROWS, GAP = 2, 4, 4.0
PER_PAGE = COLUMNS * ROWS
SAFE = 5.0
MARK, AWAY = 5.0, 2.0
QR_SIDE, QR_BOTTOM = 21.0, 20.3
"""Without the quiet zone; that is the white around it, at least four modules wide."""
GROUP = 4
FOOT, CODE_TOP, UNDER_QR, AMOUNT_FOOT, PRODUCT_FOOT = 8.4, 15.6, 18.2, 23.5, 33.5
"""Heights above a card's lower edge: what stands on the serial, below the word "code", below the QR code's white,
below the amount, below the product."""
FIELD = 4.0
"""Height of one field of a supplier code at its usual size."""


MARKS = "marks"
"""Name of the form with everything that is the same on all pages."""


@dataclass(frozen=True, slots=True)
class CardFace:
    """What stands on one card, ready to be shown. Empty parts are left out.

    `amount` is `¥200.00`, `3 次` or empty; `code` is shown as it is, in groups when it has none; `qr` is the content
    of the QR code; `lines` are the named fields of a supplier code and stand in place of `code`.
    """

    product: str
    amount: str
    serial: str
    code: str
    valid: str
    holder: str
    qr: str | None
    lines: tuple[tuple[str, str], ...] = ()


def write_cards_pdf(
    path: Path,
    faces: Iterable[CardFace],
    *,
    merchant: str,
    total: int,
    title: str,
    watermark: str,
    progress: Progress = unwatched,
) -> None:
    """Cards in the order given, row by row. `watermark` stands on every page: who made the file, when, for what."""
    from app.services.writers.paper import Sheet, pages_of

    with atomically(path) as beside:
        sheet = Sheet(beside, title, margin=_grid()[0])
        maker = _CardMaker(sheet, merchant)
        pages = pages_of(total, PER_PAGE)
        done = 0
        for done, face in enumerate(faces, 1):
            place = (done - 1) % PER_PAGE
            if place == 0:
                if done > 1:
                    sheet.showPage()
                maker.frame(title, watermark, page=(done - 1) // PER_PAGE + 1, pages=pages)
            maker.draw(face, *corner(place))
            progress(done, total)
        if not done:
            maker.frame(title, watermark, page=1, pages=1)
        sheet.save()


def corner(place: int) -> tuple[float, float]:
    """Bottom left corner of a card's place on the page, in millimetres; place 0 is top left."""
    left, bottom = _grid()
    row, column = divmod(place, COLUMNS)
    return left + column * (WIDTH + GAP), bottom + (ROWS - 1 - row) * (HEIGHT + GAP)


def grouped(code: str) -> str:
    """In groups of four, unless it has groups already."""
    if "-" in code or " " in code or len(code) <= GROUP + 1:
        return code
    return " ".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


class _CardMaker:
    """Draws faces. What many cards share is drawn once, as a form the pages refer to."""

    def __init__(self, sheet: "Sheet", merchant: str) -> None:
        self._sheet = sheet
        self._merchant = merchant
        self._forms: dict[tuple[object, ...], str] = {}

    def frame(self, title: str, watermark: str, *, page: int, pages: int) -> None:
        """Title, page number and watermark outside the cards, crop marks, and a ruler to check the printer's scale."""
        from app.services.writers.paper import PAGE_WIDTH, SOFT, Ink

        left, bottom = _grid()
        right, top = PAGE_WIDTH - left, bottom + ROWS * HEIGHT + (ROWS - 1) * GAP
        small = Ink(7.5, SOFT)
        self._sheet.write(title, left, top + 14, ink=Ink(10, smallest=6), width=(right - left) * 0.75)
        number = tr("Page {page} of {pages}", page=page, pages=pages)
        self._sheet.write(number, right, top + 14, ink=small, align="r")
        self._sheet.write(watermark, left, bottom - 24, ink=small, width=right - left)
        if not self._sheet.hasForm(MARKS):
            self._sheet.beginForm(MARKS)
            _crop_marks(self._sheet)
            _ruler(self._sheet, left, bottom - 15, small)
            self._sheet.endForm()
        self._sheet.doForm(MARKS)

    def draw(self, face: CardFace, x: float, y: float) -> None:
        from reportlab.lib.units import mm

        from app.services.writers.paper import SOFT, Ink

        shared = self._shared(face)
        self._sheet.saveState()
        self._sheet.translate(x * mm, y * mm)
        self._sheet.doForm(shared)
        wide = WIDTH - 2 * SAFE
        if face.holder:
            self._sheet.write(face.holder, WIDTH - SAFE, 46.4, ink=Ink(9), width=wide * 0.4, align="r")
        if face.qr is not None:
            self._sheet.bitmap(picture(face.qr), WIDTH - SAFE - QR_SIDE, QR_BOTTOM, QR_SIDE)
        if face.lines:
            self._fields(face)
        elif face.code:
            self._sheet.secret([grouped(face.code)], SAFE, CODE_TOP, ink=Ink(13), width=wide, height=CODE_TOP - FOOT)
        self._sheet.write(face.serial, SAFE, 5.2, ink=Ink(6.5, SOFT), width=wide / 2)
        self._sheet.restoreState()

    def _shared(self, face: CardFace) -> str:
        """The name of the form with everything that is the same on all cards of a product."""
        key = (face.product, face.amount, face.valid, face.qr is not None, bool(face.lines or not face.code))
        name = self._forms.get(key)
        if name is None:
            name = self._forms[key] = f"face{len(self._forms)}"
            self._sheet.beginForm(name, 0, 0, *_points(WIDTH, HEIGHT))
            self._background(face)
            self._sheet.endForm()
        return name

    def _background(self, face: CardFace) -> None:
        from app.services.writers.paper import BLUE, INK, SOFT, Ink

        _ring(self._sheet, face)
        wide = WIDTH - 2 * SAFE - (QR_SIDE + 5 if face.qr is not None else 0)
        self._sheet.write(self._merchant, SAFE, 46.4, ink=Ink(8, SOFT), width=(WIDTH - 2 * SAFE) * 0.56)
        self._sheet.block(face.product, SAFE, 37.6, ink=Ink(13, INK, 7), width=wide)
        self._sheet.write(face.amount, SAFE, 25.6, ink=Ink(22, BLUE, 9), width=wide)
        if face.code and not face.lines:
            self._sheet.write(tr("Code"), SAFE, 16.4, ink=Ink(6.5, SOFT))
        if face.valid:
            until = tr("Valid until {day}", day=face.valid)
            self._sheet.write(until, WIDTH - SAFE, 5.2, ink=Ink(6.5, SOFT), width=(WIDTH - 2 * SAFE) / 2, align="r")

    def _fields(self, face: CardFace) -> None:
        """Named fields, one below the other; above the last two lines they leave a QR code its white."""
        from app.services.writers.paper import Ink, width_of

        shown = [f"{name}  {value}" if name else value for name, value in face.lines]
        wide = WIDTH - 2 * SAFE
        fit = len(shown) * FIELD <= UNDER_QR - FOOT and all(width_of(text, 9) <= _points(wide, 0)[0] for text in shown)
        if not fit and face.qr is not None:
            wide -= QR_SIDE + 5
        top = FOOT + len(shown) * FIELD if fit else (AMOUNT_FOOT if face.amount else PRODUCT_FOOT)
        self._sheet.secret(shown, SAFE, top, ink=Ink(9), width=wide, height=top - FOOT)


def _ring(sheet: "Sheet", face: CardFace) -> None:
    """The calm sign of the house: two thin rings, half behind the edge, inside the card."""
    from reportlab.lib.units import mm

    from app.services.writers.paper import PALE

    clip = sheet.beginPath()
    clip.roundRect(0, 0, WIDTH * mm, HEIGHT * mm, 3.18 * mm)
    sheet.saveState()
    sheet.clipPath(clip, stroke=0, fill=0)
    sheet.setStrokeColor(PALE)
    sheet.setLineWidth(2.4 * mm)
    middle = 41.0 if face.qr is not None else 66.0
    for radius in (6.5, 11.5):
        sheet.circle(middle * mm, 31.0 * mm, radius * mm, stroke=1, fill=0)
    sheet.restoreState()


def _crop_marks(sheet: "Sheet") -> None:
    """5 mm long, 0.25 pt, 2 mm off, on the outside of the sheet of cards, for every edge there is to cut."""
    left, bottom = _grid()
    right, top = left + COLUMNS * WIDTH + (COLUMNS - 1) * GAP, bottom + ROWS * HEIGHT + (ROWS - 1) * GAP
    edges_x = [left + at * (WIDTH + GAP) + side for at in range(COLUMNS) for side in (0.0, WIDTH)]
    edges_y = [bottom + at * (HEIGHT + GAP) + side for at in range(ROWS) for side in (0.0, HEIGHT)]
    for x in edges_x:
        sheet.rule(x, top + AWAY, x, top + AWAY + MARK, colour="#000000", points=0.25)
        sheet.rule(x, bottom - AWAY, x, bottom - AWAY - MARK, colour="#000000", points=0.25)
    for y in edges_y:
        sheet.rule(left - AWAY, y, left - AWAY - MARK, y, colour="#000000", points=0.25)
        sheet.rule(right + AWAY, y, right + AWAY + MARK, y, colour="#000000", points=0.25)


def _ruler(sheet: "Sheet", x: float, y: float, ink: "Ink") -> None:
    """100 mm: a print whose ruler measures less was scaled down."""
    for at in range(0, 101, 10):
        sheet.rule(x + at, y, x + at, y + (3 if at in (0, 50, 100) else 1.8), points=0.25)
    sheet.rule(x, y, x + 100, y, points=0.25)
    sheet.write(tr("This ruler is 100 mm long when printed at 100 %"), x + 104, y, ink=ink, width=70)


def _grid() -> tuple[float, float]:
    """Left and bottom of the sheet of cards, in the middle of the page."""
    from app.services.writers.paper import PAGE_HEIGHT, PAGE_WIDTH

    left = (PAGE_WIDTH - COLUMNS * WIDTH - (COLUMNS - 1) * GAP) / 2
    return left, (PAGE_HEIGHT - ROWS * HEIGHT - (ROWS - 1) * GAP) / 2


def _points(width: float, height: float) -> tuple[float, float]:
    from reportlab.lib.units import mm

    return width * mm, height * mm
