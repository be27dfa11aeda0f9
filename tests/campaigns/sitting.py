"""One sitting at the real window, as a process: unlock, search, look, reveal, copy, redeem, two crashes, close.

`python -m tests.campaigns.sitting DATA CODE NAME PHONE`, but the four come as lines on stdin: nothing plain is typed.
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication, QDialog

from app.bootstrap.desk import Desk
from app.bootstrap.logbook import keep_log
from app.config import Config
from app.services.cards import CardFilter
from app.views.theme import application
from sync.memory import keep_memory_off_the_disk

PATIENCE_MS = 60_000


class Sitting:
    def __init__(self, data: Path) -> None:
        keep_memory_off_the_disk()
        config = Config(data)
        keep_log(config.logs)
        self.application = application(sys.argv[0])
        self.application.setApplicationName("Kaxia")
        self.application.setOrganizationName("Kaxia")
        self.desk = Desk(config, QSettings("Kaxia", "Kaxia"))
        sys.excepthook = self.desk.crashed
        self.desk.window.show()

    def wait(self, condition: Callable[[], object]) -> None:
        deadline = QDeadlineTimer(PATIENCE_MS)
        while not condition():
            assert not deadline.hasExpired(), "it never came"
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def settle(self) -> None:
        self.wait(lambda: self.desk.jobs.idle)

    @property
    def page(self) -> Any:
        view = self.desk.window.view
        return view.page() if view is not None else self.desk.window.centralWidget().currentWidget()  # type: ignore[union-attr]

    def unlock(self, passphrase: str) -> None:
        self.page.passphrase.entry.setText("not " + passphrase)
        self.page.unlock()
        self.settle()
        self.page.passphrase.entry.setText(passphrase)
        self.page.unlock()
        self.wait(lambda: self.desk.window.view is not None)
        self.settle()

    def search(self, words: str) -> None:
        """In the palette, then in the list of people."""
        self.desk.window.show_palette()
        palette = self.desk.window.palette_box
        assert palette is not None, "shown"
        palette.pop_up(words)
        self.settle()
        palette.shut()
        self.desk.window.go("people", words)
        self.settle()

    def reveal(self) -> None:
        services = self.desk.services
        assert services is not None, "unlocked"
        self.desk.window.go("cards", services.cards.ids(CardFilter())[0])
        self.settle()
        self.page._ask_reason(services.cards.rows(services.cards.ids(CardFilter())[:1])[0])
        dialog = self.dialog()
        dialog.reason.setText("抽查")
        dialog._ask()
        self.wait(lambda: not dialog.shown.isHidden())
        dialog._copy()
        dialog.reject()

    def redeem(self, code: str) -> None:
        self.desk.window.go("counter")
        self.settle()
        for typed in (code[:-1], code + "X", code):
            self.page.look(typed)
            self.settle()
        self.page.redeem()
        self.settle()

    def crash(self, words: str) -> None:
        """In a job and in a slot: both end in the log."""

        def fail() -> None:
            try:
                raise ValueError(f"bad row {words}")
            except ValueError as error:
                raise RuntimeError(words) from error

        for start in (lambda: self.desk.jobs.start(fail, title=words), lambda: QTimer.singleShot(0, fail)):
            start()
            self.wait(lambda: self.dialog_or_none() is not None)
            self.dialog().reject()
            self.settle()

    def dialog_or_none(self) -> QDialog | None:
        shown = QApplication.activeModalWidget()
        return shown if isinstance(shown, QDialog) else None

    def dialog(self) -> Any:
        self.wait(lambda: self.dialog_or_none() is not None)
        return self.dialog_or_none()


def main() -> int:
    data, code, name, phone = (line.rstrip("\n") for line in sys.stdin)
    sitting = Sitting(Path(data))
    try:
        sit(sitting, code, name, phone)
    except (AssertionError, AttributeError, LookupError, RuntimeError, TypeError):
        traceback.print_exc()  # the hook is the window's
        return 1
    return 0


def sit(sitting: Sitting, code: str, name: str, phone: str) -> None:
    sitting.unlock(os.environ["KAXIA_PASSPHRASE"])
    for key in sitting.desk.page_keys():
        sitting.desk.window.go(key)
        sitting.settle()
    for words in (name, phone, code, phone[-4:]):
        sitting.search(words)
    sitting.reveal()
    sitting.redeem(code)
    sitting.crash(f"{name} {phone} {code}")
    sitting.desk.lock()
    sitting.settle()
    sitting.desk.window.close()
    sitting.settle()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the order in which Python takes a window apart is no part of this
