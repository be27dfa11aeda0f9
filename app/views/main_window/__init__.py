"""The shell around the screens, which are handed to it from outside."""

from app.views.main_window.specs import Command, Found, PageSpec, SyncStatus, Workspace
from app.views.main_window.window import MainWindow

__all__ = ["Command", "Found", "MainWindow", "PageSpec", "SyncStatus", "Workspace"]
