"""Letting a device in: its role and name, then the code to type there; and giving it another role or name."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.errors import AppError
from app.services.cloud.devices import DeviceRow, DeviceService, Invitation
from app.services.writers.qr import Picture, picture
from app.views.jobs import JobRunner
from app.views.sync.device_words import role_word, shown_name
from app.views.sync.qr_view import QrView
from app.views.sync.role_choice import RoleChoice
from app.views.theme import code_font
from app.views.widgets.clipboard import copy_for_a_while
from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import column, label, row
from app.views.widgets.toast import toast
from app.words import tr

QR_PX = 184
TICK_MS = 1_000


class AddDeviceDialog(Dialog):
    """First who it is, then the code. It closes by itself never: somebody is typing the code next door."""

    def __init__(
        self, parent: QWidget, devices: DeviceService, *, jobs: JobRunner, roles: Sequence[str], near: bool
    ) -> None:
        """`near`: at present only this machine reaches the endpoint."""
        super().__init__(parent, tr("Add a device"), width=WIDE)
        self._devices, self._jobs = devices, jobs
        self.roles, self.name = RoleChoice(roles), QLineEdit()
        self.name.setPlaceholderText(tr("Front counter"))
        self.form = Form()
        self.form.add("device", tr("Name of the device"), self.name)
        self.form.add("role", tr("Role"), self.roles)
        self.code = CodeSheet()
        self.code.hide()
        self.body.addWidget(self.form)
        self.body.addWidget(self.code)
        self.cancel_button = self.add_cancel()
        self.copy_button = self.add_other(tr("Copy address and code"), self.copy)
        self.copy_button.hide()
        self.verb_button = self.add_verb(tr("Make a pairing code"), self.invite)
        self._near = near
        self._say_near()
        self.name.setFocus()

    def invite(self) -> None:
        if not self.name.text().strip():
            self.form.set_error("device", tr("This cannot be empty."))
            return
        self._set_busy(busy=True)
        call = partial(_invited, self._devices, self.roles.chosen(), self.name.text())
        self._jobs.start(call, on_done=self._show_code, on_refused=self._refuse, owner=self)

    def copy(self) -> None:
        """One line that the other desktop takes apart by itself."""
        if self.code.invitation is not None:
            copy_for_a_while(_line(self.code.invitation))
            toast(self.parentWidget() or self, tr("Copied for 30 seconds"))

    def _show_code(self, made: tuple[Invitation, Picture]) -> None:
        self._say_near()
        self.heading.setText(tr("Pairing code for {name}", name=made[0].name))
        self.form.hide()
        self.code.show_code(*made)
        self.code.show()
        self.verb_button.hide()
        self.copy_button.show()
        self.copy_button.setFocus()
        self.cancel_button.setText(tr("Close"))

    def _say_near(self) -> None:
        self.banner.clear()
        if self._near:
            words = tr(
                "At present only this machine reaches the endpoint. For another one choose an address of the network "
                "first, or connect a cloud endpoint."
            )
            self.banner.say("warn", words, closable=False)

    def _refuse(self, error: AppError) -> None:
        self._set_busy(busy=False)
        if not self.form.show_error(error):
            self.banner.show_error(error)

    def _set_busy(self, *, busy: bool) -> None:
        self.verb_button.setEnabled(not busy)


class CodeSheet(QWidget):
    """Address and code as a picture and as text, what to do with them, and how long they are good."""

    def __init__(self) -> None:
        super().__init__()
        self.invitation: Invitation | None = None
        self._age = QElapsedTimer()
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self.show_left)
        self.qr = QrView(QR_PX, tr("Address and pairing code as a QR code"))
        self.address, self.text = _copyable(), _copyable()
        self.left, self.role = label("", "muted", wrap=True), label("", "muted", wrap=True)
        facts = column(
            label(tr("Address"), "label"),
            self.address,
            4,
            label(tr("Pairing code"), "label"),
            self.text,
            4,
            self.left,
            self.role,
            0,
            spacing=4,
        )
        beside = row(self.qr, facts, spacing=16)
        beside.setStretch(1, 1)
        beside.setAlignment(self.qr, Qt.AlignmentFlag.AlignTop)
        steps = (
            tr("Open Kaxia on the other machine. A new vault will do; it takes over this merchant."),
            tr("There choose Sync, then Connect a cloud endpoint."),
            tr("Type the address and the code, or scan the picture into the address field."),
        )
        words = [label(f"{number}. {step}", "muted", wrap=True) for number, step in enumerate(steps, 1)]
        self.setLayout(column(beside, 4, *words))

    def show_code(self, invitation: Invitation, drawn: Picture) -> None:
        self.invitation = invitation
        self.qr.show_picture(drawn)
        self.address.setText(invitation.url)
        self.text.setText(invitation.code.reveal())
        self.role.setText(tr("Role: {role}. The code is shown only here.", role=role_word(invitation.role)))
        self._age.start()
        self._tick.start()
        self.show_left()

    def show_left(self) -> None:
        if self.invitation is None:
            return
        left_s = self.invitation.good_for_s - self._age.elapsed() // 1_000
        if left_s > 0:
            self.left.setText(tr("Works once, for another {left}", left=f"{left_s // 60}:{left_s % 60:02d}"))
            return
        self._tick.stop()
        self.qr.show_picture(None)
        self.text.setEnabled(False)
        self.left.setText(tr("This code is too old now. Close this and make a new one."))


class RoleDialog(Dialog):
    def __init__(self, parent: QWidget, device: DeviceRow, roles: Sequence[str], then: Callable[[str], object]) -> None:
        super().__init__(parent, tr("What may {name} do?", name=shown_name(device)), width=WIDE)
        self.roles = RoleChoice(roles, device.role)
        self.body.addWidget(self.roles)
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Change the role"))
        self.accepted.connect(lambda: then(self.roles.chosen()))
        self.roles.setFocus()


class RenameDialog(Dialog):
    def __init__(self, parent: QWidget, device: DeviceRow, then: Callable[[str], object]) -> None:
        super().__init__(parent, tr("Rename the device"))
        self.name = QLineEdit(device.name)
        self.form = Form()
        self.form.add("device", tr("Name of the device"), self.name)
        self.body.addWidget(self.form)
        self._then = then
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Rename"), self.rename)
        self.name.selectAll()
        self.name.setFocus()

    def rename(self) -> None:
        if not self.name.text().strip():
            self.form.set_error("device", tr("This cannot be empty."))
            return
        self._then(self.name.text())
        self.accept()


def _invited(devices: DeviceService, role: str, name: str) -> tuple[Invitation, Picture]:
    """On a worker: the picture takes a moment, too."""
    made = devices.invite(role, name)
    return made, picture(_line(made))


def _line(invitation: Invitation) -> str:
    return f"{invitation.url} {invitation.code.reveal()}"


def _copyable() -> QLabel:
    made = label("", wrap=True)
    made.setFont(code_font())
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made
