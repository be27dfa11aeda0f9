"""外观: language and theme, live."""

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QWidget

from app.views.settings.sheet import card, no_wider, sheet
from app.views.theme import theme
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.words import LANGUAGES, language, tr


class LookSection(QWidget):
    """The window switches everything at once and remembers it."""

    def __init__(self, *, on_language: Callable[[str], object], on_theme: Callable[[str], object]) -> None:
        super().__init__()
        self._on_language, self._on_theme = on_language, on_theme
        self.language, self.theme_box = QComboBox(), QComboBox()
        for key, name in LANGUAGES.items():
            self.language.addItem(name, key)
        for key, name in (("system", tr("Follow the system")), ("light", tr("Light")), ("dark", tr("Dark"))):
            self.theme_box.addItem(name, key)
        self.language.setCurrentIndex(self.language.findData(language()))
        self.theme_box.setCurrentIndex(self.theme_box.findData(theme().choice))
        form = Form()
        form.add("language", tr("Language"), self.language)
        form.add("theme", tr("Theme"), self.theme_box)
        hint = tr("Both change at once. Files, mails and prints follow the language.")
        sheet(self, card(no_wider(form), label(hint, "note", wrap=True)))
        self.language.activated.connect(lambda _: self._on_language(str(self.language.currentData())))
        self.theme_box.activated.connect(lambda _: self._on_theme(str(self.theme_box.currentData())))
