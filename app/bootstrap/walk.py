"""The main job once without a screen: what was done is told, and every page leaves a picture."""

import os
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QSettings
from PySide6.QtWidgets import QApplication

from app.bootstrap.demo import Say, make_demo
from app.bootstrap.desk import Desk
from app.config import Config
from app.views.theme import application

SIZE = (1440, 900)
SETTLE_MS = 15_000
THEMES = ("light", "dark")


def walk(out: Path, say: Say) -> list[Path]:
    """Make the demo vault in `out`, open it, and take a picture of each page in both themes; the pictures."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    config = Config(out / "data")
    vault = make_demo(config, say)
    running = QApplication.instance() or application("kaxia")
    memory = QSettings(str(out / "memory.ini"), QSettings.Format.IniFormat)
    desk = Desk(config, memory, alone=True)
    assert isinstance(running, QApplication), "made above"
    desk.window.resize(*SIZE)
    desk.window.show()
    desk.enter(vault)
    pictures = []
    for look in THEMES:
        desk.window.choose_theme(look)
        for key in desk.page_keys():
            desk.window.go(key)
            _settle(running, desk)
            path = out / f"{key}-{look}.png"
            desk.window.grab().save(str(path))
            pictures.append(path)
    services = desk.services
    if services is not None:
        services.cloud.stop_embedded()
    desk.leave()
    return pictures


def _settle(running: QApplication, desk: Desk) -> None:
    """Until no job runs and everything is painted."""
    deadline = QDeadlineTimer(SETTLE_MS)
    while not desk.jobs.idle and not deadline.hasExpired():
        running.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
    for _ in range(4):
        running.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
    running.sendPostedEvents(None, 0)
