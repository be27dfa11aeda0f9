"""A secret on the clipboard goes with the program, and the program goes in peace."""

import os
import subprocess
import sys

from tests.drivers.terminal import ROOT

PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from app.views.theme import application
from app.views.widgets.clipboard import copy_for_a_while
running = application("kaxia")
running.aboutToQuit.connect(lambda: print(QGuiApplication.clipboard().text()))
for secret in ("one", "another"):
    copy_for_a_while(secret)
running.aboutToQuit.connect(lambda: print(QGuiApplication.clipboard().text()))
QTimer.singleShot(0, running.quit)
sys.exit(running.exec())
"""


def test_a_program_that_ends_takes_the_secret_off_the_clipboard() -> None:
    settings = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "another\n\n", "")
