"""设置: merchant, security, backups, look; each section saves by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QScrollArea, QTabWidget, QVBoxLayout, QWidget

from app.views.widgets.page import Page
from app.words import tr


@dataclass(frozen=True, slots=True)
class Section:
    """One tab: made when it is first shown. `key` is what other pages ask for with `page_wanted`."""

    key: str
    title: str
    build: Callable[[], QWidget]


class SettingsPage(Page):
    def __init__(self, sections: tuple[Section, ...]) -> None:
        super().__init__(tr("Settings"), tr("Every change stands in the audit log"))
        self._sections = sections
        self.tabs = QTabWidget()
        self._holders: list[QWidget] = []
        for section in sections:
            holder = QWidget()
            QVBoxLayout(holder).setContentsMargins(0, 16, 0, 0)
            self.tabs.addTab(holder, section.title)
            self._holders.append(holder)
        self.tabs.currentChanged.connect(self._fill)
        self.body.addWidget(self.tabs, 1)
        self._fill(0)

    def show_wanted(self, wanted: Any) -> None:
        """The key of a section."""
        keys = [section.key for section in self._sections]
        if wanted in keys:
            self.tabs.setCurrentIndex(keys.index(wanted))

    def _fill(self, at: int) -> None:
        holder = self._holders[at]
        layout = holder.layout()
        if layout is not None and not layout.count():
            scroll = QScrollArea()
            scroll.setWidgetResizable(True)
            scroll.setAccessibleName(self.tabs.tabText(at))
            scroll.setWidget(self._sections[at].build())
            layout.addWidget(scroll)
