"""Connect an endpoint in the cloud: its address, the pairing code, and what will happen."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from app.errors import AppError, InvalidInput, OldEndpointSilent
from app.services.cloud import CloudService, CloudStatus
from app.views.jobs import JobRunner
from app.views.sync.leaving import ask_to_leave
from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.words import tr

CODE_SIGNS = 22


class ConnectDialog(Dialog):
    """Accepts once the endpoint has answered; a refusal stays in the dialog."""

    def __init__(
        self, parent: QWidget, cloud: CloudService, *, jobs: JobRunner, moving: bool, again: bool = False
    ) -> None:
        """`again`: with the endpoint it works with, which does not take this device any more."""
        title = tr("Pair this device again") if again else tr("Connect a cloud endpoint")
        super().__init__(parent, title, width=WIDE)
        self._cloud, self._jobs, self._again = cloud, jobs, again
        self.url, self.code = QLineEdit(), QLineEdit()
        self.url.textChanged.connect(self._take_apart)
        self.url.setPlaceholderText("https://card.example.cn")
        self.form = Form()
        self.form.add("url", tr("Address"), self.url, hint=tr("It begins with https://"))
        self.form.add(
            "code", tr("Pairing code"), self.code, hint=tr("Who runs it makes one; it is good for 10 minutes")
        )
        self.body.addWidget(self.form)
        self.body.addWidget(label(tr("What will happen"), "card-title"))
        for number, words in enumerate(_again() if again else _steps(moving=moving), 1):
            self.body.addWidget(label(f"{number}. {words}", "muted", wrap=True))
        self.body.addStretch(1)
        self.add_cancel()
        self.leave_button = self.add_other(tr("Leave without a last sync"), self._ask_to_leave)
        self.leave_button.hide()
        self.verb_button: QPushButton = self.add_verb(tr("Connect"), self.connect_now)
        self._silent: OldEndpointSilent | None = None
        self.url.setFocus()

    def show_present(self, status: CloudStatus) -> None:
        """Where it is paired again stands there already; whose code it has to be is what who runs it asks for."""
        if self._again:
            self.url.setText(status.url)
            self.form.fields["url"].set_hint("")
            self.code.setFocus()
        hint = self.form.fields["code"].hint
        hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)  # nobody types such a number
        self.form.fields["code"].set_hint(
            tr(
                "An owner makes one under Devices. Who runs the endpoint makes one for merchant {number}. It is good "
                "for 10 minutes.",
                number=status.merchant_id,
            )
        )

    def _take_apart(self, typed: str) -> None:
        """Address and code in one line, pasted or scanned."""
        parts = typed.split()
        if len(parts) == 2 and len(parts[1]) >= CODE_SIGNS:
            self.url.setText(parts[0])
            self.code.setText(parts[1])

    def connect_now(self) -> None:
        self._connect(None)

    def _connect(self, leave: str | None) -> None:
        """`leave` names the present endpoint where it is left unheard."""
        for key, field in (("url", self.url), ("code", self.code)):
            if not field.text().strip():
                self.form.set_error(key, tr("This cannot be empty."))
                return
        self._set_busy(busy=True)
        call = partial(self._cloud.pair, self.url.text(), self.code.text(), leave=leave)
        self._jobs.start(
            call,
            title=tr("Connect an endpoint"),
            watch=True,
            on_done=self._paired,
            on_refused=self.refuse,
            on_cancelled=lambda: self._set_busy(busy=False),
            owner=self,
        )

    def _ask_to_leave(self) -> None:
        silent = self._silent
        if silent is not None:
            ask_to_leave(self, silent, then=lambda: self._connect(silent.host))

    def _paired(self, _: CloudStatus) -> None:
        self.accept()

    def refuse(self, error: AppError) -> None:
        self._set_busy(busy=False)
        self._silent = error if isinstance(error, OldEndpointSilent) else None
        self.leave_button.setVisible(self._silent is not None)
        if not (isinstance(error, InvalidInput) and self.form.show_error(error)):
            self.banner.show_error(error)

    def _set_busy(self, *, busy: bool) -> None:
        for button in (self.verb_button, self.leave_button):
            button.setEnabled(not busy)
        self.verb_button.setText(tr("Connecting") if busy else tr("Connect"))


def _again() -> list[str]:
    return [
        tr("This device gets a new key and stands in the list anew, with the role that the code gives."),
        tr("Everything that waits here goes out with the next sync."),
    ]


def _steps(*, moving: bool) -> list[str]:
    steps = [
        tr("All batches, freezes, links and past redemptions are queued for the new endpoint and go out by sync."),
        tr("It gets fingerprints of the codes, never the codes themselves."),
    ]
    if not moving:
        return steps
    return [
        tr("First this vault hears everything the present endpoint still has to say, and gives back what it leased."),
        tr("From then on the present endpoint redeems nothing of it: no card can be used at both."),
        *steps,
        tr("The endpoint on this machine stops. Links that were handed out lead to the old address until sent again."),
    ]
