"""Forms: fields by key, below each other or in columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from app.views.widgets.field import Field
from app.views.widgets.pieces import row
from app.views.widgets.spin import tidy_spin

if TYPE_CHECKING:
    from app.errors import AppError

ROW_GAP = 12


class Form(QWidget):
    """Fields by key, below each other or in columns. A field's mistake goes as soon as it is edited.

    Those that are shown move up: a hidden one leaves no hole.
    """

    def __init__(self, *, columns: int = 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields: dict[str, Field] = {}
        self._columns = columns
        self._parts: list[tuple[QWidget, bool]] = []
        self._away: set[str] = set()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(ROW_GAP)
        for at in range(columns):
            self._grid.setColumnStretch(at, 1)

    def within(self, width: int) -> QHBoxLayout:
        """So wide, with space beside it. Right below each other Qt asks parts how high they are in the whole width: a
        mistake of two lines would get the room of one."""
        self.setFixedWidth(width)
        return row(self, 0)

    def add(self, key: str, title: str, control: QWidget, *, hint: str = "", wide: bool = False) -> Field:
        """`wide` takes the whole row of a form with columns."""
        if isinstance(control, QAbstractSpinBox):
            tidy_spin(control)
        field = Field(title, control, hint=hint)
        self.fields[key] = field
        self._parts.append((field, wide))
        self._arrange()
        typed_into = control.focusProxy() or control  # of several parts the one that is typed into
        if (edited := _edited(typed_into)) is not None:
            edited(lambda *_: field.set_error(""))
        return field

    def add_widget(self, widget: QWidget) -> None:
        """Something that is not a field, over the whole width."""
        self._parts.append((widget, True))
        self._arrange()

    def set_shown(self, key: str, shown: bool) -> None:
        if (key in self._away) is shown:
            self._away ^= {key}
            self._arrange()
            self.fields[key].setVisible(shown)

    def set_error(self, key: str, words: str) -> None:
        """Mark a field and put the caret there."""
        self.fields[key].set_error(words)
        self.fields[key].control.setFocus()

    def show_error(self, error: AppError) -> bool:
        """Put a refusal under the field it names; False if none of ours, then a banner must say it."""
        key = str(getattr(error, "field", ""))
        if key not in self.fields:
            return False
        from app.messages import complaint  # as in the banner

        self.set_error(key, complaint(error))
        return True

    def _arrange(self) -> None:
        """Row by row; what is wide begins a row of its own."""
        at = 0
        away = {self.fields[key] for key in self._away}
        for part, wide in self._parts:
            self._grid.removeWidget(part)
            if part in away:
                continue
            span = self._columns if wide else 1
            at += -at % self._columns if wide else 0
            self._grid.addWidget(part, *divmod(at, self._columns), 1, span, Qt.AlignmentFlag.AlignTop)
            at += span

    def clear_errors(self) -> None:
        for field in self.fields.values():
            field.set_error("")


def _edited(control: QWidget) -> Callable[[Callable[..., None]], object] | None:
    """How to hear that a control was edited."""
    if isinstance(control, QLineEdit):
        return control.textChanged.connect
    if isinstance(control, QComboBox):
        return control.currentIndexChanged.connect
    if isinstance(control, QPlainTextEdit):
        return control.textChanged.connect
    if isinstance(control, QAbstractSpinBox):
        return control.editingFinished.connect
    return None
