"""Another way for chosen deliveries: file, print or mail, and what happens to the link they have."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QFileDialog, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from app.views.widgets.dialog import Dialog
from app.views.widgets.folders import documents
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, label, row
from app.vocabulary import CHANNELS, word
from app.words import ntr, tr

CHOICES = ("email", "print", "file")


class ChangeChannelDialog(Dialog):
    """`now` are the channels they travel by; `then(channel, folder)` gets what was chosen, no folder for mail."""

    def __init__(
        self,
        parent: QWidget,
        count: int,
        *,
        now: Sequence[str],
        folder: str | None,
        then: Callable[[str, Path | None], object],
    ) -> None:
        super().__init__(parent, ntr("Send {count} card another way?", "Send {count} cards another way?", count))
        self._then = then
        self.group = QButtonGroup(self)
        self.choices: dict[str, QRadioButton] = {}
        ways = QVBoxLayout()
        ways.setSpacing(4)
        for at, key in enumerate(CHOICES):
            if tuple(now) == (key,):
                continue
            choice = QRadioButton(word(CHANNELS, key))
            self.choices[key] = choice
            self.group.addButton(choice, at)
            ways.addLayout(row(choice, 0))
        self.body.addLayout(ways)
        self._add_folder(folder)
        self.note = label("", "muted", wrap=True)
        self._mailed = "email" in now
        for part in (self.form, self.note):
            self.body.addWidget(part)
        self.add_cancel()
        self.verb_button = self.add_verb(ntr("Change {count}", "Change {count}", count), self._confirm)
        self.group.idToggled.connect(lambda _, on: self._follow() if on else None)
        next(iter(self.choices.values())).setChecked(True)
        self._follow()

    def _add_folder(self, folder: str | None) -> None:
        self.folder = QLineEdit(folder or str(documents()))
        self.folder.setAccessibleName(tr("Folder for the files"))
        across = row(self.folder, button(tr("Choose"), self._choose_folder, symbol="folder-open"))
        across.setStretch(0, 1)
        holder = QWidget()
        holder.setLayout(across)
        self.form = Form()
        self.form.add("out_folder", tr("Folder for the files"), holder)
        self.folder.textEdited.connect(lambda _: self.form.clear_errors())

    @property
    def channel(self) -> str:
        return CHOICES[self.group.checkedId()]

    def _follow(self) -> None:
        by_mail = self.channel == "email"
        self.form.setVisible(not by_mail)
        if self._mailed:
            words = tr(
                "The link in the mail ends first. Until the endpoint has confirmed that, the card goes nowhere; "
                "what was opened stays as it is."
            )
        elif by_mail:
            words = tr("Only what has not been written yet can go by mail. Who has no address stays where he is.")
        else:
            words = tr("Only what has not been written yet can change.")
        self.note.setText(words)
        self.fit()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, tr("Choose a folder"), self.folder.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    def _confirm(self) -> None:
        by_mail = self.channel == "email"
        folder = Path(self.folder.text().strip()).expanduser()
        if not by_mail and not (self.folder.text().strip() and folder.is_dir()):
            self.form.set_error("out_folder", tr("This folder is not there. Choose another one."))
            self.fit()
            return
        self.accept()
        self._then(self.channel, None if by_mail else folder)
