"""The fonts: the platform's own Chinese family, the bundled one where there is none, digits of equal width."""

import sys
from functools import cache

from PySide6.QtGui import QFont, QFontDatabase

from app.config import RESOURCES

FAMILIES = {"win32": ("Microsoft YaHei UI", "Microsoft YaHei"), "darwin": ("PingFang SC",)}
ELSEWHERE = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei")
CODE_FAMILIES = ("Cascadia Mono", "Consolas", "Menlo", "DejaVu Sans Mono", "Liberation Mono")
BUNDLED = "Noto Sans SC"
NOTE_PX, LABEL_PX, BODY_PX, CARD_TITLE_PX, PAGE_TITLE_PX, KPI_PX = 12, 13, 14, 16, 20, 28


@cache
def families() -> tuple[str, ...]:
    """The family in use first; the bundled font is only read where the platform has no Chinese one."""
    own = [name for name in FAMILIES.get(sys.platform, ELSEWHERE) if QFontDatabase.hasFamily(name)]
    if own:
        return tuple(own)
    _bundled()
    return (BUNDLED,)


def bold() -> int:
    """The weight of titles and figures: Qt only thickens a family that has one weight from 700 on."""
    return 700 if families() == (BUNDLED,) else 600


def font(size_px: int = BODY_PX, weight: int = 400) -> QFont:
    """The text font with tabular digits."""
    made = QFont()
    made.setFamilies(list(families()))
    made.setPixelSize(size_px)
    made.setWeight(QFont.Weight(weight))
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def paper_font(size_px: int) -> QFont:
    """The font of what is printed: on every computer the one that its words were measured in."""
    _bundled()
    made = QFont()
    made.setFamilies([BUNDLED, *families()])
    made.setPixelSize(size_px)
    return made


@cache
def _bundled() -> None:
    """Reads it once; where the platform has a Chinese family of its own nothing else needs it."""
    QFontDatabase.addApplicationFont(str(RESOURCES / "fonts" / "NotoSansSC-Regular.ttf"))


def code_font(size_px: int = LABEL_PX) -> QFont:
    """A font whose 0 and O, 1 and I differ, for codes and serials."""
    made = QFont()
    known = [name for name in CODE_FAMILIES if QFontDatabase.hasFamily(name)]
    made.setFamilies([*known, *families()])
    made.setStyleHint(QFont.StyleHint.Monospace)
    made.setPixelSize(size_px)
    return made
