"""Qt's own words in the language of the program: the menu of a text field, its file dialog, its message boxes."""

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QTranslator

from app.words import language

_translator = QTranslator()


def follow_language() -> None:
    """Qt speaks English unless it is told; where its words are not installed it goes on doing so."""
    QCoreApplication.removeTranslator(_translator)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if language() != "en" and _translator.load(f"qtbase_{language()}", folder):
        QCoreApplication.installTranslator(_translator)
