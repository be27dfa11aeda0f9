"""The stage of the pictures: one window over a data folder, brought to a state and painted with what lies over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QAbstractAnimation, QEventLoop, QPoint, QPropertyAnimation, QSettings, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QStackedWidget, QWidget

from app.bootstrap.building import services_over
from app.bootstrap.desk import Desk
from app.config import Config
from app.services.cards import CardFilter
from app.views.theme import theme
from app.views.widgets.toast import Toast
from app.words import language

if TYPE_CHECKING:
    from app.services import Services
    from app.services.vault.vaults import OpenVault

Folder = Literal["nothing", "new", "demo"]
PATIENCE_S = 30.0
CALM_S, STILL_S = 0.05, 0.25
"""After the last job: what is asked next is there, and nothing slides or waits for more keys any longer."""
CALM_ROUNDS = 4
DIM = QColor(0, 0, 0, 110)


@dataclass(frozen=True, slots=True)
class Scene:
    """`play` brings the window to a state and takes one picture or more.

    `folder` is what lies in the data folder: nothing, a new vault, the demo. `shut` leaves the vault closed.
    """

    name: str
    play: Callable[[Stage], object]
    folder: Folder = "demo"
    shut: bool = False


class Stage:
    """Holds the window of one scene after the other. Nothing goes on by itself; jobs are waited for."""

    def __init__(self, application: QApplication, config: Config, *, out: Path, size: tuple[int, int]) -> None:
        self.application, self.config, self.out = application, config, out
        self.pictures: list[Path] = []
        self._scene = ""
        memory = QSettings(str(config.data / "memory.ini"), QSettings.Format.IniFormat)
        memory.setValue("language", language())
        memory.setValue("theme", theme().choice)
        self.desk = Desk(config, memory, alone=True)
        self.window = self.desk.window
        self.window.resize(*size)
        self.window.show()
        self.window.activateWindow()
        self._vault: OpenVault | None = None

    # --- one scene after the other ---

    def play(self, scene: Scene) -> None:
        """From a clean table: every page new, nothing over it."""
        self._scene = scene.name
        self.clear()
        self.window.activateWindow()
        self.window.rebuild()
        self.settle()
        scene.play(self)

    def enter(self, vault: OpenVault) -> None:
        self._vault = vault
        self.desk.enter(vault)
        self.settle()

    def leave(self) -> None:
        self.clear()
        if self.desk.services is not None:
            self.desk.services.cloud.stop_embedded()
            self.desk.services.settings.put("backup.on_exit", False)
        self.desk.leave()

    def clear(self) -> None:
        """Shut what a scene left over the window."""
        for widget in self._above():
            widget.close()
        for toast in self.window.findChildren(Toast):
            toast.go()
        if self.window.palette_box is not None:
            self.window.palette_box.shut()
        self.window.activateWindow()  # without a window system nobody hands the focus back
        self.settle()

    # --- what scenes ask for ---

    @property
    def services(self) -> Services:
        assert self.desk.services is not None, "the scene asked for a vault"
        return self.desk.services

    @property
    def vault(self) -> OpenVault:
        assert self._vault is not None, "the scene asked for a vault"
        return self._vault

    @property
    def scratch(self) -> Path:
        """A folder for files of the scene; its name is shown where a path is."""
        folder = self.config.data.parent / "Documents"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def page(self) -> Any:
        """The page in front: a gate, or the current page of the workspace."""
        if self.window.view is not None:
            return self.window.view.page()
        stack = self.window.centralWidget()
        assert isinstance(stack, QStackedWidget), "gates and workspace lie on a stack"
        return stack.currentWidget()

    @property
    def dialog(self) -> Any:
        """The dialog in front."""
        self.settle()
        shown = self.application.activeModalWidget()
        assert shown is not None, "a dialog was opened"
        return shown

    def go(self, key: str, wanted: object = None) -> Any:
        """The page, shown and settled."""
        self.window.go(key, wanted)
        self.settle()
        return self.page

    def press(self, words: str) -> None:
        """Click the button with these words on the page."""
        self.settle()
        buttons = self.page.findChildren(QAbstractButton)
        next(one for one in buttons if one.text() == words and one.isVisible()).click()

    def reopen(self) -> None:
        """Back inside after a lock."""
        self.desk.enter(self.vault)
        self.settle()

    def code(self, wanted: CardFilter) -> str:
        """The code of the first card of a kind."""
        cards = self.services.cards.ids(wanted, descending=False)
        return self.services.cards.reveal(cards[0], reason="picture").reveal()

    @contextmanager
    def offline(self) -> Iterator[None]:
        """The endpoint of this machine is gone and nobody starts it."""
        before = self.services
        before.cloud.stop_embedded()
        self.desk.services = services_over(self.config, self.vault, autostart=False)
        self.desk.enter(self.vault)
        self.settle()
        try:
            yield
        finally:
            self.desk.services = before
            before.cloud.start_embedded()
            self.desk.enter(self.vault)
            self.settle()

    # --- taking pictures ---

    def wait(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Until it holds, while jobs go on."""
        end = monotonic() + patience_s
        while not condition() and monotonic() < end:
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def settle(self, calm_s: float = CALM_S, *, busy: bool = False) -> None:
        """Until no job ran and nothing slid for so long; with `busy` some job may go on.

        Rounds are counted as well: on a busy machine one may take as long as the calm, and what it asked for comes in
        the next.
        """
        calm, end, rounds = monotonic() + calm_s, monotonic() + PATIENCE_S, 0
        while (monotonic() < calm or rounds < CALM_ROUNDS) and monotonic() < end:
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            rounds += 1
            if (not busy and not self.desk.jobs.idle) or self._slides():
                calm, rounds = monotonic() + calm_s, 0

    def _slides(self) -> bool:
        """Whether a part of the window is on its way."""
        going = QAbstractAnimation.State.Running
        return any(one.state() == going and one.loopCount() > 0 for one in self.window.findChildren(QPropertyAnimation))

    def shoot(self, detail: str = "", *, busy: bool = False) -> None:
        """Save the window, dimmed below a dialog, as `scene` or `scene-detail`."""
        self.settle(STILL_S, busy=busy)
        name = f"{self._scene}-{detail}" if detail else self._scene
        path = self.out / f"{name}.png"
        self._painted().save(str(path))
        self.pictures.append(path)

    def _painted(self) -> QPixmap:
        picture = self.window.grab()
        painter = QPainter(picture)
        for widget in self._above():
            if isinstance(widget, QDialog):
                painter.fillRect(self.window.rect(), DIM)
                place = (self.window.rect().center() - widget.rect().center()).toTuple()
                painter.drawPixmap(QPoint(*place), widget.grab())
            else:
                painter.drawPixmap(self.window.mapFromGlobal(widget.pos()), widget.grab())
        painter.end()
        return picture

    def _above(self) -> list[QWidget]:
        """Dialogs and popovers that are open, in the order they came up."""
        kinds = (Qt.WindowType.Dialog, Qt.WindowType.Popup)
        shown = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
        return [widget for widget in shown if widget.windowType() in kinds]
