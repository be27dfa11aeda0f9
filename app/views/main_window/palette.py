"""Ctrl+K: one field that finds pages, commands, cards and people, and opens what Enter is pressed on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.views.jobs import JobRunner
from app.views.main_window.specs import Find, Found, Scope
from app.views.theme import font, paint_icon, theme
from app.views.widgets.pieces import label
from app.views.widgets.search_box import SearchBox
from app.words import tr

WIDTH = 640
ROW = 40
SHOWN = 9
ENTRY_ROLE = Qt.ItemDataRole.UserRole
NO_MATCH = 9
SCOPES: tuple[Scope, ...] = ("#", "@")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette; `detail` stands at its right edge."""

    title: str
    detail: str
    symbol: str
    call: Callable[[], object]


class _EntryPainter(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry: Entry = index.data(ENTRY_ROLE)
        tokens = theme().tokens
        area: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(tokens.selection))
            painter.drawRoundedRect(area, 6, 6)
        paint_icon(painter, entry.symbol, QRect(area.left() + 12, area.center().y() - 9, 20, 20), colour=tokens.text_2)
        inner = area.adjusted(44, 0, -12, 0)
        painter.setFont(font(13))
        painter.setPen(QColor(tokens.hint))
        detail_width = min(painter.fontMetrics().horizontalAdvance(entry.detail), inner.width() // 2)
        right = QRect(inner.right() - detail_width, area.top(), detail_width + 2, area.height())
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter, _cut(painter, entry.detail, detail_width + 2))
        painter.setFont(font(14))
        painter.setPen(QColor(tokens.text))
        left = inner.adjusted(0, 0, -detail_width - 16, 0)
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, _cut(painter, entry.title, left.width()))
        painter.restore()


def _cut(painter: QPainter, text: str, width: int) -> str:
    return QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, width)


def ranked(entries: Sequence[Entry], words: str) -> list[Entry]:
    """Those whose title holds the words, or whose reading begins with them: what is called so first."""
    wanted = words.casefold()
    if not wanted:
        return list(entries)
    rated = [(_rank(entry, wanted), entry) for entry in entries]
    return [entry for rank, entry in sorted(rated, key=lambda pair: pair[0]) if rank < NO_MATCH]


def _rank(entry: Entry, wanted: str) -> int:
    title = entry.title.casefold()
    if title == wanted:
        return 0
    if title.startswith(wanted):
        return 1
    if wanted in title:
        return 2
    from app.services.people.pinyin import readings  # its dictionary is here once a vault is open, not before

    return 3 if any(reading.startswith(wanted) for reading in readings(entry.title)[1].split()) else NO_MATCH


def _meant(entry: Entry, words: str) -> bool:
    return entry.title.casefold() == words.casefold()


class Palette(QFrame):
    """Lies over the window. `entries` are the pages and commands; `find` looks for records on a worker."""

    def __init__(
        self,
        window: QWidget,
        jobs: JobRunner,
        *,
        entries: Sequence[Entry],
        find: Find | None,
        open_found: Callable[[Found], object],
    ) -> None:
        super().__init__(window)
        self.setProperty("role", "floating")
        self._window, self._jobs = window, jobs
        self._entries, self._find, self._open_found = tuple(entries), find, open_found
        self._asked = 0
        self._seeking = self._entered = False
        self.box = SearchBox(tr("Card number, name, phone or command"))
        self.box.searched.connect(self._search)
        self.box.installEventFilter(self)
        self.results = QListWidget()
        self.results.setProperty("role", "plain")
        self.results.setItemDelegate(_EntryPainter(self.results))
        self.results.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.results.setFrameShape(QFrame.Shape.NoFrame)
        self.results.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.results.setAccessibleName(tr("Found"))
        self.results.itemClicked.connect(self._open)
        self.nothing = label(tr("Nothing found"), "label")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        note = label(tr("> commands   # cards   @ people"), "note")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 10)
        layout.setSpacing(8)
        for part in (self.box, self.results, self.nothing, note):
            layout.addWidget(part)
        self._back: QWidget | None = None
        self.hide()

    def pop_up(self, words: str = "") -> None:
        if self.isHidden():
            self._back = self._window.focusWidget()
        self.box.setText(words)
        self._search(words)
        self.show()
        self.raise_()
        self.place()
        self.box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.box.selectAll()

    def shut(self) -> None:
        """The keys go back to where they were."""
        held = QApplication.focusWidget()
        had_keys = held is not None and self.isAncestorOf(held)
        self.hide()
        if had_keys and self._back is not None and isValid(self._back):
            self._back.setFocus(Qt.FocusReason.OtherFocusReason)

    def place(self) -> None:
        width = min(WIDTH, self._window.width() - 48)
        self.setFixedWidth(width)
        self.adjustSize()
        self.move((self._window.width() - width) // 2, 72)

    def titles(self) -> list[str]:
        """What is listed, from the top."""
        return [self.results.item(at).data(ENTRY_ROLE).title for at in range(self.results.count())]

    def _search(self, words: str) -> None:
        only_commands = words.startswith(">")
        scope: Scope = words[:1] if words[:1] in SCOPES else ""  # type: ignore[assignment]  # narrowed by the tuple
        rest = words.lstrip(">#@").strip()
        own = [] if scope else ranked(self._entries, rest)
        self._show(own)
        self._asked += 1
        self._entered = False
        self._seeking = self._find is not None and bool(rest) and not only_commands
        if self._find is not None and self._seeking:
            asked = self._asked
            self._jobs.start(
                self._find,
                scope,
                rest,
                on_done=lambda found: self._add_found(found, asked=asked, own=own),
                owner=self,
            )

    def _add_found(self, found: Sequence[Found], *, asked: int, own: Sequence[Entry]) -> None:
        if asked != self._asked:
            return
        self._seeking = False
        records = [Entry(one.title, one.detail, one.symbol, partial(self._open_found, one)) for one in found]
        named = own[:1] if own and _meant(own[0], self.box.words) else []
        self._show([*named, *records, *own[len(named) :]])
        if self._entered:
            self._open(self.results.currentItem())

    def _show(self, entries: Sequence[Entry]) -> None:
        self.results.clear()
        for entry in entries[:50]:
            item = QListWidgetItem()
            item.setData(ENTRY_ROLE, entry)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title} {entry.detail}".strip())
            self.results.addItem(item)
        self.results.setCurrentRow(0)
        self.results.setVisible(bool(entries))
        self.nothing.setVisible(not entries)
        self.results.setFixedHeight(min(len(entries), SHOWN) * ROW + 2)
        self.place()

    def _open(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            entry: Entry = item.data(ENTRY_ROLE)
            self.shut()
            entry.call()

    def _enter(self) -> None:
        """Open the first for what is typed, not for what was typed a moment ago; records may still be on their way."""
        self.box.tell_now()
        first = self.results.item(0).data(ENTRY_ROLE) if self.results.count() else None
        if self._seeking and self.results.currentRow() <= 0 and not (first and _meant(first, self.box.words)):
            self._entered = True
        else:
            self._open(self.results.currentItem())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and self.isVisible():
            self.shut()
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._take_key(event.key())
        return False

    def _take_key(self, key: int) -> bool:
        count, at = self.results.count(), self.results.currentRow()
        if key == Qt.Key.Key_Escape:
            self.shut()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and count:
            self.results.setCurrentRow((at + (1 if key == Qt.Key.Key_Down else -1)) % count)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter()
        else:
            return False
        return True
