"""How the vault stands with its endpoint: two cards beside each other, and in a low window one line in their place."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from app.services.cloud import CloudStatus
from app.views.sync.endpoint_card import FOLD_PX, EndpointCard
from app.views.sync.words import counted, lan_host, mode, standing
from app.views.widgets.elided_label import ElidedLabel
from app.views.widgets.facts import caption
from app.views.widgets.pieces import Card, button, column, label, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.words import NO_DATA, moment, ntr, tr

LOW_PX = 680
"""A page that is lower has no room for both cards and six rows of the list."""


class Overview(QWidget):
    """Folded by itself in a low window, until somebody folds or unfolds it by hand: the list below needs the room."""

    def __init__(self, endpoint: EndpointCard) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.status = StatusCard()
        self.line = StatusLine()
        self._by_hand: bool | None = None
        self._low, self._connected = False, True  # most are: what is not known yet jumps for nobody
        self._cards = QWidget()
        cards = row(self.status, endpoint, spacing=16)
        for at, share in enumerate((4, 5)):
            cards.setStretch(at, share)
        self._cards.setLayout(cards)
        self.setLayout(column(self._cards, self.line))
        self.line.start_button.clicked.connect(endpoint.start)
        self.line.unfold_button.clicked.connect(lambda: self._choose(folded=False))
        endpoint.fold_button.clicked.connect(lambda: self._choose(folded=True))
        self._arrange()

    @property
    def folded(self) -> bool:
        """Before the first endpoint the cards say what to do, and nothing is in the list."""
        return self._low and self._connected if self._by_hand is None else self._by_hand

    def fit(self, page_px: int) -> None:
        """Follow the height of the page."""
        self._low = page_px < LOW_PX
        self._arrange()

    def show_status(self, status: CloudStatus) -> None:
        self._connected = status.mode != "none"
        self.endpoint.fold_button.setVisible(self._connected)
        self.status.show_status(status)
        self.line.show_status(status)
        self.endpoint.show_status(status, lan_address=lan_host(status))
        self._arrange()

    def set_busy(self, busy: bool) -> None:
        self.endpoint.set_busy(busy=busy)
        self.line.start_button.setEnabled(not busy)

    def _choose(self, *, folded: bool) -> None:
        """By hand; the keyboard stays where it was."""
        self._by_hand = folded
        self._arrange()
        (self.line.unfold_button if folded else self.endpoint.fold_button).setFocus()

    def _arrange(self) -> None:
        self._cards.setVisible(not self.folded)
        self.line.setVisible(self.folded)


class StatusCard(Card):
    """Every fact on a line of its own."""

    def __init__(self) -> None:
        self.mark = StateLabel(StateMark("neutral", ""))
        super().__init__(tr("Status"), action=self.mark)
        self.heading.setMinimumHeight(FOLD_PX)  # on one line with that of the card beside it
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        names = (tr("Endpoint"), tr("Address"), tr("Last sync"), tr("Waiting"), tr("Refused"))
        self.facts: list[QLabel] = []
        for at, name in enumerate(names):
            value = label("", wrap=True)
            self.facts.append(value)
            grid.addWidget(caption(name), at, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, at, 1)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        self.body.addStretch(1)

    def show_status(self, status: CloudStatus) -> None:
        self.mark.set_mark(standing(status))
        told = (
            mode(status),
            status.url or NO_DATA,
            moment(status.last_sync_at),
            ntr("{count} entry", "{count} entries", status.pending),
            ntr("{count} entry", "{count} entries", status.rejected),
        )
        for value, words in zip(self.facts, told, strict=True):
            value.setText(words)


class StatusLine(QFrame):
    """The mark, what waits, and the way to the cards."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.setAccessibleName(tr("Status"))
        self.mark = StateLabel(StateMark("neutral", ""))
        self.words = ElidedLabel("", "label")
        self.start_button = button(tr("Start"), symbol="play", compact=True)
        self.unfold_button = button(tr("Details"), kind="text", symbol="chevron-down", compact=True)
        line = row(self.mark, self.words, self.start_button, self.unfold_button, spacing=16)
        line.setContentsMargins(16, 6, 8, 6)
        line.setStretch(1, 1)
        self.setLayout(line)

    def show_status(self, status: CloudStatus) -> None:
        self.mark.set_mark(standing(status))
        self.words.setText(counted(status))
        self.start_button.setVisible(not status.running)
