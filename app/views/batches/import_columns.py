"""Which column of a supplier's file holds what: its heading, three samples, our field."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QScrollArea, QWidget

from app.services.supplier_imports import FIELDS, Preview
from app.views.theme import code_font
from app.views.theme.fonts import NOTE_PX
from app.views.widgets.pieces import label
from app.vocabulary import SUPPLIER_FIELDS, word
from app.words import tr

ROW_HEIGHT = 40
MOST_SHOWN = 5
SAMPLES_PX = 290


class ImportColumns(QScrollArea):
    """`mapping` is field → column; a field chosen twice stays with the column chosen last."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setAccessibleName(tr("Column"))
        self._boxes: dict[int, QComboBox] = {}

    @property
    def mapping(self) -> dict[str, int]:
        chosen = ((str(box.currentData()), at) for at, box in self._boxes.items())
        return {name: at for name, at in chosen if name}

    def show_preview(self, preview: Preview) -> None:
        self._boxes = {}
        holder = QWidget()
        holder.setProperty("role", "scrolled")
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 8 if len(preview.columns) > MOST_SHOWN else 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for at, title in enumerate((tr("Column"), tr("Samples"), tr("Holds"))):
            grid.addWidget(label(title, "label"), 0, at)
        for line, column in enumerate(preview.columns, 1):
            name = column.name or tr("Column {number}", number=column.index + 1)
            samples = label(" ".join(column.samples), "label")
            samples.setFont(code_font(NOTE_PX))
            samples.setMaximumWidth(SAMPLES_PX)
            box = self._box(name, column.field)
            self._boxes[column.index] = box
            for at, part in enumerate((label(name), samples, box)):
                grid.addWidget(part, line, at)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(len(preview.columns) + 1, 1)
        self.setWidget(holder)
        self.setFixedHeight(28 + ROW_HEIGHT * min(MOST_SHOWN, len(preview.columns)))

    def _box(self, heading: str, field: str) -> QComboBox:
        box = QComboBox()
        box.setFixedWidth(160)
        box.setAccessibleName(tr("What {column} holds", column=heading))
        box.addItem(tr("Leave out"), "")
        for name in FIELDS:
            box.addItem(word(SUPPLIER_FIELDS, name), name)
        box.setCurrentIndex(max(0, box.findData(field)))
        box.activated.connect(lambda _: self._choose(box))
        return box

    def _choose(self, box: QComboBox) -> None:
        for other in self._boxes.values():
            if other is not box and other.currentData() and other.currentData() == box.currentData():
                other.setCurrentIndex(0)
        self.changed.emit()
