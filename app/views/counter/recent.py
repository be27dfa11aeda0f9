"""The last uses below the band: when, which card, how much, where; the newest can be undone for two minutes."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QScrollArea, QWidget

from app.services.redemptions import Use
from app.views.theme import code_font
from app.views.widgets.pieces import Card, button, label
from app.words import moment, ntr, tr, yuan

ROW_HEIGHT = 36
TICK_MS = 5_000


class RecentUses(Card):
    """`undo_wanted` brings the `Use`. A button leaves when its two minutes are over."""

    undo_wanted = Signal(object)
    stale = Signal()

    def __init__(self) -> None:
        super().__init__(tr("Last uses"))
        self.uses: list[Use] = []
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.addWidget(self._scroll, 1)
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self.stale)
        self.show_uses([])

    @property
    def undoable(self) -> Use | None:
        """The newest use that can still be undone."""
        return next((use for use in self.uses if use.undoable), None)

    def show_uses(self, uses: list[Use]) -> None:
        self.uses = uses
        holder = QWidget()
        holder.setProperty("role", "scrolled")
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(0)
        if not uses:
            grid.addWidget(label(tr("Nothing was redeemed yet."), "muted"), 0, 0)
        for at, use in enumerate(uses):
            self._add_row(grid, at, use)
        grid.setColumnStretch(4, 1)
        grid.setRowStretch(max(1, len(uses)), 1)
        self._scroll.setWidget(holder)
        if self.undoable is not None:
            self._tick.start()
        else:
            self._tick.stop()

    def _add_row(self, grid: QGridLayout, at: int, use: Use) -> None:
        grid.setRowMinimumHeight(at, ROW_HEIGHT)
        serial = label(use.serial)
        serial.setFont(code_font())
        amount = label(_amount(use))
        amount.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        amount.setMinimumWidth(120)
        for column, part in enumerate((label(moment(use.at), "label"), serial, amount, _kind(use))):
            grid.addWidget(part, at, column)
        grid.addWidget(label(use.place, "label"), at, 4)
        if use.undoable:
            grid.addWidget(self._undo_button(use), at, 5)

    def _undo_button(self, use: Use) -> QPushButton:
        made = button(tr("Undo"), lambda: self.undo_wanted.emit(use), kind="text", compact=True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setAccessibleName(tr("Undo {serial}", serial=use.serial))
        return made


def _amount(use: Use) -> str:
    sign = "-" if use.kind == "reversed" else ""
    if use.amount_minor:
        return f"{sign}{yuan(abs(use.amount_minor))}"
    return sign + ntr("{count} use", "{count} uses", abs(use.uses))


def _kind(use: Use) -> QLabel:
    return label(tr("Redeemed"), "ok") if use.kind == "redeemed" else label(tr("Undone"), "label")
