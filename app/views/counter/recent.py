"""The last uses below the band: when, which card, whose, how much, where; each has its receipt, and the newest can be
undone for two minutes."""

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QPushButton, QScrollArea, QSizePolicy, QToolButton, QWidget

from app.services.redemptions import Use
from app.views.theme import code_font
from app.views.widgets.elided_label import ElidedLabel
from app.views.widgets.pieces import CARD_PADDING, Card, button, icon_button, label, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.words import NO_DATA, moment, ntr, tr, yuan

ROW_HEIGHT, HEAD_HEIGHT = 36, 22
AMOUNT, ACTS = 4, 7
ACTS_PX = 96
PRODUCT, HOLDER, PLACE = 2, 3, 6
LEAST_PX = 64
"""Of a product, a holder and a place: what may be long gives way down to it."""
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
TICK_MS = 5_000


class RecentUses(Card):
    """`undo_wanted` brings the `Use`, `receipt_wanted` the id of one. "Undo" leaves when its two minutes are over."""

    undo_wanted = Signal(object)
    receipt_wanted = Signal(str)
    stale = Signal()

    def __init__(self) -> None:
        super().__init__(tr("Last uses"))
        self.body.setContentsMargins(CARD_PADDING, 12, CARD_PADDING, 8)
        self.body.setSpacing(4)  # in the smallest window rows need the room more
        self.uses: list[Use] = []
        self._scroll = _WholeRows()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setMinimumHeight(ROW_HEIGHT)
        self.body.addWidget(self._scroll, 1)
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self.stale)
        self.show_uses([])

    @property
    def undoable(self) -> Use | None:
        """The newest use that can still be undone."""
        return next((use for use in self.uses if use.undoable), None)

    @property
    def newest_id(self) -> str:
        """Empty while there is none."""
        return self.uses[0].id if self.uses else ""

    def show_uses(self, uses: list[Use]) -> None:
        self.uses = uses
        holder = QWidget()
        holder.setProperty("role", "scrolled")
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(0)
        if uses:
            _add_heads(grid)
        else:
            grid.addWidget(label(tr("Nothing was redeemed yet."), "muted"), 0, 0)
        for at, use in enumerate(uses, 1):
            self._add_row(grid, at, use)
        self._share_out(grid)
        grid.setRowStretch(len(uses) + 1, 1)
        self._scroll.setWidget(holder)
        if self.undoable is not None:
            self._tick.start()
        else:
            self._tick.stop()

    def _add_row(self, grid: QGridLayout, at: int, use: Use) -> None:
        grid.setRowMinimumHeight(at, ROW_HEIGHT)
        serial = label(use.serial or NO_DATA)
        serial.setFont(code_font())
        amount = label(_amount(use), "label")
        amount.setAlignment(RIGHT)
        product, holder, place = (
            ElidedLabel(text or NO_DATA, "label", least=LEAST_PX) for text in (use.product, use.holder, use.place)
        )
        parts = (label(moment(use.at), "label"), serial, product, holder, amount, _kind(use), place)
        for column, part in enumerate(parts):
            grid.addWidget(part, at, column)
        acts = row(0, *([self._undo_button(use)] if use.undoable else []), self._receipt_button(use), spacing=4)
        grid.addLayout(acts, at, ACTS)

    def _share_out(self, grid: QGridLayout) -> None:
        """Room that is left over goes to the longer words: a list without places does not keep any for them."""
        metrics = self.fontMetrics()
        for column, texts in (
            (PRODUCT, [use.product for use in self.uses]),
            (HOLDER, [use.holder for use in self.uses]),
            (PLACE, [use.place for use in self.uses]),
        ):
            grid.setColumnStretch(column, 1 + max((metrics.horizontalAdvance(text) for text in texts), default=0))

    def _undo_button(self, use: Use) -> QPushButton:
        made = button(tr("Undo"), lambda: self.undo_wanted.emit(use), kind="text", compact=True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setAccessibleName(tr("Undo {serial}", serial=use.serial or _amount(use)))
        return made

    def _receipt_button(self, use: Use) -> QToolButton:
        name = tr("Receipt of {serial}", serial=use.serial or _amount(use))
        made = icon_button("printer", name, lambda: self.receipt_wanted.emit(use.id))
        made.setToolTip(tr("Receipt for the customer"))
        made.setIconSize(QSize(16, 16))
        return made


class _WholeRows(QScrollArea):
    """What is seen ends between two rows, and a turn of the wheel goes by rows."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        rows = self.height() - HEAD_HEIGHT
        self.setViewportMargins(0, 0, 0, rows % ROW_HEIGHT if rows > ROW_HEIGHT else 0)
        self.verticalScrollBar().setSingleStep(ROW_HEIGHT)


def _add_heads(grid: QGridLayout) -> None:
    names = (tr("Time"), tr("Serial"), tr("Product"), tr("Holder"), tr("Amount"), tr("What"), tr("Place"), "")
    for column, name in enumerate(names):
        head = label(name, "note")
        head.setAlignment(RIGHT if column == AMOUNT else LEFT)
        grid.addWidget(head, 0, column)
    grid.setRowMinimumHeight(0, HEAD_HEIGHT)
    grid.setColumnMinimumWidth(ACTS, ACTS_PX)


def _amount(use: Use) -> str:
    sign = "-" if use.kind == "reversed" else ""
    if use.amount_minor:
        return f"{sign}{yuan(abs(use.amount_minor))}"
    return sign + ntr("{count} use", "{count} uses", abs(use.uses))


def _kind(use: Use) -> StateLabel:
    is_use = use.kind == "redeemed"
    mark = StateMark("ok", tr("Redeemed")) if is_use else StateMark("warn", tr("Undone"))
    if use.unsent:
        mark = StateMark(mark.tone, tr("{state} · to upload", state=mark.word), "upload")
    made = StateLabel(mark, role="label")
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)  # as high as the words beside it
    return made
