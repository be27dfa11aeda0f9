"""The sheet with the recovery key is saved the same way from the first run and after a new key."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from app.views.settings.security import SecuritySection
from app.views.widgets.banner import Banner
from tests.drivers.desk import PASSPHRASE, DeskDriver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def at_first_run(desk: DeskDriver) -> Banner:
    page = desk.page
    page.go_on()
    page.passphrase.entry.setText(PASSPHRASE)
    page.go_on()
    page.sheet_button.click()
    return page.banner  # type: ignore[no-any-return]


def after_a_new_key(desk: DeskDriver) -> Banner:
    desk.make_vault()
    desk.go("settings", "security")
    section = desk.page.tabs.currentWidget().findChild(SecuritySection)
    assert section is not None
    section.renew()
    dialog = desk.dialog
    dialog.passphrase.entry.setText(PASSPHRASE)
    dialog._renew()
    desk.wait(dialog.sheet_button.isVisible)
    dialog.sheet_button.click()
    return dialog.banner  # type: ignore[no-any-return]


@pytest.mark.parametrize("place", [at_first_run, after_a_new_key])
def test_the_sheet_is_written_where_it_was_asked_for_and_a_folder_that_is_gone_is_told(
    desk: DeskDriver, tmp_path: Path, place: Callable[[DeskDriver], Banner]
) -> None:
    banner = place(desk)
    asked = desk.dialog
    assert isinstance(asked, QFileDialog)
    assert asked.defaultSuffix() == "pdf"
    asked.fileSelected.emit(str(tmp_path / "gone" / "sheet.pdf"))
    desk.wait(lambda: banner.property("kind") == "error")
    asked.fileSelected.emit(str(tmp_path / "sheet.pdf"))
    desk.wait(lambda: banner.property("kind") == "ok")
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")
    while (front := QApplication.activeModalWidget()) is not None:
        assert isinstance(front, QDialog)
        front.reject()
