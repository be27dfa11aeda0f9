"""关于: the version, and whose work is inside, each with its licence word for word."""

import json
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPlainTextEdit, QVBoxLayout, QWidget

from app import __version__
from app.config import RESOURCES
from app.views.jobs import JobRunner
from app.views.theme import font, icon_pixmap, theme
from app.views.theme.fonts import NOTE_PX
from app.views.widgets.pieces import column, label, row
from app.views.widgets.search_box import SearchBox
from app.words import ntr, tr

LOGO = 48
LIST_WIDTH = 280


@dataclass(frozen=True, slots=True)
class Notice:
    """One part of the program made by others. `text` is its licence, word for word."""

    name: str
    version: str
    licence: str
    text: str


class AboutSection(QWidget):
    def __init__(self, *, jobs: JobRunner) -> None:
        super().__init__()
        self.setProperty("role", "scrolled")
        self._notices: list[Notice] = []
        self._logo = QLabel()
        theme().changed.connect(self._paint_logo)
        self._paint_logo()
        version = label(tr("Version {version}", version=__version__), "muted")
        version.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = row(self._logo, column(label(tr("Kaxia"), "page-title"), version, spacing=2), 0, spacing=16)
        self.count = label("", "muted", wrap=True)
        self.search = SearchBox(tr("Name or licence"))
        self.search.searched.connect(self._filter)
        self.search.searched.connect(self._filter)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Third-party software"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # then long names are elided
        self.list.currentRowChanged.connect(self._show_text)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(font(NOTE_PX))
        self.text.setAccessibleName(tr("Licence text"))
        self.text.setMinimumHeight(160)
        left = QWidget()
        left.setFixedWidth(LIST_WIDTH)
        left.setLayout(column(self.search, self.list))
        both = row(left, self.text, spacing=16)
        both.setStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addWidget(label(tr("Third-party software"), "card-title"))
        layout.addWidget(self.count)
        layout.addLayout(both, 1)
        jobs.start(read_notices, on_done=self._show_notices, owner=self)

    def _show_notices(self, notices: list[Notice]) -> None:
        self._notices = notices
        self.count.setText(
            ntr(
                "Kaxia contains the work of {count} project.",
                "Kaxia contains the work of {count} projects.",
                len(notices),
            )
        )
        for notice in notices:
            item = QListWidgetItem(f"{notice.name} {notice.version}".strip())
            item.setToolTip(f"{item.text()}\n{notice.licence}")
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _filter(self, words: str) -> None:
        wanted = words.strip().casefold()
        for at, notice in enumerate(self._notices):
            self.list.item(at).setHidden(wanted not in f"{notice.name} {notice.licence}".casefold())
        shown = [at for at in range(len(self._notices)) if not self.list.item(at).isHidden()]
        if shown and self.list.currentRow() not in shown:
            self.list.setCurrentRow(shown[0])

    def _show_text(self, at: int) -> None:
        if 0 <= at < len(self._notices):
            notice = self._notices[at]
            title = " ".join(part for part in (notice.name, notice.version) if part)
            self.text.setPlainText(f"{title}\n{notice.licence}\n\n{notice.text}")

    def _paint_logo(self) -> None:
        ratio = self.devicePixelRatioF()
        self._logo.setPixmap(icon_pixmap("logo", theme().tokens.primary, size=LOGO, ratio=ratio))


def read_notices() -> list[Notice]:
    """What is inside, in the order of the file."""
    kept: dict[str, Any] = json.loads((RESOURCES / "notices.json").read_text(encoding="utf-8"))
    return [
        Notice(
            str(item["name"]),
            str(item["version"]),
            str(item["licence"]),
            "\n\n".join(str(kept["texts"][key]) for key in item["texts"]),
        )
        for item in kept["items"]
    ]
