"""Drives the distribution screens as a person does: by keys, and by what stands on the screen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QGridLayout, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.vault.vaults import OpenVault
from app.views.changes import Changes
from app.views.distribution.page import DistributionPage
from app.views.distribution.parts import Parts
from app.views.distribution.wizard import Wizard
from app.views.distribution.wizard.rules import RuleLine
from app.views.jobs import JobRunner
from app.views.widgets.dialog import ConfirmDialog

PATIENCE_MS = 20_000
CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier
Kind = TypeVar("Kind", bound=QWidget)


class DistributionDriver:
    """The page over a real vault. `url` is the address of the phone page; None is no endpoint."""

    def __init__(self, bot: QtBot, services: Services, vault: OpenVault, *, url: str | None = None) -> None:
        self.bot, self.services = bot, services
        self.jobs, self.changes = JobRunner(), Changes()
        vault.database.subscribe(self.changes.tell)
        parts = Parts(
            services.distribution,
            services.people,
            services.catalog,
            services.batches,
            services.settings,
            lambda: url,
        )
        self.page = DistributionPage(parts, jobs=self.jobs, changes=self.changes)
        self.page.resize(1240, 760)
        bot.addWidget(self.page)
        with bot.waitExposed(self.page):
            self.page.show()
        self.page.activateWindow()
        self.settled()

    def close(self) -> None:
        self.jobs.stop()

    @property
    def wizard(self) -> Wizard:
        return self.page.wizard

    @property
    def step(self) -> str:
        return self.wizard.step.step_title

    @property
    def words(self) -> str:
        """The banner of the wizard, if it speaks."""
        return self.wizard.banner.words.text() if self.wizard.banner.isVisible() else ""

    @property
    def dialog(self) -> ConfirmDialog:
        return self.asked(ConfirmDialog)

    def asked(self, kind: type[Kind]) -> Kind:
        """The dialog of that kind, once it is in front and has read what it needs."""
        self.wait(lambda: isinstance(QApplication.activeModalWidget(), kind))
        self.settled()
        found = QApplication.activeModalWidget()
        assert isinstance(found, kind), "just seen"
        return found

    def dismiss(self) -> None:
        """Close the dialog in front with nothing done."""
        found = QApplication.activeModalWidget()
        assert isinstance(found, QDialog), "no dialog is open"
        found.reject()

    # --- hands ---

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
        """To whatever has the focus; that is all a keyboard can do."""
        QTest.keyClick(QApplication.focusWidget() or self.page, key, held)
        self.settled()

    def type(self, text: str) -> None:
        target = QApplication.focusWidget()
        assert target is not None, "nothing has the focus"
        QTest.keyClicks(target, text)
        self.settled()

    def tab_to(self, widget: QWidget) -> None:
        """Tab until the widget has the focus."""
        for _ in range(60):
            if widget.hasFocus():
                return
            QTest.keyClick(QApplication.focusWidget() or self.page, Qt.Key.Key_Tab)
        raise AssertionError(f"{widget} cannot be reached with Tab")

    def settled(self) -> None:
        self.wait(lambda: self.jobs.idle)
        QApplication.processEvents()
        self.wait(lambda: self.jobs.idle)

    def wait(self, condition: Any) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    # --- whole acts ---

    def load(self, source: Path | str) -> None:
        self.page.begin(source)
        self.settled()

    def go_on(self) -> None:
        self.key(Qt.Key.Key_Return, CONTROL)

    def back(self) -> None:
        self.key(Qt.Key.Key_Left, ALT)

    def mend(self, line: int, field: str, text: str) -> None:
        """Type into a cell of the faulty rows."""
        self.wizard.check.table.type_into(line, field, text)
        self.settled()

    def take_product(self, product_id: int) -> None:
        self.wizard.assign.group.button(product_id).click()
        self.settled()

    def add_rule(self, departments: Sequence[str], product_id: int | None, amount: str = "") -> None:
        """A rule of the assign page, made by ticking and choosing; the first comes with the way `by department`."""
        editor = self.wizard.assign.editor
        if not self.wizard.draft.by_rules:
            self.wizard.assign.by_department.click()
            self.settled()
        else:
            editor.add_button.click()
        line = editor.lines[-1]
        for name in departments:
            line.departments.tick(name)
        self.choose_product(line, product_id, amount)

    def choose_product(self, line: RuleLine, product_id: int | None, amount: str = "") -> None:
        """None is nothing."""
        line.product.setCurrentIndex(line.product.findData(product_id or 0))
        if amount:
            line.amount.setFocus()
            line.amount.selectAll()
            self.type(amount)
        self.settled()

    def notes(self) -> list[str]:
        """What stands under each rule, the last for everybody else."""
        editor = self.wizard.assign.editor
        return [line.note.text() for line in (*editor.lines, editor.rest)]

    def facts(self) -> dict[str, str]:
        """What the confirm page says, by caption."""
        words = words_in(self.wizard.confirm.facts)
        return {words[at, 0]: words[at, 1] for at, column in words if column == 0}

    def take_channel(self, channel: str, folder: Path | None = None) -> None:
        self.wizard.channel.tiles[channel].click()
        if folder is not None:
            self.wizard.channel.folder.setText(str(folder))
        self.settled()

    def check(self, roster: Path) -> None:
        """As far as the check page."""
        self.load(roster)
        self.go_on()
        self.go_on()
        self.wait(lambda: self.wizard.step is self.wizard.check)

    def reach_confirm(self, roster: Path, product_id: int, folder: Path) -> None:
        """As far as the confirm page: faulty rows left out, missing cards generated, channel file."""
        self.check(roster)
        self.go_on()
        self.take_product(product_id)
        self.wizard.assign.generate()
        self.settled()
        self.go_on()
        self.take_channel("file", folder)
        self.go_on()
        self.go_on()
        self.wait(lambda: self.wizard.step is self.wizard.confirm)

    def reach_channel(self, roster: Path, product_id: int, folder: Path) -> None:
        """On the channel page again, with all that follows filled in once."""
        self.reach_confirm(roster, product_id, folder)
        self.back()
        self.back()

    def confirm(self, typed: object = "") -> None:
        """Type the count, or what is given instead, and press Enter."""
        plan = self.wizard.confirm.plan
        assert plan is not None, "the confirm page has counted"
        self.wizard.confirm.entry.setFocus()
        self.wizard.confirm.entry.clear()
        self.type(str(typed or plan.people))
        self.key(Qt.Key.Key_Return)

    def sent(self) -> None:
        """The run that was begun has ended and its figures are there."""
        self.settled()
        self.wait(lambda: self.wizard.receipt.row is not None)
        self.settled()


def words_in(grid: QGridLayout) -> dict[tuple[int, int], str]:
    """What stands in a grid, by row and column."""
    labels = [one for one in grid.parentWidget().findChildren(QLabel) if grid.indexOf(one) >= 0]
    places = [grid.getItemPosition(grid.indexOf(one)) for one in labels]
    return {(place[0], place[1]): one.text() for place, one in zip(places, labels, strict=True)}  # type: ignore[index]
