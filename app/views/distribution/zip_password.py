"""The password of a protected file: made here, shown, copied, and kept nowhere."""

import secrets
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.services.secret import Secret
from app.views.theme import code_font
from app.views.widgets.clipboard import copy_for_a_while
from app.views.widgets.dialog import Dialog
from app.views.widgets.pieces import button, label, row
from app.views.widgets.toast import toast
from app.words import tr

CLEAR_SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
GROUPS, GROUP = 4, 5


class ZipPasswordField(QWidget):
    """A field that proposes a password, with a button to copy it and a note on how to hand it over."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.entry = QLineEdit()
        self.entry.setFont(code_font(14))
        self.entry.setAccessibleName(tr("Password"))
        self.entry.textEdited.connect(lambda _: self.edited.emit())
        self.copy_button = button(tr("Copy"), self._copy, symbol="copy")
        line = row(self.entry, self.copy_button)
        line.setStretch(0, 1)
        note = label(
            tr(
                "Copy it now and hand it over on another way: it is kept nowhere. "
                "Windows cannot open such a ZIP by itself; 7-Zip and WPS can."
            ),
            "note",
            wrap=True,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(line)
        layout.addWidget(note)
        self.setFocusProxy(self.entry)

    @property
    def password(self) -> Secret | None:
        """None while it is too short to protect anything."""
        text = self.entry.text().strip()
        return Secret(text) if len(text) >= GROUP else None

    def propose(self) -> None:
        """A new one, unless there is one."""
        if not self.entry.text():
            self.entry.setText(new_password())

    def _copy(self) -> None:
        copy_for_a_while(self.entry.text())
        toast(self, tr("Copied; it leaves the clipboard in 30 seconds"))


class ZipPasswordDialog(Dialog):
    """Asks again for what is kept nowhere, before a protected file is written."""

    def __init__(self, parent: QWidget, name: str, *, then: Callable[[Secret], object]) -> None:
        super().__init__(parent, tr("Which password shall the file of {name} have?", name=name))
        self._then = then
        words = tr("This distribution was begun with a protected file. Its password is kept nowhere; choose one again.")
        self.field = ZipPasswordField()
        self.field.propose()
        self.mistake = label("", "error", wrap=True)
        self.mistake.hide()
        for part in (label(words, "muted", wrap=True), self.field, self.mistake):
            self.body.addWidget(part)
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Write the file"), self._confirm)
        self.field.edited.connect(self.mistake.hide)
        self.field.entry.selectAll()
        self.field.setFocus()

    def _confirm(self) -> None:
        password = self.field.password
        if password is None:
            self.mistake.setText(tr("Type a longer password for the ZIP."))
            self.mistake.show()
            self.fit()
            return
        self.accept()
        self._then(password)


def new_password() -> str:
    """Twenty signs without look-alikes, in groups: more than anybody guesses."""
    groups = ("".join(secrets.choice(CLEAR_SIGNS) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)
