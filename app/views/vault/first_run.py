"""首次使用: four pages, only what must be asked: language, passphrase, recovery key, shop."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QLineEdit,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.errors import AppError
from app.services.vault.recovery import new_recovery_key, shown_recovery_key
from app.services.vault.vaults import NewVault
from app.views.jobs import Job, JobRunner
from app.views.theme import code_font
from app.views.vault.restore import RestoreDialog
from app.views.vault.sheet import Sheet
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField, Strength
from app.views.widgets.pieces import button, label, line, row
from app.views.widgets.recovery_sheet import offer_recovery_sheet
from app.vocabulary import PURPOSES, word
from app.words import LANGUAGES, language, set_language, tr

WIDTH = 560
CHECKED_GROUPS = 2


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What the first screen can set off; all run on a worker. `demo` and `restore` are shown as doors of their own."""

    create: Callable[[NewVault], object]
    judge: Callable[[str], Strength]
    save_sheet: Callable[[Path, str], object]
    restore: Callable[[Path, str], object]
    demo_wanted: Callable[[], Job]


class FirstRunPage(Sheet):
    """`made` carries the new, open vault; `restored` says that one waits for its passphrase.

    `language_changed` asks for the whole page anew, in the other language.
    """

    made = Signal(object)
    language_changed = Signal()
    restored = Signal()

    def __init__(self, beginnings: Beginnings, *, jobs: JobRunner) -> None:
        super().__init__(width=WIDTH)
        self._do, self._jobs = beginnings, jobs
        self._recovery_key = new_recovery_key()
        self._asked = sorted(secrets.SystemRandom().sample(range(7), CHECKED_GROUPS))
        self.pages = QStackedWidget()
        for build in (self._welcome, self._passphrase_page, self._recovery_page, self._shop_page):
            self.pages.addWidget(build())
        self.card.body.addWidget(self.pages)
        self.back_button = button(tr("Back"), self.back)
        self.next_button = button(tr("Next"), self.go_on, kind="primary")
        self.step_words = label("", "note")
        self.card.body.addLayout(row(self.step_words, 0, self.back_button, self.next_button))
        self._show_page(0)

    # --- the four pages ---

    def _welcome(self) -> QWidget:
        page, layout = _page(tr("Welcome"))
        self.language_box = QComboBox()
        for key, name in LANGUAGES.items():
            self.language_box.addItem(name, key)
        self.language_box.setCurrentIndex(self.language_box.findData(language()))
        self.language_box.currentIndexChanged.connect(self._change_language)
        form = Form()
        form.add("language", tr("Language"), self.language_box)
        layout.addWidget(form)
        layout.addWidget(
            label(tr("Your data stays on this computer, encrypted. Nothing is sent anywhere."), "muted", wrap=True)
        )
        self.demo_button = button(tr("Look at the demo"), self.look_at_demo, symbol="play")
        self.restore_button = button(tr("Restore a backup"), self.ask_for_backup, symbol="archive-restore")
        for door, words in (
            (self.demo_button, tr("A throw-away vault with two months of invented business")),
            (self.restore_button, tr("From another computer, or from before a disk broke")),
        ):
            across = row(label(words, "muted", wrap=True), door)
            across.setStretch(0, 1)
            layout.addWidget(line())
            layout.addLayout(across)
        layout.addStretch(1)
        return page

    def _passphrase_page(self) -> QWidget:
        page, layout = _page(tr("Passphrase"))
        layout.addWidget(label(tr("It opens your vault. Nobody can find it again for you."), "muted", wrap=True))
        self.passphrase = PassphraseField(tr("Passphrase"), judge=self._do.judge)
        self.passphrase.submitted.connect(self.go_on)
        self.passphrase_form = Form()
        self.passphrase_form.add(
            "passphrase", tr("Passphrase"), self.passphrase, hint=tr("Three or four unrelated words are best")
        )
        layout.addWidget(self.passphrase_form)
        layout.addStretch(1)
        return page

    def _recovery_page(self) -> QWidget:
        page, layout = _page(tr("Recovery key"))
        layout.addWidget(
            label(
                tr("It opens the vault if the passphrase is lost. It is shown only now: print it."), "muted", wrap=True
            )
        )
        well = QFrame()
        well.setProperty("role", "well")
        grid = QGridLayout(well)
        grid.setContentsMargins(16, 12, 16, 12)
        grid.setSpacing(8)
        for at, group in enumerate(shown_recovery_key(self._recovery_key).split("-")):
            shown = label(f"{at + 1}.  {group}")
            shown.setFont(code_font(16))
            grid.addWidget(shown, at // 4, at % 4)
        layout.addWidget(well)
        self.sheet_button = button(tr("Save as PDF"), self._choose_sheet, symbol="printer")
        layout.addLayout(row(self.sheet_button, 0))
        self.groups = [QLineEdit() for _ in self._asked]
        self.recovery_form = Form(columns=2)
        for at, field in zip(self._asked, self.groups, strict=True):
            field.setFont(code_font(14))
            self.recovery_form.add(f"group{at}", tr("Type group {number}", number=at + 1), field)
        self.later = QCheckBox(tr("Later: a reminder stays on the home page"))
        layout.addWidget(self.recovery_form)
        layout.addWidget(self.later)
        layout.addStretch(1)
        return page

    def _shop_page(self) -> QWidget:
        page, layout = _page(tr("Your shop"))
        self.merchant = QLineEdit()
        self.merchant.returnPressed.connect(self.go_on)
        self.shop_form = Form()
        self.shop_form.add("merchant", tr("Merchant name"), self.merchant, hint=tr("Card holders see this name"))
        layout.addWidget(self.shop_form)
        layout.addWidget(label(tr("What will you do first?"), "label"))
        self.purpose = QButtonGroup(page)
        for at, key in enumerate(PURPOSES):
            choice = QRadioButton(word(PURPOSES, key))
            choice.setChecked(at == 0)
            self.purpose.addButton(choice, at)
            layout.addWidget(choice)
        layout.addStretch(1)
        return page

    def look_at_demo(self) -> None:
        """It takes some seconds; nothing else is begun meanwhile."""
        self._set_busy(busy=True)
        self.demo_button.setText(tr("Making the demo"))
        self._do.demo_wanted().ended.connect(self._come_back)

    def ask_for_backup(self) -> None:
        dialog = RestoreDialog(self, self._do.restore, jobs=self._jobs)
        dialog.restored.connect(self.restored)
        dialog.open()

    # --- going through them ---

    def go_on(self) -> None:
        if not self.next_button.isEnabled():
            return
        checks = (lambda: True, self._passphrase_is_good, self._key_is_written_down, self._shop_is_named)
        at = self.pages.currentIndex()
        if not checks[at]():
            return
        if at + 1 < self.pages.count():
            self._show_page(at + 1)
        else:
            self._create()

    def back(self) -> None:
        self._show_page(self.pages.currentIndex() - 1)

    def _show_page(self, at: int) -> None:
        self.banner.clear()
        self.pages.setCurrentIndex(at)
        self.back_button.setVisible(at > 0)
        last = at + 1 == self.pages.count()
        self.next_button.setText((tr("New vault") if at == 0 else tr("Next")) if not last else tr("Create vault"))
        self.step_words.setText(tr("Step {number} of {total}", number=at + 1, total=self.pages.count()))
        self.focus_step()

    def focus_step(self) -> None:
        """The keys go to what this step asks; to be said again once the page stands in its window."""
        (self.next_button, self.passphrase, self.groups[0], self.merchant)[self.pages.currentIndex()].setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.focus_step()

    def _passphrase_is_good(self) -> bool:
        strength = self._do.judge(self.passphrase.passphrase)
        if strength.score < 3:
            self.passphrase_form.set_error(
                "passphrase", tr("This passphrase is easy to guess. Add two or three unrelated words.")
            )
        return strength.score >= 3

    def _key_is_written_down(self) -> bool:
        if self.later.isChecked():
            return True
        groups = shown_recovery_key(self._recovery_key).split("-")
        for at, field in zip(self._asked, self.groups, strict=True):
            if field.text().strip().upper().replace("O", "0").replace("I", "1").replace("L", "1") != groups[at]:
                self.recovery_form.set_error(f"group{at}", tr("This is not group {number} of the key.", number=at + 1))
                return False
        return True

    def _shop_is_named(self) -> bool:
        if not self.merchant.text().strip():
            self.shop_form.set_error("merchant", tr("Type a name, please."))
            return False
        return True

    def _create(self) -> None:
        new = NewVault(
            self.merchant.text().strip(),
            self.passphrase.passphrase,
            purpose=list(PURPOSES)[self.purpose.checkedId()],
            language=language(),
            recovery_key=self._recovery_key,
        )
        self._set_busy(busy=True)
        self._jobs.start(self._do.create, new, on_done=self._done, on_refused=self._refuse, owner=self)

    def _done(self, vault: object) -> None:
        self.passphrase.clear()
        self.made.emit(vault)

    @property
    def key_confirmed(self) -> bool:
        """Was the recovery key typed again? If not, home keeps a reminder."""
        return not self.later.isChecked()

    def _refuse(self, error: AppError) -> None:
        self._come_back()
        self.banner.show_error(error)

    def _come_back(self) -> None:
        """What was begun ended, perhaps without a vault."""
        self._set_busy(busy=False)
        self.demo_button.setText(tr("Look at the demo"))
        self.focus_step()

    def _set_busy(self, *, busy: bool) -> None:
        self.is_busy = busy
        for part in (self.pages, self.back_button, self.next_button):
            part.setEnabled(not busy)

    def _change_language(self) -> None:
        set_language(self.language_box.currentData())
        self.language_changed.emit()

    def _choose_sheet(self) -> None:
        save = self._do.save_sheet
        offer_recovery_sheet(self, save, key=self._recovery_key, jobs=self._jobs, banner=self.banner)


def _page(title: str) -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(12)
    layout.addWidget(label(title, "card-title"))
    return page, layout
