"""Asks for the name of a view: a new one, or another one."""

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from app.errors import AppError
from app.views.jobs import JobRunner, hold
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.words import tr


class ViewNameDialog(Dialog):
    """`call(name)` runs on a worker and may refuse the name; `then` gets what it gives."""

    def __init__(
        self,
        parent: QWidget,
        title: str,
        *,
        name: str = "",
        call: Callable[[str], Any],
        then: Callable[[Any], object],
        jobs: JobRunner,
    ) -> None:
        super().__init__(parent, title)
        self._call, self._then, self._jobs = call, then, jobs
        self.name = QLineEdit(name)
        self.form = Form()
        self.form.add("name", tr("Name of the view"), self.name)
        self.body.addWidget(self.form)
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Save"), self._save)
        self.name.selectAll()
        self.name.setFocus()

    def _save(self) -> None:
        saving = self._jobs.start(
            self._call, self.name.text(), on_done=self._saved, on_refused=self._refuse, owner=self
        )
        hold(saving, self.verb_button)

    def _saved(self, made: Any) -> None:
        self.accept()
        self._then(made)

    def _refuse(self, error: AppError) -> None:
        if not self.form.show_error(error):
            self.banner.show_error(error)
