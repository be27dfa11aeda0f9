"""What an export brought: the file, its count, its fingerprint, and once only the password of a ZIP."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.services.exports import Exported
from app.services.secret import Secret
from app.views.theme import code_font
from app.views.widgets.banner import Banner
from app.views.widgets.clipboard import copy_for_a_while
from app.views.widgets.pieces import button, column, icon_button, label, row
from app.words import ntr, tr


class ExportResult(QWidget):
    """Forgets the password when the dialog goes."""

    def __init__(self) -> None:
        super().__init__()
        self._password = Secret("")
        self.file, self.sha256, self.password = _fact(), _fact(mono=12), _fact(mono=16)
        self.left_out = label("", "muted", wrap=True)
        self.banner = Banner(self)
        self.copy_password_button = button(tr("Copy password"), self.copy_password, symbol="copy")
        copy_sha256 = icon_button("copy", tr("Copy the fingerprint"), self._copy_sha256)
        digest = row(self.sha256, copy_sha256)
        digest.setStretch(0, 1)
        self.secret = QWidget()
        secret = row(self.password, self.copy_password_button)
        secret.setStretch(0, 1)
        self.secret.setLayout(column(label(tr("Password of the ZIP"), "label"), secret, self.banner))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self.secret)
        layout.addLayout(column(label(tr("File"), "label"), self.file, self.left_out, spacing=4))
        layout.addLayout(column(label(tr("Fingerprint (SHA-256)"), "label"), digest, spacing=4))

    def show_result(self, done: Exported, *, left_out: int, plain: bool) -> None:
        self.file.setText(done.file)
        self.sha256.setText(" ".join(done.sha256[at : at + 16] for at in range(0, 64, 16)))
        self.sha256.setAccessibleName(done.sha256)
        words = ntr(
            "{count} card is not in it: assigned, redeemed or voided.",
            "{count} cards are not in it: assigned, redeemed or voided.",
            left_out,
        )
        self.left_out.setText(words)
        self.left_out.setVisible(plain and left_out > 0)
        self._password = done.zip_password or Secret("")
        self.secret.setVisible(bool(self._password))
        self.password.setText(self._password.reveal())
        if self._password:
            once = tr("Shown only this once. Send it by another way than the file.")
            self.banner.say("warn", once, closable=False)

    def copy_password(self) -> None:
        copy_for_a_while(self._password.reveal())
        self.banner.say("ok", tr("Copied. The clipboard is cleared in 30 seconds."), closable=False)

    def _copy_sha256(self) -> None:
        QGuiApplication.clipboard().setText(self.sha256.accessibleName())


def _fact(*, mono: int = 0) -> QLabel:
    made = label("", wrap=True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if mono:
        made.setFont(code_font(mono))
    return made
