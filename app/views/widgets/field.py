"""One field: the label above its control, the mistake and its repair in one sentence below it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.views.theme import icon_pixmap, set_kind, theme
from app.views.widgets.pieces import label, row


class Field(QWidget):
    """One control with its label, its hint and, when something is wrong, a red sentence with an icon."""

    def __init__(self, title: str, control: QWidget, *, hint: str = "") -> None:
        super().__init__()
        self.control = control
        self.caption = label(title, "label")
        self.caption.setBuddy(control)
        self.hint = label(hint, "note", wrap=True)
        if not hint:  # showing a widget that has no parent yet would flash a window
            self.hint.hide()
        self._symbol = QLabel()
        self._symbol.setFixedSize(16, 18)
        self.error = label("", "error", wrap=True)
        self._mistake = QWidget()
        mistake = row(self._symbol, self.error, spacing=4)
        mistake.setAlignment(self._symbol, Qt.AlignmentFlag.AlignTop)  # beside the first line of two
        mistake.setStretch(1, 1)
        self._mistake.setLayout(mistake)
        self._mistake.hide()
        for spoken in (control, self._typed_into):
            if not spoken.accessibleName():
                spoken.setAccessibleName(title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.caption, control, self._mistake, self.hint):
            layout.addWidget(part)
        self.caption.setVisible(bool(title))
        theme().changed.connect(self._paint_symbol)

    @property
    def _typed_into(self) -> QWidget:
        """Of several parts the one that the keys go to."""
        return self.control.focusProxy() or self.control

    def set_error(self, words: str) -> None:
        """No words take the mistake away."""
        self.error.setText(words)
        self._mistake.setVisible(bool(words))
        self.hint.setVisible(bool(self.hint.text()) and not words)
        set_kind(self._typed_into, "error" if words else "")
        self._typed_into.setAccessibleDescription(words)
        self._paint_symbol()

    def set_hint(self, hint: str) -> None:
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint) and not self._mistake.isVisibleTo(self))

    def _paint_symbol(self) -> None:
        ratio = self.devicePixelRatioF()
        self._symbol.setPixmap(icon_pixmap("circle-alert", theme().tokens.error, size=14, ratio=ratio))
