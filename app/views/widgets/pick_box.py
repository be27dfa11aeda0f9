"""A field that finds one of very many: a few letters, the arrow keys, Enter. What was picked is told, not kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QCompleter, QListView

from app.views.jobs import JobRunner
from app.views.widgets.search_box import SearchBox
from app.words import tr

WIDTH = 168
MOST = 20
"""Found things that are offered; a letter more finds the others."""
WHICH = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class Pick:
    """`words` tell it from the others of the list, `name` is what it is called once it is picked."""

    id: int
    name: str
    words: str


class PickBox(SearchBox):
    """`find(text, limit)` is asked on a worker; an empty text offers what is likely. Enter takes the first."""

    picked = Signal(object)

    def __init__(self, name: str, find: Callable[[str, int], Sequence[Pick]], *, jobs: JobRunner) -> None:
        super().__init__(name)
        self.setAccessibleDescription(tr("Type a few letters, then choose with the arrow keys"))
        self._find, self._jobs = find, jobs
        self._asked = 0
        self._answered = ""
        self._takes_first = False
        self._found = QStandardItemModel(self)
        self.list = QCompleter(self._found, self)
        self.list.setWidget(self)
        self.list.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.list.setMaxVisibleItems(10)
        self.popup = QListView(self)
        self.list.setPopup(self.popup)
        self.list.activated[QModelIndex].connect(self._take)  # type: ignore[index]  # PySide's way to an overload
        self.searched.connect(self._ask)
        self.returnPressed.connect(self.take_first)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, super().sizeHint().height())

    @property
    def offered(self) -> list[str]:
        return [self._found.item(at).text() for at in range(self._found.rowCount())]

    def take_first(self) -> None:
        """What Enter does: the first that is found, as soon as it is."""
        if not self.words:
            self._ask("")
        elif self._answered == self.words:
            self._take(self._found.index(0, 0))
        else:
            self._takes_first = True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down and not self.popup.isVisible():
            self._ask(self.words)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if not self.words:
            self._ask("")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._takes_first = False

    def _ask(self, text: str) -> None:
        self._asked += 1
        asked = self._asked

        def done(found: Sequence[Pick]) -> None:
            if asked == self._asked:  # an answer that a later question overtook is left unheard
                self._offer(text, found)

        self._jobs.start(self._find, text, MOST, on_done=done, owner=self)

    def _offer(self, text: str, found: Sequence[Pick]) -> None:
        self._answered = text
        self._found.clear()
        for pick in found:
            item = QStandardItem(pick.words)
            item.setData(pick, WHICH)
            self._found.appendRow(item)
        if not found:
            nothing = QStandardItem(tr("Nothing found"))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self._found.appendRow(nothing)
        if self._takes_first:
            self._takes_first = False
            self._take(self._found.index(0, 0))
        elif self.hasFocus():
            self._open()

    def _open(self) -> None:
        widest = self.popup.sizeHintForColumn(0) + 2 * self.popup.frameWidth() + 24
        room = self.rect()
        room.setWidth(max(self.width(), min(widest, 360)))
        self.list.complete(room)

    def _take(self, index: QModelIndex) -> None:
        pick = index.data(WHICH)
        if isinstance(pick, Pick):
            self._asked += 1
            self.show_words("")
            self._answered = ""
            self.popup.hide()
            self.picked.emit(pick)
