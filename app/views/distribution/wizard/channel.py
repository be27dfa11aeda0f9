"""渠道: a file, a print or a mail for each person; what each of them needs, and how the mail reads for one of them."""

from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QCheckBox, QFileDialog, QGridLayout, QLineEdit, QWidget

from app.errors import AppError
from app.services.distribution import Plan
from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.wizard.choice_tile import ChoiceTile
from app.views.distribution.wizard.mail import MailForm
from app.views.distribution.wizard.step import Step
from app.views.distribution.zip_password import ZipPasswordField
from app.views.jobs import JobRunner
from app.views.widgets.banner import Banner
from app.views.widgets.folders import documents
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, button, label, row
from app.vocabulary import CHANNELS, word
from app.words import ntr, tr

SYMBOLS = {"file": "file-spreadsheet", "print": "printer", "email": "mail"}


class ChannelStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Channel"), tr("How the cards reach people"), parts, jobs=jobs)
        self.plan: Plan | None = None
        self._counting: tuple[str, str] | None = None
        self._base: str | None = None
        self._has_mail = False
        self.lacking = Banner()
        self.group = QButtonGroup(self)
        self.tiles: dict[str, ChoiceTile] = {}
        choices = QGridLayout()
        choices.setSpacing(8)
        for at, (key, detail) in enumerate(_details().items()):
            tile = ChoiceTile(SYMBOLS[key], word(CHANNELS, key), detail)
            self.tiles[key] = tile
            self.group.addButton(tile, at)
            choices.addWidget(tile, 0, at)
            choices.setColumnStretch(at, 1)
        self.mail = MailForm(parts, jobs=jobs)
        self.mail.changed.connect(self._take_mail)
        self.paper = Card()
        self._fill_paper()
        self.body.addWidget(self.lacking)
        self.body.addLayout(choices)
        self.body.addWidget(self.paper)
        self.body.addWidget(self.mail)
        self.body.addStretch(1)
        self.group.idToggled.connect(lambda at, on: self.choose(list(self.tiles)[at]) if on else None)

    # --- what the frame asks ---

    def take(self, draft: Draft) -> None:
        super().take(draft)
        self.plan = None
        self.group.blockSignals(True)
        self.tiles[draft.channel].setChecked(True)
        self.group.blockSignals(False)
        folder = draft.out_folder or documents()
        self.folder.setText(str(folder))
        if draft.out_folder is None:
            self.change(out_folder=folder)
        self.look_again()
        self._follow()

    def look_again(self) -> None:
        def work() -> tuple[str | None, bool]:
            return self.parts.public_url(), bool(self.parts.settings.get("mail.server"))

        self.jobs.start(work, on_done=self._note_ways, on_refused=self.refused.emit, owner=self)

    @property
    def lack(self) -> str:
        if self.draft.channel == "email":
            if self._base is None:
                return tr("Mail needs the phone page. Connect an endpoint, or choose file or print.")
            if not self._has_mail:
                return tr("No mail server is set up. Add one in the settings, or choose file or print.")
            return self.mail.lack
        folder = self.draft.out_folder
        if folder is None or not folder.is_dir():
            return tr("This folder is not there. Choose another one.")
        if self.protect.isChecked() and self.draft.channel == "file" and self.zip.password is None:
            return tr("Type a longer password for the ZIP.")
        return ""

    @property
    def totals(self) -> str:
        plan = self.plan
        words = ntr("{count} person", "{count} people", plan.people if plan else len(self.draft.person_ids))
        if plan is not None and plan.unreachable:
            unreachable = ntr("{count} cannot be reached", "{count} cannot be reached", len(plan.unreachable))
            words = f"{words} · {unreachable}"
        return words

    @property
    def first(self) -> QWidget:
        return self.tiles[self.draft.channel]

    # --- choosing ---

    def choose(self, channel: str) -> None:
        self.change(channel=channel)
        self._follow()

    def choose_folder(self) -> None:
        dialog = QFileDialog(self, tr("Choose a folder"), self.folder.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    def _take_folder(self, text: str) -> None:
        self.change(out_folder=Path(text.strip()) if text.strip() else None)

    def _protect(self, on: bool) -> None:
        if on:
            self.zip.propose()
        self._take_password()
        self._follow()

    def _take_password(self) -> None:
        wanted = self.zip.password if self.protect.isChecked() else None
        values: dict[str, object] = {"zip_password": wanted}
        if wanted is not None:
            values["scheduled_at"] = None
        self.change(**values)

    def _take_mail(self, values: dict[str, object]) -> None:
        gate = self.draft.gate
        self.change(**values)
        if self.plan is None or values["gate"] != gate:
            self._count()

    # --- showing ---

    def _fill_paper(self) -> None:
        self.folder, self.zip = QLineEdit(), ZipPasswordField()
        self.folder_button = button(tr("Choose a folder"), self.choose_folder, symbol="folder-open")
        across = row(self.folder, self.folder_button)
        across.setStretch(0, 1)
        holder = QWidget()
        holder.setLayout(across)
        self.form = Form()
        self.form.add("out_folder", tr("Folder for the files"), holder)
        self.folder.setAccessibleName(tr("Folder for the files"))
        self.protect = QCheckBox(tr("Protect with a password (ZIP, AES-256)"))
        self.paper_note = label("", "note", wrap=True)
        for part in (self.form, self.protect, self.zip, self.paper_note):
            self.paper.body.addWidget(part)
        self.folder.textChanged.connect(self._take_folder)
        self.protect.toggled.connect(self._protect)
        self.zip.edited.connect(self._take_password)

    def _follow(self) -> None:
        channel = self.draft.channel
        by_mail = channel == "email"
        self.paper.setVisible(not by_mail)
        self.mail.setVisible(by_mail)
        protected = channel == "file" and self.protect.isChecked()
        self.protect.setVisible(channel == "file")
        self.zip.setVisible(protected)
        self.paper_note.setText(
            tr("One workbook with name, code and serial. The codes stand in it plainly: hand it over with care.")
            if channel == "file"
            else tr("One PDF: eight cards on a sheet with cut marks, in the order of the list, and a control sheet.")
        )
        if by_mail:
            self.mail.take(self.draft, self._base)
        self._say_lacking()
        self._count()
        self.looked.emit()

    def _note_ways(self, found: tuple[str | None, bool]) -> None:
        self._base, self._has_mail = found
        lacks = self._base is None or not self._has_mail
        note = tr("needs to be set up first") if lacks else ""
        self.tiles["email"].set_words(detail=_details()["email"], note=note, warns=lacks)
        self._follow()

    def _say_lacking(self) -> None:
        """Only where mail was chosen: what is missing, and the door to where it is set up."""
        self.lacking.clear()
        if self.draft.channel != "email":
            return
        if self._base is None:
            words = tr("There is no phone page yet: the links in the mails would lead nowhere.")
            self.lacking.say("warn", words, action=(tr("Connect an endpoint"), self._to_endpoint), closable=False)
        elif not self._has_mail:
            words = tr("No mail server is set up.")
            self.lacking.say("warn", words, action=(tr("Set up mail"), self._to_mail), closable=False)

    def _to_endpoint(self) -> None:
        self.page_wanted.emit("sync", None)

    def _to_mail(self) -> None:
        self.page_wanted.emit("settings", "mail")

    def _count(self) -> None:
        """Who the channel does not reach. A mail that cannot be sent yet is not counted."""
        self.plan = None
        if self.lack:
            return
        draft = self.draft
        if self._counting == (draft.channel, draft.gate):
            return
        self._counting = (draft.channel, draft.gate)

        def done(plan: Plan) -> None:
            self._counting = None
            if (self.draft.channel, self.draft.gate) == (draft.channel, draft.gate):
                self.plan = plan
                self.looked.emit()

        self.jobs.start(self.parts.distribution.preview, draft.spec, on_done=done, on_refused=self._refuse, owner=self)

    def _refuse(self, error: AppError) -> None:
        self._counting = None
        self.refused.emit(error)


def _details() -> dict[str, str]:
    return {
        "file": tr("One workbook for all"),
        "print": tr("Cards on A4"),
        "email": tr("One mail each"),
    }
