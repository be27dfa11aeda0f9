"""What narrows the audit log: who, what was done, to what, and when."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from app.acts import ACTIONS
from app.services.audit import AuditLog
from app.views.audit.words import actor_words, as_stored
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.days_box import DaysBox
from app.views.widgets.flow import Flow
from app.views.widgets.pieces import column
from app.views.widgets.search_box import SearchBox
from app.words import tr

SUBJECT_WIDTH = 190


class AuditFilters(QWidget):
    changed = Signal()

    def __init__(self, audit: AuditLog, *, jobs: JobRunner) -> None:
        super().__init__()
        self.actor_box = choice_box(tr("Who"), tr("Everybody"), {})
        self.actor_box.hide()  # until more than one did something
        self.action_box = choice_box(tr("What was done"), tr("All acts"), ACTIONS)
        self.subject_box = SearchBox(tr("To what"))
        self.subject_box.setMaximumWidth(SUBJECT_WIDTH)
        self.days_box = DaysBox(tr("Time"), tr("At any time"))
        boxes = QWidget()
        boxes.setLayout(Flow(self.action_box, self.subject_box, self.days_box, self.actor_box))
        self.chips = ChipBar()
        self.setLayout(column(boxes, self.chips))
        for box in (self.actor_box, self.action_box):
            box.currentIndexChanged.connect(self._narrow)
        self.days_box.changed.connect(self._narrow)
        self.subject_box.searched.connect(self._narrow)
        self.chips.removed.connect(self._drop)
        self.chips.cleared.connect(lambda: self.show_kept({}))
        jobs.start(audit.actors, on_done=self._show_actors, owner=self)

    @property
    def asked(self) -> dict[str, Any]:
        """As the log takes it."""
        begin, end = self.days_box.span
        return {
            "action": self.action_box.currentData() or None,
            "actor": self.actor_box.currentData() or None,
            "subject": as_stored(self.subject_box.words),
            "begin": begin,
            "end": end,
        }

    def kept(self) -> dict[str, Any]:
        kept = {
            "action": self.action_box.currentData(),
            "actor": self.actor_box.currentData(),
            "subject": self.subject_box.words,
            "days": self.days_box.kept(),
        }
        return {key: value for key, value in kept.items() if value}

    def show_kept(self, kept: Mapping[str, Any]) -> None:
        if kept.get("actor") and self.actor_box.findData(kept["actor"]) < 0:
            self.actor_box.addItem(actor_words(kept["actor"]), kept["actor"])  # they are still being read
        show_choice(self.action_box, kept.get("action"))
        show_choice(self.actor_box, kept.get("actor"))
        self.subject_box.show_words(kept.get("subject", ""))
        self.days_box.show_kept(kept.get("days", {}))
        self._narrow()

    def _narrow(self, *_: object) -> None:
        chips = [
            Chip("action", tr("What was done"), _chosen(self.action_box)),
            Chip("subject", tr("To what"), self.subject_box.words),
            Chip("days", tr("Time"), self.days_box.chosen_words),
            Chip("actor", tr("Who"), _chosen(self.actor_box)),
        ]
        self.chips.show_chips([chip for chip in chips if chip.value])
        self.changed.emit()

    def _drop(self, key: str) -> None:
        self.show_kept({name: value for name, value in self.kept().items() if name != key})

    def _show_actors(self, actors: Sequence[str]) -> None:
        with QSignalBlocker(self.actor_box):
            for actor in actors:
                if self.actor_box.findData(actor) < 0:
                    self.actor_box.addItem(actor_words(actor), actor)
        self.actor_box.setVisible(len(actors) > 1)


def _chosen(box: QComboBox) -> str:
    return box.currentText() if box.currentData() else ""
