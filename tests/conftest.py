"""What every test stands on: no display, our own font, no modal dialogs, no keychain, no unexpected log lines."""

import gc
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # never the keychain of whoever tests

import pytest
from hypothesis import settings
from PySide6.QtCore import QEvent
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import (
    QApplication,
    QColorDialog,
    QDialog,
    QFileDialog,
    QFontDialog,
    QInputDialog,
    QMenu,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.config import RESOURCES
from app.views.garbage import sweep
from app.words import DEFAULT_LANGUAGE, set_language
from tests.drivers import quick, warm

settings.register_profile("house", deadline=None, derandomize=True)
"""Two cores are shared: how long one example takes proves nothing. And a run that fails must fail again."""
settings.load_profile("house")

ON_LINUX = [
    "app/bootstrap/test_window.py",
    "app/cli/test_warm.py",
    "campaigns/test_faults.py",
    "sync/server/test_quick.py",
]
"""Xvfb is there only; so are forks that are worth something, and libraries that stand before the system's."""
collect_ignore = [] if sys.platform.startswith("linux") else ON_LINUX

SLOW = ("tests/campaigns", "tests/sync/server/test_page", "tests/app/cli", "tests/app/bootstrap", "tests/sync")
"""Few tests that take long: of several processes one would still be at them when the others have nothing left."""
PATIENCE_MS = 60_000
MODAL = (
    (QDialog, ("exec",)),
    (QMenu, ("exec",)),
    (QMessageBox, ("exec", "about", "critical", "information", "question", "warning")),
    (QFileDialog, ("getExistingDirectory", "getOpenFileName", "getOpenFileNames", "getSaveFileName")),
    (QInputDialog, ("getDouble", "getInt", "getItem", "getMultiLineText", "getText")),
    (QColorDialog, ("getColor",)),
    (QFontDialog, ("getFont",)),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


def pytest_sessionfinish() -> None:
    warm.put_out()
    quick.put_out()


@pytest.fixture(scope="session")
def qapp(qapp: QApplication) -> Iterator[QApplication]:
    """The application with the bundled font: without it Chinese is boxes on a machine that has no fonts."""
    number = QFontDatabase.addApplicationFont(str(RESOURCES / "fonts" / "NotoSansSC-Regular.ttf"))
    qapp.setFont(QFont(QFontDatabase.applicationFontFamilies(number)[0], 10))
    qapp.setStyle("Fusion")
    yield qapp
    qapp.clipboard().clear()  # without a window system Qt keeps what Python made until there is no Python


class PatientBot(QtBot):
    """Gives up after a minute at the earliest: on a machine with much to do what was asked for comes late, and only a
    test that fails ever waits so long."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=max(timeout, PATIENCE_MS))

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE_MS, **more: Any) -> Any:
        return super().waitSignal(signal, timeout=max(timeout, PATIENCE_MS), **more)

    def waitExposed(self, widget: QWidget, *, timeout: int = PATIENCE_MS) -> Any:
        return super().waitExposed(widget, timeout=max(timeout, PATIENCE_MS))

    def waitActive(self, widget: QWidget, *, timeout: int = PATIENCE_MS) -> Any:
        return super().waitActive(widget, timeout=max(timeout, PATIENCE_MS))


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture(autouse=True)
def no_garbage_of_widgets() -> Iterator[None]:
    """What a test of the window left must not be freed by a thread of the next one, nor be dressed with its window."""
    yield
    if QApplication.instance() is not None:
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    if not gc.isenabled():  # a window was made in this process
        sweep()


@pytest.fixture(autouse=True)
def own_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person who runs the tests leaks in; each test begins in the default language."""
    for name in ("KAXIA_DATA", "KAXIA_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    set_language(DEFAULT_LANGUAGE)


@pytest.fixture(autouse=True)
def no_modal_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A modal dialog would wait for a hand that never comes. A test that means one replaces the call itself."""

    def refusal(name: str) -> Callable[..., None]:
        def refuse(*_: object, **__: object) -> None:
            pytest.fail(f"{name} opened a modal dialog: use a banner, or `open()`, which returns at once")

        return refuse

    for kind, names in MODAL:
        for name in names:
            monkeypatch.setattr(kind, name, refusal(f"{kind.__name__}.{name}"))


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_unexpected_log_lines(request: pytest.FixtureRequest) -> Iterator[None]:
    """A WARNING or worse fails the test, unless `@pytest.mark.expects_log("regex", …)` names it; each must come."""
    marker = request.node.get_closest_marker("expects_log")
    patterns = [re.compile(pattern) for pattern in marker.args] if marker else []
    listener = _Listener()
    logging.getLogger().addHandler(listener)
    yield
    logging.getLogger().removeHandler(listener)
    unexpected = [line for line in listener.lines if not any(pattern.search(line) for pattern in patterns)]
    missing = [pattern.pattern for pattern in patterns if not any(pattern.search(line) for line in listener.lines)]
    if unexpected:
        pytest.fail("unexpected log lines:\n" + "\n".join(unexpected))
    if missing:
        pytest.fail("expected log lines that never came: " + ", ".join(missing))
