"""The bar over the page: where one is, the search, the state of sync, what runs, the lock."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QWidget

from app.views.jobs import JobRunner
from app.views.main_window.specs import SyncStatus
from app.views.theme import font, icon, theme
from app.views.widgets.elided_label import ElidedLabel
from app.views.widgets.pieces import button, icon_button, label, native, row
from app.words import ntr, tr

RING = 20


class TaskRing(QAbstractButton):
    """How far the running jobs are, and how many there are; not there while nothing runs."""

    def __init__(self, jobs: JobRunner, parent: QWidget) -> None:
        super().__init__(parent)  # it may be seen at once: without one it would flash as a window
        self._jobs = jobs
        self.setFixedSize(56, 32)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        jobs.listed.connect(self.refresh)
        theme().changed.connect(self.update)
        self.refresh()

    def refresh(self) -> None:
        running = self._jobs.running()
        for job in running:
            job.progressed.connect(self.update, Qt.ConnectionType.UniqueConnection)
        words = ntr("{count} task running", "{count} tasks running", len(running))
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.setVisible(bool(running))
        self.update()

    @property
    def share(self) -> float:
        """Mean progress of the running jobs, 0 to 1."""
        known = [job.done / job.total for job in self._jobs.running() if job.total]
        return sum(known) / len(known) if known else 0.0

    def sizeHint(self) -> QSize:
        return QSize(56, 32)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRectF(6, (self.height() - RING) / 2, RING, RING)
        painter.setPen(QPen(QColor(tokens.line), 3))
        painter.drawEllipse(ring)
        painter.setPen(QPen(QColor(tokens.primary), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawArc(ring, 90 * 16, -round(max(self.share, 0.03) * 360 * 16))
        painter.setFont(font(13, 500))
        painter.setPen(QColor(tokens.text))
        words = self.rect().adjusted(RING + 12, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, str(len(self._jobs.running())))
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.primary), 2))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)
        painter.end()


class SyncDot(QAbstractButton):
    """A dot and the words beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.status = SyncStatus("neutral", "")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(32)
        self.hide()
        theme().changed.connect(self.update)

    def set_status(self, status: SyncStatus) -> None:
        self.status = status
        self.setAccessibleName(status.words)
        self.setToolTip(tr("Sync now ({keys})", keys=native("F5")))
        self.setVisible(bool(status.words))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(32 + self.fontMetrics().horizontalAdvance(self.status.words), 32)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.hover))
            painter.drawRoundedRect(self.rect(), 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.ink(self.status.tone)))
        painter.drawEllipse(QRectF(8, self.height() / 2 - 4, 8, 8))
        painter.setFont(font(13))
        painter.setPen(QColor(tokens.text_2))
        painter.drawText(self.rect().adjusted(24, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, self.status.words)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.primary), 2))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)
        painter.end()


class TopBar(QFrame):
    """48 px high."""

    fold_wanted = Signal()
    search_wanted = Signal()
    sync_wanted = Signal()
    tasks_wanted = Signal()
    lock_wanted = Signal()

    def __init__(self, jobs: JobRunner, *, merchant: str, searchable: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setFixedHeight(49)
        self._fold = icon_button("panel-left-close", tr("Fold the rail"), self.fold_wanted.emit, shortcut="Ctrl+B")
        self._merchant = ElidedLabel(merchant, "label")
        self._slash = label("/", "note")
        self.where = ElidedLabel("", "label")
        search = button(tr("Search, or type > for a command"), self.search_wanted.emit)
        search.setProperty("role", "search-trigger")
        search.setIcon(icon("search", "hint"))
        search.setFixedWidth(320)
        search.setToolTip(native("Ctrl+K"))
        if not searchable:
            search.hide()
        self.search_button = search
        self.sync = SyncDot()
        self.sync.clicked.connect(self.sync_wanted)
        self.ring = TaskRing(jobs, self)
        self.ring.clicked.connect(self.tasks_wanted)
        lock = icon_button("lock", tr("Lock"), self.lock_wanted.emit, shortcut="Ctrl+L")
        place = (self._fold, self._merchant, self._slash, self.where)
        layout = row(*place, 0, search, self.sync, self.ring, lock, spacing=8)
        layout.setContentsMargins(12, 0, 12, 0)
        self.setLayout(layout)

    def set_folded(self, folded: bool) -> None:
        words = tr("Unfold the rail") if folded else tr("Fold the rail")
        self._fold.setIcon(icon("panel-left-open" if folded else "panel-left-close"))
        self._fold.setAccessibleName(words)
        self._fold.setToolTip(f"{words} ({native('Ctrl+B')})")

    def set_place(self, title: str) -> None:
        self.where.setText(title)
