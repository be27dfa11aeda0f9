"""A field that filters: it waits for committed words, so half-typed pinyin never filters, and pauses between keys."""

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.views.theme import icon
from app.words import tr

PAUSE_MS = 200


class SearchBox(QLineEdit):
    """`searched` comes with the words after a short pause, at once on Enter or when it is cleared."""

    searched = Signal(str)

    def __init__(self, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "search")
        self.setPlaceholderText(hint or tr("Search"))
        self.setAccessibleName(hint or tr("Search"))
        glass = QAction(icon("search", "hint"), tr("Search"), self)
        glass.triggered.connect(lambda _=False: self.setFocus())
        self.addAction(glass, QLineEdit.ActionPosition.LeadingPosition)
        self._clear = QAction(icon("x"), tr("Clear"), self)
        self._clear.triggered.connect(self.clear)
        self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        self._clear.setVisible(False)
        self._composing = False
        self._told = ""
        self._pause = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._tell)
        self.textChanged.connect(self._wait)
        self.returnPressed.connect(self._tell)

    @property
    def words(self) -> str:
        return self.text().strip()

    def sizeHint(self) -> QSize:
        return QSize(280, super().sizeHint().height())

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)
        if not self._composing and self.words != self._told:
            self._pause.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    def show_words(self, words: str) -> None:
        """Words that stand there without anybody hearing of it: the caller asks for its list itself."""
        self.blockSignals(True)
        self.setText(words)
        self.blockSignals(False)
        self._pause.stop()
        self._told = self.words
        self._clear.setVisible(bool(words))

    def tell_now(self) -> None:
        """Do not wait for the pause: somebody acts on what is typed."""
        self._tell()

    def _wait(self) -> None:
        self._clear.setVisible(bool(self.text()))
        if not self.text():
            self._tell()
        elif not self._composing:
            self._pause.start()

    def _tell(self) -> None:
        self._pause.stop()
        if not self._composing and self.words != self._told:
            self._told = self.words
            self.searched.emit(self._told)
