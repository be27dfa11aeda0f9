"""Handing a batch over: the choice of content, the refusals under their fields, the password that is shown once."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import pyzipper
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.views.batches.export_dialog import ExportDialog
from app.views.jobs import JobRunner
from tests.app.conftest import PASSPHRASE

PATIENCE_MS = 20_000


class Export:
    """The dialog over a batch of 30."""

    def __init__(self, bot: QtBot, services: Services, folder: Path) -> None:
        self.bot, self.services, self.folder = bot, services, folder
        self.jobs = JobRunner()
        product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", "stored_value", face_minor=20_000))
        self.batch_id = services.batches.generate(BatchSpec(product, 30, "STANDARD"))
        self.window = QWidget()
        bot.addWidget(self.window)
        self.window.show()
        batch = services.batches.batch(self.batch_id)
        self.dialog = ExportDialog(self.window, services.exports, batch, jobs=self.jobs)
        self.dialog.open()

    def choose(self, key: str, *, plain: bool, name: str = "out") -> Path:
        dialog = self.dialog
        dialog.format.setCurrentIndex(dialog.format.findData(key))
        (dialog.plain if plain else dialog.masked).setChecked(True)
        path = self.folder / f"{name}.{key}"
        dialog.path.setText(str(path))
        return path

    def wait(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def error(self, key: str) -> str:
        return self.dialog.form.fields[key].error.text()

    @property
    def released(self) -> bool:
        return any(row.action == "codes.released" for row in self.services.audit.rows())


@pytest.fixture
def export(qtbot: QtBot, services: Services, tmp_path: Path) -> Iterator[Export]:
    made = Export(qtbot, services, tmp_path)
    yield made
    made.jobs.stop()


def test_a_list_needs_no_passphrase_and_shows_count_and_fingerprint(export: Export) -> None:
    path = export.choose("csv", plain=False)
    assert not export.dialog.passphrase.isVisible()
    export.dialog.export()
    export.wait(export.dialog.outcome.isVisible)
    assert "30" in export.dialog.heading.text()
    assert export.dialog.outcome.sha256.accessibleName() == sha256(path.read_bytes()).hexdigest()
    assert not export.dialog.outcome.secret.isVisible()
    assert not export.released


def test_whole_codes_need_a_reason_and_the_passphrase(export: Export) -> None:
    path = export.choose("xlsx", plain=True)
    export.dialog.export()
    assert export.error("reason")
    export.dialog.reason.setText("交给渠道")
    export.dialog.export()
    assert export.error("passphrase")
    export.dialog.passphrase.entry.setText("wrong")
    export.dialog.export()
    export.wait(lambda: export.error("passphrase"))
    assert export.dialog.passphrase.isVisible()
    assert not path.exists()
    export.dialog.passphrase.entry.setText(PASSPHRASE)
    export.dialog.export()
    export.wait(export.dialog.outcome.isVisible)
    assert path.exists()
    assert export.released
    assert export.dialog.passphrase.passphrase == ""


def test_the_password_of_a_zip_is_shown_once_and_copied_by_itself(export: Export) -> None:
    path = export.choose("zip", plain=True)
    export.dialog.reason.setText("交给渠道")
    export.dialog.passphrase.entry.setText(PASSPHRASE)
    export.dialog.export()
    export.wait(export.dialog.outcome.isVisible)
    export.dialog.outcome.copy_password()
    password = QGuiApplication.clipboard().text()
    assert password == export.dialog.outcome.password.text()
    with pyzipper.AESZipFile(path) as file:
        file.setpassword(password.encode())
        assert file.read("out.csv").count(b"\n") == 31


def test_a_folder_that_is_not_there_is_told_under_its_field(export: Export) -> None:
    export.choose("txt", plain=False)
    export.dialog.path.setText(str(export.folder / "gone" / "out.txt"))
    export.dialog.export()
    export.wait(lambda: export.error("out"))


def test_the_ending_follows_the_format_and_a_file_that_is_there_is_announced(export: Export) -> None:
    assert export.dialog.path.text().endswith(" 脱敏清单.xlsx")
    export.dialog.plain.setChecked(True)
    assert export.dialog.path.text().endswith(" 完整卡密.xlsx")
    (export.folder / "out.pdf").write_bytes(b"old")
    export.choose("pdf", plain=False)
    assert "同名文件" in export.dialog.form.fields["out"].hint.text()
