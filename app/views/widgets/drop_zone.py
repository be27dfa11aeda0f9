"""A place to drop files on, to choose them by a button, or to paste a table into."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.views.theme import icon_pixmap, set_kind, theme
from app.views.widgets.pieces import button, label, native, row
from app.words import tr


class DropZone(QFrame):
    """`dropped` brings paths with one of `endings`, `pasted` brings text, `choose_wanted` asks for a file dialog."""

    dropped = Signal(list)
    pasted = Signal(str)
    choose_wanted = Signal()
    refused = Signal(str)

    def __init__(
        self, words: str, *, endings: Sequence[str], hint: str = "", paste: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "drop")
        self.setAccessibleName(words)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(180)
        self._endings = tuple(ending.lower() for ending in endings)
        self._symbol = QLabel()
        self._symbol.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        title = label(words, "card-title", wrap=True)
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        note = label(hint, "label", wrap=True)
        note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        if not hint:
            note.hide()
        self.choose_button = button(tr("Choose a file"), self.choose_wanted.emit, kind="primary", symbol="folder-open")
        paste_tip = native("Ctrl+V")
        self.paste_button = button(tr("Paste from a table"), self.paste, symbol="clipboard-paste", tip=paste_tip)
        if not paste:
            self.paste_button.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(8)
        layout.addStretch(1)
        for part in (self._symbol, title, note):
            layout.addWidget(part)
        layout.addSpacing(8)
        layout.addLayout(row(0, self.choose_button, self.paste_button, 0))
        layout.addStretch(1)
        theme().changed.connect(self._paint_symbol)
        self._paint_symbol()

    def paste(self) -> None:
        """What is on the clipboard: files, or the text of a copied table."""
        self._take(QGuiApplication.clipboard().mimeData())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasText():
            event.acceptProposedAction()
            set_kind(self, "over")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        set_kind(self, "")

    def dropEvent(self, event: QDropEvent) -> None:
        set_kind(self, "")
        event.acceptProposedAction()
        self._take(event.mimeData())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.choose_wanted.emit()
        else:
            super().keyPressEvent(event)

    def _take(self, mime: QMimeData) -> None:
        paths = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        good = [path for path in paths if path.suffix.lower() in self._endings]
        if good:
            self.dropped.emit(good)
        elif paths:
            self.refused.emit(tr("{name} is not a file of a kind that can be read here", name=paths[0].name))
        elif mime.hasText() and mime.text().strip():
            self.pasted.emit(mime.text())
        else:
            self.refused.emit(tr("There is nothing to paste. Copy the cells first."))

    def _paint_symbol(self) -> None:
        ratio = self.devicePixelRatioF()
        self._symbol.setPixmap(icon_pixmap("file-spreadsheet", theme().tokens.primary, size=40, ratio=ratio))
