"""The shell around the screens, which are handed to it from outside as `specs` say; a gate needs none of them."""

from app.views.main_window.window import MainWindow

__all__ = ["MainWindow"]
