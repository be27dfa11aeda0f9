"""备份: where, when, the last good one, and a trial restore."""

from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QWidget

from app.services.backups import BackupRow, BackupService, BackupVerdict
from app.services.settings import SettingService
from app.views.jobs import JobRunner
from app.views.settings.sheet import card, no_wider, sheet
from app.views.widgets.banner import Banner
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, column, label, row
from app.words import moment, ntr, tr

EVERY_HOURS = (0, 4, 24, 168)


class BackupsSection(QWidget):
    def __init__(self, backups: BackupService, settings: SettingService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._backups, self._settings, self._jobs = backups, settings, jobs
        self.banner = Banner(self)
        self.last = label("", "muted", wrap=True)
        self.folder = label("", "muted", wrap=True)
        self.every = QComboBox()
        names = (tr("Only by hand"), tr("Every 4 hours"), tr("Every day"), tr("Every week"))
        for hours, name in zip(EVERY_HOURS, names, strict=True):
            self.every.addItem(name, hours)
        self.every.setCurrentIndex(max(0, self.every.findData(settings.get("backup.every_hours"))))
        self.every.activated.connect(self._choose_every)
        self.on_exit = QCheckBox(tr("Back up when the program is closed"))
        self.on_exit.setChecked(bool(settings.get("backup.on_exit")))
        self.on_exit.clicked.connect(self._choose_on_exit)
        form = Form()
        form.add("every", tr("How often"), self.every)
        self.now_button = button(tr("Back up now"), self.back_up, kind="primary", symbol="archive-restore")
        self.trial_button = button(tr("Trial restore"), self.try_restore, symbol="shield-check")
        self.folder_button = button(tr("Choose folder"), self.choose_folder, symbol="folder-open")
        facts = column(self.last, self.folder, spacing=4)
        acts = row(self.now_button, self.trial_button, self.folder_button, 0)
        sheet(
            self,
            self.banner,
            card(facts, acts, title=tr("Backups")),
            card(no_wider(form), self.on_exit, title=tr("By itself")),
        )
        self._look()

    def back_up(self) -> None:
        self._jobs.start(
            self._backups.create,
            title=tr("Back up"),
            on_done=self._made,
            on_refused=self.banner.show_error,
            owner=self,
        )

    def try_restore(self) -> None:
        """The newest backup, into a scratch folder, counted and checked."""
        self._jobs.start(
            self._backups.verify_newest,
            title=tr("Trial restore"),
            on_done=self._tried,
            on_refused=self.banner.show_error,
            owner=self,
        )

    def choose_folder(self) -> None:
        dialog = QFileDialog(self, tr("Folder of the backups"), str(self._backups.folder))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._keep_folder)
        dialog.open()

    def _keep_folder(self, path: str) -> None:
        self._jobs.start(self._settings.put, "backup.folder", path, on_done=lambda _: self._look(), owner=self)

    def _made(self, made: BackupRow) -> None:
        self.banner.say("ok", tr("Backed up to {file}", file=made.path))
        self._look()

    def _tried(self, verdict: BackupVerdict | None) -> None:
        if verdict is None:
            self.banner.say("info", tr("There is no backup yet."))
        elif verdict.ok:
            counts = ntr("{count} batch restored and checked", "{count} batches restored and checked", verdict.batches)
            self.banner.say("ok", counts)
        else:
            self.banner.say("error", tr("Damaged: {what}", what=", ".join(verdict.findings)))

    def _look(self) -> None:
        """The folder may lie in a network that takes its time."""
        self._jobs.start(self._backups.backups, on_done=self._tell, on_refused=self.banner.show_error, owner=self)

    def _tell(self, rows: list[BackupRow]) -> None:
        self.last.setText(
            tr("Last good backup: {at}", at=moment(rows[0].made_at)) if rows else tr("There is no backup yet.")
        )
        self.folder.setText(tr("Folder: {path}", path=self._backups.folder))

    def _choose_every(self) -> None:
        self._jobs.start(self._settings.put, "backup.every_hours", self.every.currentData())

    def _choose_on_exit(self, chosen: bool) -> None:
        self._jobs.start(self._settings.put, "backup.on_exit", chosen)
