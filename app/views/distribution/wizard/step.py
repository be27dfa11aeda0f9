"""What every step of the wizard is: it shows the draft, changes it, and says what it still lacks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.jobs import JobRunner
from app.words import tr


class Step(QWidget):
    """`drafted` carries the changed draft, `looked` asks the frame to read `lack`, `totals` and `verb` again.

    `moved_on` is for steps that end by themselves; `page_wanted` goes out of the wizard.
    """

    drafted = Signal(object)
    looked = Signal()
    refused = Signal(object)  # AppError
    moved_on = Signal()
    reveal_wanted = Signal(object)  # a widget of the step that must be seen
    page_wanted = Signal(str, object)

    def __init__(self, title: str, line: str, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__()
        self.setProperty("role", "scrolled")
        self.setAccessibleName(title)
        self.step_title, self.step_line = title, line
        self.parts, self.jobs = parts, jobs
        self.draft = Draft()
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(12)

    def take(self, draft: Draft) -> None:
        """The step comes to the front with this draft; steps fill their fields here."""
        self.draft = draft

    def look_again(self) -> None:
        """The wizard comes back into sight: read again what was perhaps made or set up elsewhere meanwhile."""

    @property
    def lack(self) -> str:
        """What is missing before the next step, as a sentence; empty when nothing is."""
        return ""

    @property
    def totals(self) -> str:
        """The left side of the foot."""
        return ""

    @property
    def verb(self) -> str:
        """What the button says that goes on."""
        return tr("Next")

    @property
    def first(self) -> QWidget | None:
        """Where the caret goes when the step opens."""
        return None

    @property
    def is_faulty(self) -> bool:
        """Whether the step list shows a mark although one may go on."""
        return False

    def finish(self, then: Callable[[], object]) -> None:
        """Do what must be done before the next step, and go there."""
        then()

    def change(self, **values: Any) -> None:
        self.draft = replace(self.draft, **values)
        self.drafted.emit(self.draft)
        self.looked.emit()
