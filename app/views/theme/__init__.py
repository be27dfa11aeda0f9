"""How the program looks: tokens, fonts, icons, the style sheet; light, dark or the system's, switched live."""

from functools import cache
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.config import RESOURCES
from app.views.theme.fonts import bold, code_font, font, paper_font
from app.views.theme.icons import AFTER_WORDS, BESIDE_WORDS, icon, icon_pixmap, ink_icons_for, paint_icon
from app.views.theme.tokens import DARK, LIGHT, Tokens, Tone

Choice = Literal["system", "light", "dark"]
CHOICES: tuple[Choice, ...] = ("system", "light", "dark")
STYLES = RESOURCES / "styles"
__all__ = [
    "AFTER_WORDS",
    "BESIDE_WORDS",
    "CHOICES",
    "Choice",
    "Theme",
    "Tokens",
    "Tone",
    "application",
    "bold",
    "code_font",
    "font",
    "icon",
    "icon_pixmap",
    "paint_icon",
    "paper_font",
    "set_kind",
    "theme",
]


def application(name: str) -> QApplication:
    """The program's QApplication, in the style that the style sheet is written for, whatever the platform's own is.

    The style is named as an argument: setting or asking for it makes a QStyle known to Python, which takes long.
    """
    return QApplication([name, "-style", "fusion"])


class Theme(QObject):
    """The current tokens. `changed` comes after the style sheet is on, for what paints by itself."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice: Choice = "system"
        self.tokens = LIGHT
        ink_icons_for(self.tokens)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)

    def choose(self, choice: Choice) -> None:
        """Switch everything on the screen at once."""
        self.choice = choice
        hints = QGuiApplication.styleHints()
        if choice == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if choice == "dark" else Qt.ColorScheme.Light)
        self._put_on()

    def _follow_system(self) -> None:
        if self.choice == "system":
            self._put_on()

    def _put_on(self) -> None:
        system_is_dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        dark = self.choice == "dark" or (self.choice == "system" and system_is_dark)
        self.tokens = DARK if dark else LIGHT
        ink_icons_for(self.tokens)
        running = QApplication.instance()
        if isinstance(running, QApplication):
            running.setFont(font())
            running.setPalette(palette(self.tokens))
            running.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()


@cache
def theme() -> Theme:
    """The theme of the process; there is one QApplication, so there is one theme."""
    return Theme()


def set_kind(widget: QWidget, kind: str) -> None:
    """Give a widget another look of the style sheet: `primary`, `text`, `danger`, `error` …"""
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


@cache
def style_sheet(tokens: Tokens) -> str:
    """The style sheet of one theme, from the template with `$token` names."""
    words: dict[str, object] = tokens._asdict()
    tones: tuple[Tone, ...] = ("neutral", "info", "cyan", "ok", "warn", "error")
    words |= {f"{tone}_fill": tokens.fill(tone) for tone in tones}
    words |= {f"{tone}_edge": tokens.edge(tone) for tone in tones}
    words |= {"info": tokens.info, "bold": bold()}
    words["assets"] = (STYLES / tokens.name).as_posix()
    return Template((STYLES / "kaxia.qss").read_text(encoding="utf-8")).substitute(words)


def palette(tokens: Tokens) -> QPalette:
    """The same colours for what Fusion paints without the style sheet."""
    made = QPalette()
    role = QPalette.ColorRole
    for where, colour in (
        (role.Window, tokens.bg),
        (role.Base, tokens.surface),
        (role.AlternateBase, tokens.head),
        (role.Button, tokens.surface),
        (role.WindowText, tokens.text),
        (role.Text, tokens.text),
        (role.ButtonText, tokens.text),
        (role.BrightText, tokens.on_primary),
        (role.Highlight, tokens.selection),
        (role.HighlightedText, tokens.text),
        (role.PlaceholderText, tokens.hint),
        (role.Link, tokens.primary),
        (role.LinkVisited, tokens.primary),
        (role.ToolTipBase, tokens.raised),
        (role.ToolTipText, tokens.text),
        (role.Mid, tokens.line),
        (role.Accent, tokens.primary),
    ):
        made.setColor(where, QColor(colour))
    for where in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, where, QColor(tokens.strong))
    return made
