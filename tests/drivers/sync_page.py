"""The sync page over the services as a person has it: synced, refused, asked."""

from collections.abc import Callable

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.outbox import enqueue
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.sync.page import SyncPage
from app.views.widgets.dialog import ConfirmDialog

PATIENCE_MS = 20_000


class Desk:
    """The page with everything behind it, in a window of its own."""

    def __init__(self, bot: QtBot, services: Services) -> None:
        self.bot, self.services = bot, services
        self.jobs, self.changes = JobRunner(), Changes()
        self.page = SyncPage(services.cloud, services.devices, jobs=self.jobs, changes=self.changes)
        self.page.resize(1200, 800)
        self.page.show()
        bot.addWidget(self.page)
        self.settled()

    def wait(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def settled(self) -> None:
        self.wait(lambda: self.jobs.idle)

    @property
    def facts(self) -> list[str]:
        return [label.text() for label in self.page.overview.status.facts]

    def confirm(self) -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ConfirmDialog)
        dialog.verb_button.click()

    def refuse_one(self) -> int:
        """An entry the endpoint will refuse, sent and refused; its place in the queue."""
        with self.services.batches._database.write(Topic.OUTBOX) as session:
            body = {"batch_id": "0199d1a0-0000-7000-8000-000000000000"}
            enqueue(session, "batch.thaw@1", aggregate="batch:99", body=body)
        self.page.sync()
        self.wait(lambda: not self.page._syncing)
        self.settled()
        return next(row.id for row in self.services.cloud.queue() if row.state == "rejected")
