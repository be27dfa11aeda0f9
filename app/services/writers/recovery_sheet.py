"""The recovery sheet: one A4 page to print once and keep apart from the computer."""

from pathlib import Path
from typing import TYPE_CHECKING

from app.services.vault.recovery import shown_recovery_key
from app.services.writers import atomically
from app.words import tr

if TYPE_CHECKING:
    from app.services.writers.paper import Sheet


def write_recovery_sheet(path: Path, *, merchant: str, recovery_key: str, made_on: str) -> None:
    """`recovery_key`: canonical or in groups; it is printed in groups of four."""
    from app.services.writers.paper import MARGIN, PAGE_WIDTH, SOFT, Ink, Sheet

    inside = PAGE_WIDTH - 2 * MARGIN
    title = tr("Recovery sheet")
    with atomically(path) as beside:
        sheet = Sheet(beside, title)
        sheet.write(title, MARGIN, 262, ink=Ink(26), width=inside)
        sheet.write(merchant, MARGIN, 251, ink=Ink(13, SOFT, 7), width=inside * 0.7)
        sheet.write(tr("Made on {day}", day=made_on), MARGIN + inside, 251, ink=Ink(10, SOFT), align="r")
        below = _paragraph(
            sheet,
            tr(
                "This key opens the vault of Kaxia when the passphrase is lost. Whoever holds it can read every card "
                "code. Nobody else has a copy, and nobody can make it again."
            ),
            240,
        )
        _key_box(sheet, shown_recovery_key(recovery_key.replace("-", "").replace(" ", "")), below - 6)
        below = _steps(sheet, below - 56)
        _notes(sheet, below - 8)
        sheet.save()


def _key_box(sheet: "Sheet", shown: str, top: float) -> None:
    """The key in a frame, four groups on the first line and the rest on the second."""
    from reportlab.lib.units import mm

    from app.services.writers.paper import BLUE, MARGIN, PAGE_WIDTH, SOFT, Ink

    groups = shown.split("-")
    sheet.setStrokeColor(BLUE)
    sheet.setLineWidth(1)
    sheet.roundRect(MARGIN * mm, (top - 40) * mm, (PAGE_WIDTH - 2 * MARGIN) * mm, 40 * mm, 3 * mm)
    sheet.write(tr("Recovery key"), MARGIN + 6, top - 8, ink=Ink(9, SOFT))
    for at, y in ((0, top - 20), (4, top - 33)):
        line = groups[at : at + 4] if at == 0 else groups[at:]
        sheet.write("  -  ".join(line), PAGE_WIDTH / 2, y, ink=Ink(25, smallest=14), width=166, align="c")


def _steps(sheet: "Sheet", top: float) -> float:
    """How to keep it and how to use it."""
    from app.services.writers.paper import MARGIN, Ink

    sheet.write(tr("How to use it"), MARGIN, top, ink=Ink(13))
    below = top - 9
    for number, text in enumerate(
        (
            tr("Keep this page in a safe or a sealed envelope, away from the computer. Do not take a photo of it."),
            tr('On the unlock screen choose "Use the recovery key" and type the key. Hyphens and case do not matter.'),
            tr("The letters I, L and O do not occur: what looks like one is the digit 1 or 0."),
            tr("Choose a new passphrase. Then make a new recovery key in the settings and destroy this page."),
        ),
        1,
    ):
        sheet.write(f"{number}.", MARGIN, below, ink=Ink(10.5))
        below = _paragraph(sheet, text, below, indent=7) - 1.5
    return below


def _notes(sheet: "Sheet", top: float) -> None:
    """Ruled lines for a hand: where the page lies, who may open it."""
    from app.services.writers.paper import MARGIN, PAGE_WIDTH, Ink

    sheet.write(tr("Notes: where this page is kept, who may open it"), MARGIN, top, ink=Ink(13))
    for at in range(1, 6):
        sheet.rule(MARGIN, top - 3 - at * 10, PAGE_WIDTH - MARGIN, top - 3 - at * 10)


def _paragraph(sheet: "Sheet", text: str, top: float, *, indent: float = 0.0) -> float:
    """Wrapped lines from `top` down; the height for what follows."""
    from reportlab.lib.units import mm

    from app.services.writers.paper import MARGIN, PAGE_WIDTH, Ink, wrapped

    ink = Ink(10.5)
    for line in wrapped(text, ink.size, (PAGE_WIDTH - 2 * MARGIN - indent) * mm):
        sheet.write(line, MARGIN + indent, top, ink=ink)
        top -= 6.2
    return top
