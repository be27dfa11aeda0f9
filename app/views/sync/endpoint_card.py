"""The endpoint: the one on this machine with its switch and address, or the one in the cloud; the pick-up page."""

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QWidget

from app.services.cloud import CloudStatus
from app.services.distribution.links import pickup_url
from app.views.sync.addresses import lan_addresses
from app.views.theme import code_font, icon, set_kind
from app.views.widgets.elided_label import ElidedLabel
from app.views.widgets.field import Field
from app.views.widgets.pieces import Card, button, column, icon_button, label, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.views.widgets.toast import toast
from app.words import tr

FOLD_PX = 28
"""Of the button that folds both cards: it makes the line of the title higher."""


class EndpointCard(Card):
    """Says what is wished for; the page does it."""

    start_wanted = Signal(str)  # the LAN address, or empty for this machine only
    return_wanted = Signal(str)  # the same, from an endpoint in the cloud
    stop_wanted = Signal()
    cloud_wanted = Signal()

    def __init__(self) -> None:
        self.state = StateLabel(StateMark("neutral", ""))
        self.fold_button = icon_button("chevron-up", tr("Fold the details"))
        self.fold_button.setFixedSize(FOLD_PX, FOLD_PX)
        action = QWidget()
        action.setLayout(row(self.state, self.fold_button))
        super().__init__(tr("Endpoint"), action=action)
        self._status: CloudStatus | None = None
        self.words = label("", "muted", wrap=True)
        self.address = QComboBox()
        self.field = Field(tr("Who can reach it"), self.address)
        self.address.activated.connect(self._move)
        self.pickup = PickupLine()
        self.start_button = button(tr("Start"), self.start, kind="primary", symbol="play")
        self.stop_button = button(tr("Stop"), self.stop_wanted.emit, symbol="circle-stop")
        self.cloud_button = button(tr("Connect a cloud endpoint"), self.cloud_wanted.emit, symbol="cloud")
        for part in (self.words, self.field, self.pickup):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.body.addLayout(row(self.start_button, self.stop_button, self.cloud_button, 0))

    def show_status(self, status: CloudStatus, *, lan_address: str) -> None:
        self._status = status
        cloud = status.mode == "cloud"
        running = status.running and status.mode != "none"
        if cloud:
            self.state.set_mark(StateMark("info", tr("In the cloud"), "cloud"))
        else:
            self.state.set_mark(StateMark("ok", tr("In service")) if running else StateMark("neutral", tr("Stopped")))
        self.words.setText(_about(cloud=cloud))
        self.words.setVisible(cloud or status.mode == "none")
        self.pickup.show_status(status)
        self.field.setVisible(not cloud)
        self.start_button.setVisible(cloud or not running)
        self.start_button.setText(tr("Use the endpoint on this machine") if cloud else tr("Start"))
        self._look(cloud=cloud)
        self.stop_button.setVisible(running and not cloud)
        self._fill(lan_address)

    def set_busy(self, busy: bool) -> None:
        for part in (self.start_button, self.stop_button, self.cloud_button, self.address):
            part.setEnabled(not busy)

    def _fill(self, chosen: str) -> None:
        self.address.clear()
        self.address.addItem(tr("Only this machine"), "")
        known = lan_addresses()
        for address in [*known, *([chosen] if chosen and chosen not in known else [])]:
            self.address.addItem(tr("Phones in the network: {address}", address=address), address)
        self.address.setCurrentIndex(max(0, self.address.findData(chosen)))

    def start(self) -> None:
        """What its button does."""
        cloud = self._status is not None and self._status.mode == "cloud"
        wanted = self.return_wanted if cloud else self.start_wanted
        wanted.emit(str(self.address.currentData() or ""))

    def _look(self, *, cloud: bool) -> None:
        """To leave the cloud is not what the page is for."""
        self.start_button.setIcon(icon("monitor" if cloud else "play", "text_2" if cloud else "on_primary"))
        set_kind(self.start_button, "normal" if cloud else "primary")
        self.cloud_button.setText(tr("Another cloud endpoint") if cloud else tr("Connect a cloud endpoint"))

    def _move(self) -> None:
        """A running endpoint moves at once; a stopped one takes the address when it starts."""
        if self._status is not None and self._status.running and self._status.mode != "cloud":
            self.start()


class PickupLine(QWidget):
    """Where a person types a pick-up code."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ElidedLabel("", "note")
        self.url = label("", wrap=True)
        self.url.setFont(code_font())
        self.url.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_button = icon_button("copy", tr("Copy the address"), self.copy)
        self.line = QWidget()
        line = row(self.url, self.copy_button)
        line.setStretch(0, 1)
        self.line.setLayout(line)
        head = row(label(tr("Pick-up page"), "label"), self.words)  # beside each other: the list below needs the room
        head.setStretch(1, 1)
        self.setLayout(column(head, self.line, spacing=2))

    def show_status(self, status: CloudStatus) -> None:
        url = pickup_url(status.url, status.slug) if status.url else ""
        self.url.setText(url)
        self.line.setVisible(bool(url))
        if not url:
            self.words.setText(tr("There is one as soon as an endpoint is connected."))
        elif not status.running:
            self.words.setText(tr("Nobody can open it until the endpoint runs again."))
        elif urlsplit(url).hostname in ("127.0.0.1", "localhost"):
            self.words.setText(tr("Only this machine opens it. Choose an address of the network."))
        else:
            self.words.setText(tr("Recipients open it and type their pick-up code."))

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.url.text())
        toast(self, tr("Address copied"))


def _about(*, cloud: bool) -> str:
    if cloud:
        return tr("Redeems around the clock, also while this program is closed.")
    return tr("It keeps which cards are used, so that none is used twice. Nothing is connected yet.")
