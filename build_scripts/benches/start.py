"""From the start of a process to the unlock screen, against an empty window; and from the passphrase to home."""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from app.bootstrap import build_services
from app.bootstrap.demo import PASSPHRASE as DEMO_PASSPHRASE
from app.bootstrap.demo import make_demo
from app.config import Config
from app.services import Services
from app.services.batches import BatchSpec
from app.services.vault.vaults import Vaults
from build_scripts.benches import CHEAP_KIB, PASSPHRASE, Figure, Size, against, fresh, python

WATCH = """
import os
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
class Watch(QObject):
    def __init__(self, wanted, then):
        super().__init__()
        self.wanted, self.then, self.done = wanted, then, False
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not self.done and self.wanted(watched):
            self.done = True
            QTimer.singleShot(0, self.then)
        return False
def told(word):
    os.write(1, word.encode() + b"\\n")
"""
EMPTY = (
    WATCH
    + """
from PySide6.QtWidgets import QMainWindow, QWidget
application = QApplication(sys.argv[:1])
window = QMainWindow()
window.setCentralWidget(QWidget())
window.resize(1440, 900)
watch = Watch(lambda one: one is window, lambda: (told("painted"), os._exit(0)))
window.installEventFilter(watch)
window.show()
application.exec()
"""
)
OURS = """
from app.bootstrap import desk
from PySide6.QtCore import QSettings
QSettings.setPath(QSettings.defaultFormat(), QSettings.Scope.UserScope, sys.argv[1] + "/memory")
"""
PROGRAM = """
from app import bootstrap
watched = bootstrap.keep_memory_off_the_disk
def watch():
    watched()
    exec(seen, globals())
bootstrap.keep_memory_off_the_disk = watch
bootstrap.run_window(["--data", sys.argv[1]])
"""
"""The program as its users start it: what it does before Qt is loaded is part of its start. `seen` watches it."""
SEEN = (
    WATCH
    + OURS
    + """
class Seen(desk.MainWindow):
    def show(self):
        page = self.centralWidget().currentWidget()
        self.watch = Watch(lambda one: True, lambda: (told("painted"), os._exit(0)))
        page.installEventFilter(self.watch)
        super().show()
desk.MainWindow = Seen
"""
)
UNLOCK = f"seen = {SEEN!r}{PROGRAM}"
HOME = (
    "from app import bootstrap"
    + WATCH
    + OURS
    + """
import time
from app.views.home.page import HomePage
class Seen(desk.Desk):
    def show_gate(self):
        super().show_gate()
        if self.window.view is None:
            self.page = self.window.centralWidget().currentWidget()
            self.watch = Watch(lambda one: True, lambda: QTimer.singleShot(300, self.type))
            self.page.installEventFilter(self.watch)
    def type(self):
        self.began = time.perf_counter()
        self.page.passphrase.entry.setText(sys.argv[2])
        self.page.unlock()
    def enter(self, vault):
        super().enter(vault)
        self.home = self.window.view.page()
        assert isinstance(self.home, HomePage)
        self.look = QTimer(interval=1)
        self.look.timeout.connect(self.see)
        self.look.start()
    def see(self):
        if self.home.shown is not None:
            self.look.stop()
            self.home.repaint()
            told(f"{time.perf_counter() - self.began:.4f}")
            self.window.close()
desk.Desk = Seen
bootstrap.run_window(["--data", sys.argv[1]])
"""
)


def start(size: Size) -> list[Figure]:
    """Fresh processes, interpreter included; one after the other, medians."""
    with tempfile.TemporaryDirectory() as name:
        vault, _, _ = fresh(Path(name))
        vault.close()
        for code in (EMPTY, UNLOCK):
            _painted(code, name)  # files into the system's memory
        pairs = [(_painted(UNLOCK, name), _painted(EMPTY, name)) for _ in range(max(9, size.rounds))]
    context = f"{len(pairs)} pairs of processes, with the interpreter; an empty PySide6 window"
    return [against("unlock screen painted", pairs, 1.5, context=context)]


def home(size: Size) -> list[Figure]:
    """From the right passphrase to the home page with its numbers, in fresh processes, over the demo and many cards."""
    with tempfile.TemporaryDirectory() as name:
        _demo_with_cards(Config(Path(name)), size.cards)
        times = [float(_said(HOME, name, PASSPHRASE)[0]) for _ in range(max(5, size.rounds))]
    context = f"the demo and {size.cards:,} cards; key derivation made cheap; longest {max(times):.2f} s"
    return [Figure("home after the passphrase", statistics.median(times), "s", 1, context)]


def _demo_with_cards(config: Config, cards: int) -> None:
    make_demo(config).close()
    vaults = Vaults(config, memory_kib=CHEAP_KIB)
    vault = vaults.open(DEMO_PASSPHRASE)
    vaults.change_passphrase(DEMO_PASSPHRASE, PASSPHRASE)
    services = build_services(config, vault)
    services.batches.generate(BatchSpec(_generated(services), cards))
    services.settings.put("backup.on_exit", False)  # a value
    vault.close()


def _generated(services: Services) -> int:
    """A product whose codes are made here."""
    return next(product.id for product in services.catalog.products() if product.kind == "fixed")


def _painted(code: str, folder: str) -> float:
    said, took = _said(code, folder)
    assert said == "painted"
    return took


def _said(code: str, *arguments: str) -> tuple[str, float]:
    """The first line of a process of its own, and how long after its start it came."""
    began = time.perf_counter()
    child = subprocess.Popen(python(code, *arguments), stdout=subprocess.PIPE, text=True, env=_installed())
    assert child.stdout is not None
    line, took = child.stdout.readline().strip(), time.perf_counter() - began
    child.communicate(timeout=60)
    return line, took


def _installed() -> dict[str, str]:
    """Environment of a program that was compiled when it was installed; a checkout may forbid to keep bytecode."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "kaxia-bench-bytecode")}
