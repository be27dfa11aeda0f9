"""外观: language, theme, row height; live."""

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from app.services.settings import SettingService
from app.views.jobs import JobRunner
from app.views.theme import theme
from app.views.widgets.form import Form
from app.words import LANGUAGES, tr


class LookSection(QWidget):
    """`language_chosen(key)` is the window's: it says everything anew."""

    def __init__(self, settings: SettingService, *, jobs: JobRunner, language_chosen: Callable[[str], object]) -> None:
        super().__init__()
        self.setProperty("role", "scrolled")
        self._settings, self._jobs, self._language_chosen = settings, jobs, language_chosen
        self.language, self.theme_box = QComboBox(), QComboBox()
        for key, name in LANGUAGES.items():
            self.language.addItem(name, key)
        for key, name in (("system", tr("Like the system")), ("light", tr("Light")), ("dark", tr("Dark"))):
            self.theme_box.addItem(name, key)
        self.language.setCurrentIndex(self.language.findData(settings.get("look.language")))
        self.theme_box.setCurrentIndex(self.theme_box.findData(settings.get("look.theme")))
        form = Form()
        form.setMaximumWidth(420)
        form.add("language", tr("Language"), self.language)
        form.add("theme", tr("Theme"), self.theme_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(form)
        layout.addStretch(1)
        self.language.activated.connect(self._choose_language)
        self.theme_box.activated.connect(self._choose_theme)

    def _choose_language(self) -> None:
        chosen = str(self.language.currentData())
        self._jobs.start(
            self._settings.put, "look.language", chosen, on_done=lambda _: self._language_chosen(chosen), owner=self
        )

    def _choose_theme(self) -> None:
        chosen = self.theme_box.currentData()
        theme().choose(chosen)
        self._jobs.start(self._settings.put, "look.theme", chosen)
