"""Dialogs: the title is the question, the body object, count and consequence, the button the verb."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.views.jobs import Job, hold
from app.views.theme import set_kind
from app.views.widgets.banner import Banner
from app.views.widgets.field import Field
from app.views.widgets.pieces import GUTTER, label, line
from app.views.widgets.tab_order import go_by_tab
from app.words import tr

NARROW = 480
WIDE = 640


class Dialog(QDialog):
    """Open it with `open()`, which returns at once; hear `accepted`. The platform orders the buttons."""

    def __init__(self, parent: QWidget | None, title: str, *, width: int = NARROW) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setFixedWidth(width)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._deed: Job | None = None
        self.heading = label(title, "dialog-title", wrap=True)
        self.banner = Banner(self)
        self.body = QVBoxLayout()
        self.body.setSpacing(12)
        self.buttons = QDialogButtonBox()
        self.buttons.setContentsMargins(GUTTER, 12, GUTTER, 16)
        self.buttons.rejected.connect(self.reject)
        head = QVBoxLayout()
        head.setContentsMargins(GUTTER, 20, GUTTER, 16)
        head.setSpacing(12)
        head.addWidget(self.heading)
        head.addWidget(self.banner)
        head.addLayout(self.body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head, 1)
        layout.addWidget(line())
        layout.addWidget(self.buttons)

    def setVisible(self, visible: bool) -> None:
        """Not where the same question is in front already: a double click asked for it twice."""
        front = QApplication.activeModalWidget()
        same = isinstance(front, type(self)) and front is not self and front.parent() is self.parent()
        if visible and same and front is not None and front.windowTitle() == self.windowTitle():
            self.deleteLater()
        else:
            super().setVisible(visible)

    def see_through(self, deed: Job, *controls: QWidget) -> None:
        """The dialog stays until what cannot be taken back has ended and was heard; nothing is pressed twice."""
        self._deed = hold(deed, *controls)

    def reject(self) -> None:
        if self._deed is None or not self._deed.running:
            super().reject()

    def add_verb(self, text: str, call: Callable[[], object] | None = None, *, kind: str = "primary") -> QPushButton:
        """The deed. Without `call` it accepts the dialog; a dangerous one (`danger-filled`) is never the default."""
        made = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.AcceptRole)
        set_kind(made, kind)
        made.setAutoDefault(False)
        made.setDefault(not kind.startswith("danger"))
        self.buttons.accepted.connect(call or self.accept)
        return made

    def add_cancel(self, text: str = "") -> QPushButton:
        """The way back; it is what Esc does."""
        made = self.buttons.addButton(text or tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        made.setAutoDefault(False)
        return made

    def add_other(self, text: str, call: Callable[[], object]) -> QPushButton:
        made = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.ActionRole)
        made.setAutoDefault(False)
        made.clicked.connect(lambda _=False: call())
        return made

    def event(self, event: QEvent) -> bool:
        """Something appeared, went or grew: the dialog follows."""
        heard = super().event(event)
        if event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest):
            self.fit()
        return heard

    def focusNextPrevChild(self, forward: bool) -> bool:
        return go_by_tab(self, forward=forward)

    def fit(self) -> None:
        """As high as its parts need at this width; `adjustSize` would wrap the words at a narrower one."""
        layout = self.layout()
        if layout is not None and self.isVisible():
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))


class ConfirmDialog(Dialog):
    """Asks before what undo cannot save. With `typed` the exact text must be typed; anything else does nothing.

    `consequence` says in one or two sentences what will be so afterwards.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        *,
        consequence: str,
        verb: str,
        typed: str = "",
        danger: bool = True,
    ) -> None:
        super().__init__(parent, title)
        self._typed = typed
        self.body.addWidget(label(consequence, "muted", wrap=True))
        self.entry = QLineEdit()
        self._field = Field(tr("Type {text} to confirm", text=typed), self.entry)
        self.entry.textChanged.connect(lambda _: self._field.set_error(""))
        if typed:
            self.body.addWidget(self._field)
        self.cancel_button = self.add_cancel()
        self.verb_button = self.add_verb(verb, self._confirm, kind="danger-filled" if danger else "primary")
        if danger:
            self.cancel_button.setDefault(True)
            self.cancel_button.setFocus()
        if typed:
            self.cancel_button.setDefault(False)
            self.entry.returnPressed.connect(self._confirm)
            self.entry.setFocus()
        self.fit()

    def _confirm(self) -> None:
        entered = self.entry.text().strip().replace(",", "").replace("\uff0c", "")
        if self._typed and entered != self._typed.replace(",", ""):
            self._field.set_error(tr("This is not {text}. Nothing was done.", text=self._typed))
            return
        self.accept()


def ask(
    parent: QWidget | None,
    title: str,
    *,
    consequence: str,
    verb: str,
    then: Callable[[], object],
    typed: str = "",
    danger: bool = True,
) -> ConfirmDialog:
    """Open the question and go on with `then` if the answer is the verb."""
    dialog = ConfirmDialog(parent, title, consequence=consequence, verb=verb, typed=typed, danger=danger)
    dialog.accepted.connect(lambda: then())
    dialog.open()
    return dialog
