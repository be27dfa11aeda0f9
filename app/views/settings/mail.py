"""邮件: the server that mail leaves by. Its password goes in and is never shown again."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox, QWidget

from app.errors import AppError
from app.services.channels.email import PORTS, MailServer
from app.services.settings import SettingService
from app.views.jobs import JobRunner
from app.views.settings.sheet import card, sheet
from app.views.widgets.banner import Banner
from app.views.widgets.dialog import ask
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField
from app.views.widgets.pieces import button, label, row
from app.views.widgets.toast import toast
from app.words import tr

KEY = "mail.server"
EXAMPLE = "smtp.exmail.qq.com"
Values = dict[str, Any]


class MailSection(QWidget):
    """`test` connects, encrypts and logs in, and sends nothing."""

    def __init__(self, settings: SettingService, *, test: Callable[[Mapping[str, Any]], None], jobs: JobRunner) -> None:
        super().__init__()
        self._settings, self._test, self._jobs = settings, test, jobs
        self._stored: Values = {}
        self._testing = False
        self.banner = Banner(self)
        self.form = Form(columns=2)
        self._fill_form()
        self.save_button = button(tr("Save"), self.save, kind="primary")
        self.test_button = button(tr("Test the connection"), self.test_connection, symbol="send")
        self.remove_button = button(tr("Remove"), self.remove, kind="danger")
        self.remove_button.hide()
        words = tr("One mail goes to each person, over an encrypted line, with a claim link and never a code.")
        acts = row(self.save_button, self.test_button, 0, self.remove_button)
        sheet(self, self.banner, card(label(words, "muted", wrap=True), self.form, acts))
        jobs.start(settings.get, KEY, on_done=self._show_stored, owner=self)

    # --- what a person does ---

    def save(self) -> None:
        values = self._values()
        if values is None:
            return

        def put() -> Values:
            MailServer.from_settings(values)  # refuses what could never send
            self._settings.put(KEY, values)
            return values

        def done(kept: Values) -> None:
            self._show_stored(kept)
            self.banner.clear()
            toast(self, tr("Saved"))

        self._jobs.start(put, on_done=done, on_refused=self._refuse, owner=self)

    def test_connection(self) -> None:
        """With what stands in the form, saved or not."""
        values = None if self._testing else self._values()
        if values is None:
            return

        def done(_: None) -> None:
            self._set_testing(testing=False)
            self.banner.say("ok", tr("The server answered and took the login. Nothing was sent."))

        def refused(error: AppError) -> None:
            self._set_testing(testing=False)
            self._refuse(error)

        self._set_testing(testing=True)
        self._jobs.start(self._test, values, on_done=done, on_refused=refused, owner=self)

    def remove(self) -> None:
        def forget() -> None:
            self._jobs.start(
                self._settings.put,
                KEY,
                {},
                on_done=lambda _: self._show_stored({}),
                on_refused=self._refuse,
                owner=self,
            )

        ask(
            self,
            tr("Remove the mail server?"),
            consequence=tr("Its password is forgotten, and no mail can be sent until another one is set up."),
            verb=tr("Remove"),
            then=forget,
        )

    # --- what comes back ---

    def _show_stored(self, stored: Values) -> None:
        self._stored = dict(stored)
        self.security.setCurrentIndex(max(0, self.security.findData(stored.get("security"))))
        self.host.setText(str(stored.get("host") or ""))
        self.port.setValue(int(stored.get("port") or PORTS[str(self.security.currentData())]))
        self.user.setText(str(stored.get("user") or ""))
        self.sender_address.setText(str(stored.get("sender") or ""))
        self.sender_name.setText(str(stored.get("sender_name") or ""))
        self.password.clear()
        kept = bool(stored.get("password"))
        self.password.entry.setPlaceholderText(tr("Kept; leave empty to keep it") if kept else "")
        self.remove_button.setVisible(bool(stored))
        self.form.clear_errors()

    def _refuse(self, error: AppError) -> None:
        if not self.form.show_error(error):
            self.banner.show_error(error)

    # --- what is shown ---

    def _fill_form(self) -> None:
        self.host, self.user, self.sender_address, self.sender_name = QLineEdit(), QLineEdit(), QLineEdit(), QLineEdit()
        self.host.setPlaceholderText(EXAMPLE)
        self.port, self.security = QSpinBox(), QComboBox()
        self.port.setRange(1, 65_535)
        for key, name in (
            ("tls", tr("Encrypted from the start (TLS)")),
            ("starttls", tr("Encrypted after the greeting (STARTTLS)")),
            ("none", tr("Not encrypted: this machine only")),
        ):
            self.security.addItem(name, key)
        self.port.setValue(PORTS["tls"])
        self.security.currentIndexChanged.connect(self._follow)
        self.password = PassphraseField(tr("Mail password"))
        self.password.edited.connect(lambda: self.form.fields["password"].set_error(""))
        self.form.add("host", tr("Mail server (SMTP)"), self.host)
        self.form.add("port", tr("Port"), self.port)
        self.form.add("security", tr("Encryption"), self.security, wide=True)
        self.form.add("user", tr("User name"), self.user)
        hint = tr("Often an authorisation code, not the mailbox password")
        self.form.add("password", tr("Mail password"), self.password, hint=hint)
        self.form.add("sender", tr("Sender address"), self.sender_address, hint=tr("Empty: the user name"))
        self.form.add("sender_name", tr("Sender name"), self.sender_name, hint=tr("What recipients see"))

    def _follow(self) -> None:
        """The usual port of a line, unless somebody chose another."""
        if self.port.value() in PORTS.values():
            self.port.setValue(PORTS[str(self.security.currentData())])

    def _values(self) -> Values | None:
        """What stands in the form; None after a mistake was marked. A kept password only goes where it belonged."""
        host, user, password = self.host.text().strip(), self.user.text().strip(), self.password.passphrase
        self.form.clear_errors()
        if not host:
            self.form.set_error("host", tr("Type the name of the server, like smtp.example.cn."))
            return None
        same = (host, user) == (self._stored.get("host"), self._stored.get("user"))
        if not password and self._stored.get("password") and not same:
            self.form.set_error("password", tr("The server or user changed: type the password again."))
            return None
        return {
            "host": host,
            "port": self.port.value(),
            "security": str(self.security.currentData()),
            "user": user,
            "password": password or str(self._stored.get("password") or ""),
            "sender": self.sender_address.text().strip(),
            "sender_name": self.sender_name.text().strip(),
        }

    def _set_testing(self, *, testing: bool) -> None:
        """The button is not disabled: Qt would take its keys away, to the rail."""
        self._testing = testing
        self.banner.clear()
        self.test_button.setText(tr("Connecting") if testing else tr("Test the connection"))
