"""催领: everybody who was mailed some days ago and has not opened it gets the same link again."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from app.errors import AppError
from app.services.channels.letters import FIELDS, Template, flaws
from app.services.distribution import DistributionRow, DistributionService, Reminded
from app.services.distribution.reminding import REMIND_AFTER_DAYS
from app.services.progress import Progress
from app.views.distribution.flaws import FlawBar
from app.views.jobs import JobRunner
from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.views.widgets.toast import toast
from app.words import ntr, tr

MOST_DAYS = 90
TEXT_PX = 168
ANY_VALUES = dict.fromkeys(FIELDS, "-")


class RemindDialog(Dialog):
    """The words can be changed and are kept. The mails go out as a job of the task centre."""

    def __init__(
        self,
        page: QWidget,
        row: DistributionRow,
        *,
        service: DistributionService,
        jobs: JobRunner,
        on_refused: Callable[[AppError], object],
    ) -> None:
        super().__init__(page, tr("Remind those who have not opened their card?"), width=WIDE)
        self._page, self._row, self._service, self._jobs = page, row, service, jobs
        self._on_refused = on_refused
        self.count = 0
        words = tr("The same link, in the same thread as the first mail; nobody gets two reminders within 24 hours.")
        self.days, self.subject, self.text = QSpinBox(), QLineEdit(), QPlainTextEdit()
        self.days.setRange(1, MOST_DAYS)
        self.days.setValue(REMIND_AFTER_DAYS)
        self.text.setFixedHeight(TEXT_PX)
        self.text.setTabChangesFocus(True)
        self.flaws = FlawBar()
        self.form = Form(columns=2)
        self.form.add("days", tr("Mailed so many days ago or earlier"), self.days)
        self.form.add("subject", tr("Subject"), self.subject, wide=True)
        self.form.add("body", tr("Mail text"), self.text, wide=True)
        for part in (label(words, "muted", wrap=True), self.form, self.flaws):
            self.body.addWidget(part)
        self.add_cancel()
        self.verb_button = self.add_verb("", self.send)
        self._soon = QTimer(self, interval=200, singleShot=True)
        self._soon.timeout.connect(self._count)
        self.days.valueChanged.connect(lambda _: self._soon.start())
        self.subject.textChanged.connect(lambda _: self._look())
        self.text.textChanged.connect(self._look)
        self._show_count(0)
        jobs.start(service.reminder_words, row.id, on_done=self._fill, on_refused=self.banner.show_error, owner=self)
        self._count()

    @property
    def template(self) -> Template:
        return Template(self.subject.text().strip(), self.text.toPlainText())

    def send(self) -> None:
        if not self.count or any(flaw.is_fatal for flaw in self.flaws.flaws):
            return
        service, distribution_id = self._service, self._row.id
        days, template = self.days.value(), self.template

        def work(progress: Progress) -> Reminded:
            return service.remind(distribution_id, progress, days=days, template=template)

        title, page = tr("Remind: {name}", name=self._row.name), self._page
        self._jobs.start(
            work,
            title=title,
            watch=True,
            describe=reminded_words,
            on_done=lambda done: toast(page, reminded_words(done)),
            on_refused=self._on_refused,
            owner=page,
        )
        self.accept()

    def _count(self) -> None:
        days = self.days.value()

        def count() -> int:
            return self._service.to_remind(self._row.id, days=days)

        def done(found: int) -> None:
            if days == self.days.value():
                self._show_count(found)

        self._jobs.start(count, on_done=done, on_refused=self.banner.show_error, owner=self)

    def _show_count(self, found: int) -> None:
        self.count = found
        self.verb_button.setText(ntr("Remind {count} person", "Remind {count} people", found))
        self._follow()

    def _fill(self, template: Template) -> None:
        self.subject.setText(template.subject)
        self.text.setPlainText(template.body)

    def _look(self) -> None:
        self.flaws.show_flaws(flaws(self.template, ANY_VALUES))
        self._follow()
        self.fit()

    def _follow(self) -> None:
        self.verb_button.setEnabled(self.count > 0 and not any(flaw.is_fatal for flaw in self.flaws.flaws))


def reminded_words(done: Reminded) -> str:
    """`12 reminded, 1 failed`: the result line of the task."""
    parts = [ntr("{count} reminded", "{count} reminded", done.sent)]
    if done.failed:
        parts.append(ntr("{count} failed", "{count} failed", done.failed))
    if done.uncertain:
        parts.append(ntr("{count} uncertain", "{count} uncertain", done.uncertain))
    return ", ".join(parts)
