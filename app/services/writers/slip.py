"""A slip for the customer, 80 mm wide: laid out once, drawn as PDF here and on the screen or a printer by the window.

All in black: a thermal printer makes dots of grey.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.services.writers import atomically
from app.services.writers.qr import Picture, single

WIDE, EDGE = 80.0, 4.0
"""Paper and the edge no printer of this kind reaches, in millimetres."""
INSIDE = WIDE - 2 * EDGE
CODE_SIDE = 46.0
CAPTION, VALUE = 24.0, 46.0
"""Width of what stands left and right on a line."""
BELOW = 9.0
"""Free at the end: there it is torn off, and a sign that no font has is named."""
BLACK = "#000000"


@dataclass(frozen=True, slots=True)
class SlipOut:
    """A slip ready to be laid out: words as they are shown, `code` as the QR code holds it."""

    merchant: str
    title: str
    amount: str
    state: str
    facts: Sequence[tuple[str, str]]
    note: str
    code: str
    how: str
    foot: str


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text: its baseline in millimetres from the top, its size in points, `l`, `c` or `r` of `x`."""

    text: str
    x: float
    y: float
    size: float
    align: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Millimetres from the top left corner. `code` lies with its top left at `code_at`."""

    wide: float
    tall: float
    words: tuple[Words, ...]
    rules: tuple[float, ...]
    code: Picture
    code_at: tuple[float, float]
    code_side: float = CODE_SIDE


@dataclass(slots=True)
class _Roll:
    """Paper that is filled downwards."""

    y: float = 0.0
    words: list[Words] = field(default_factory=list)
    rules: list[float] = field(default_factory=list)

    def lines(self, text: str, size: float, *, most: int = 9, room: float = INSIDE) -> None:
        """Centred, wrapped."""
        for line in _wrapped(text, size, room)[:most]:
            self.y += _step(size)
            self.words.append(Words(line, WIDE / 2, self.y, size, "c"))

    def fact(self, name: str, value: str, *, size: float = 8.5) -> None:
        """The name left, the value right and as many lines as it takes."""
        top = self.y + _step(size)
        for line in _wrapped(value, size, VALUE):
            self.y += _step(size)
            self.words.append(Words(line, WIDE - EDGE, self.y, size, "r"))
        self.words.append(Words(name, EDGE, top, size, "l"))
        self.y += 0.7

    def rule(self) -> None:
        self.y += 3.0
        self.rules.append(self.y)
        self.y += 1.2


def laid_out(slip: SlipOut) -> Layout:
    """Loads reportlab, which measures the words."""
    roll = _Roll(4.0)
    roll.lines(slip.merchant, 12, most=2)
    roll.lines(slip.title, 8.5)
    roll.rule()
    roll.y -= 0.6  # its line is higher than its digits
    roll.lines(slip.amount, 24, most=1)
    roll.y += 1.0
    roll.lines(slip.state, 10)
    roll.rule()
    for name, value in slip.facts:
        roll.fact(name, value)
    roll.rule()
    if slip.note:
        roll.lines(slip.note, 8.5)
        roll.y += 1.0
    roll.y += 2.5
    code_at = (WIDE - CODE_SIDE) / 2, roll.y
    roll.y += CODE_SIDE + 1.5
    roll.lines(slip.how, 7.5)
    roll.y += 1.0
    roll.lines(slip.foot, 6.5)
    return Layout(WIDE, roll.y + BELOW, tuple(roll.words), tuple(roll.rules), single(slip.code), code_at)


def write_slip_pdf(path: Path, *, slip: SlipOut) -> None:
    """One page, as long as the slip is."""
    from app.services.writers.paper import Ink, Sheet

    layout = laid_out(slip)
    with atomically(path) as beside:
        sheet = Sheet(beside, slip.title, size=(layout.wide, layout.tall), margin=EDGE)
        for words in layout.words:
            ink = Ink(words.size, BLACK, words.size)
            sheet.write(words.text, words.x, layout.tall - words.y, ink=ink, align=words.align)
        for y in layout.rules:
            sheet.rule(EDGE, layout.tall - y, WIDE - EDGE, layout.tall - y, colour=BLACK, points=0.6)
        left, top = layout.code_at
        sheet.bitmap(layout.code, left, layout.tall - top - layout.code_side, layout.code_side)
        sheet.save()


def _wrapped(text: str, size: float, room: float) -> list[str]:
    from reportlab.lib.units import mm

    from app.services.writers.paper import wrapped

    return list(wrapped(text, size, room * mm))


def _step(size: float) -> float:
    """From one baseline to the next."""
    return size * 0.48
