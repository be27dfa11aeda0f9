"""Where files go unless somebody chooses another place."""

from pathlib import Path

from PySide6.QtCore import QStandardPaths


def documents() -> Path:
    """The system's folder of documents; where it is not there, as on many a Linux, the home folder."""
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
    return folder if folder.is_dir() else Path.home()
