"""Which font draws a sign on paper: the bundled one, else one of this computer, else a sign that stands for it.

Loads reportlab, so it is imported inside the functions that write.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from app.config import RESOURCES

STAND_IN = "\u3013"
"""Printers' mark for a type that is not at hand."""
BUNDLED = RESOURCES / "fonts" / "NotoSansSC-Regular.ttf"
WINDOWS = ("simsunb.ttf", "SimsunExtG.ttf", "msyh.ttc", "malgun.ttf", "seguisym.ttf", "seguiemj.ttf")
MAC = ("Supplemental/Songti.ttc", "Supplemental/Arial Unicode.ttf", "AppleSDGothicNeo.ttc", "Apple Symbols.ttf")
ELSEWHERE = ("hanazono/HanaMinB.ttf", "hanazono/HanaMinA.ttf", "arphic/uming.ttc", "dejavu/DejaVuSans.ttf")


class Glyphs:
    """Fonts in the order they are asked. A reserve is opened when a sign is missing, and a part of it is embedded."""

    def __init__(self, main: Path, reserves: Sequence[Path]) -> None:
        self.main, self._known = _registered(main) or ("", frozenset())
        assert self.main, "the font of the house can be read"
        self._closed = list(reserves)
        self._open: list[tuple[str, frozenset[str]]] = []
        self._font_of: dict[str, str | None] = {}

    def has_all(self, text: str) -> bool:
        """Whether the first font draws all of it, as it nearly always does."""
        return self._known.issuperset(text)

    def missing(self, text: str) -> list[str]:
        """Signs that no font draws."""
        return [] if self.has_all(text) else [sign for sign in text if self._font(sign) is None]

    def runs(self, text: str) -> Iterator[tuple[str, str]]:
        """(font, piece) from left to right, with the stand-in where no font has a sign."""
        drawn = [(self._font(sign), sign) for sign in text]
        shown = [(font or self.main, sign if font else STAND_IN) for font, sign in drawn]
        for font, signs in groupby(shown, key=lambda one: one[0]):
            yield font, "".join(sign for _, sign in signs)

    def width(self, text: str, size: float) -> float:
        """In points."""
        pieces = [(self.main, text)] if self.has_all(text) else self.runs(text)
        return float(sum(pdfmetrics.stringWidth(piece, font, size) for font, piece in pieces))

    def _font(self, sign: str) -> str | None:
        if sign in self._known:
            return self.main
        if sign not in self._font_of:
            self._font_of[sign] = self._reserve_with(sign)
        return self._font_of[sign]

    def _reserve_with(self, sign: str) -> str | None:
        for name, known in self._open:
            if sign in known:
                return name
        while self._closed:
            opened = _registered(self._closed.pop(0))
            if opened is not None:
                self._open.append(opened)
                if sign in opened[1]:
                    return opened[0]
        return None


@cache
def glyphs() -> Glyphs:
    """The bundled font and what this system keeps for rare names, other scripts and pictures."""
    if sys.platform == "win32":
        folder, names = Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", WINDOWS
    elif sys.platform == "darwin":
        folder, names = Path("/System/Library/Fonts"), MAC
    else:
        folder, names = Path("/usr/share/fonts/truetype"), ELSEWHERE
    return Glyphs(BUNDLED, [folder / name for name in names])


def _registered(path: Path) -> tuple[str, frozenset[str]] | None:
    """Its name for the page and the signs it draws; None where there is no such font or it cannot be embedded."""
    try:
        font = TTFont(path.stem, str(path))
    except (OSError, TTFError):
        return None
    pdfmetrics.registerFont(font)
    return path.stem, frozenset(map(chr, font.face.charToGlyph))
