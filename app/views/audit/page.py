"""审计: who did what, and whether anybody changed the record of it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from app.acts import ACTIONS
from app.services.audit import AuditLog, AuditRow, AuditVerdict
from app.services.list_views import ListViewService
from app.topics import Topic
from app.views.audit.filters import AuditFilters
from app.views.audit.words import detail_lines, details, subject, who
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.row_table import Column, Kind
from app.vocabulary import word
from app.words import moment, ntr, tr


class AuditPage(ListPage):
    """Newest first; 校验 walks the whole chain."""

    def __init__(
        self, audit: AuditLog, *, jobs: JobRunner, changes: Changes, views: ListViewService | None = None
    ) -> None:
        self._audit = audit
        self.filters = AuditFilters(audit, jobs=jobs)
        super().__init__(
            tr("Audit log"),
            tr("Every export, reveal, freeze, login and setting change"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.AUDIT,),
            columns=(
                Column("id", tr("No."), 64, Kind.COUNT),
                Column("at", tr("Time"), 136, Kind.MOMENT, sortable=True),
                Column("actor", tr("Who"), 72, value=who),
                Column("action", tr("What was done"), 178, value=lambda r: word(ACTIONS, r.action)),
                Column("subject", tr("To what"), 150, value=subject),
                Column("details", tr("Details"), 152, stretch=True, value=details, tip=details),
            ),
            load=self._ids,
            fetch=lambda ids: audit.rows_of(list(ids)),
            sort=("at", True),
            views=views,
        )
        self.header.add_primary(tr("Verify"), self.verify, symbol="shield-check", shortcut="Ctrl+R")
        self.body.insertWidget(0, self.filters)
        self.filters.changed.connect(self.reload)
        self.table.opened.connect(self.open_record)
        empty = EmptyState("scroll-text", tr("Nobody did this yet"), act=(tr("Show the whole log"), self._show_all))
        self.table.set_empty(empty)
        self.reload()

    def open_record(self, record: int) -> None:
        """One entry with all its details in full."""

        def done(found: list[AuditRow]) -> None:
            for entry in found:
                known = [(tr("Time"), moment(entry.at)), (tr("Who"), who(entry)), (tr("To what"), subject(entry))]
                self.drawer.show_record(word(ACTIONS, entry.action), facts([*known, *detail_lines(entry)]))

        self.look_up(self._audit.rows_of, [record], then=done)

    def question(self) -> dict[str, Any]:
        return self.filters.kept()

    def show_question(self, question: Mapping[str, Any]) -> None:
        self.filters.show_kept(question)

    def verify(self) -> None:
        self.jobs.start(
            self._audit.verify,
            on_done=self._show_verdict,
            on_refused=self.banner.show_error,
            title=tr("Verify the audit log"),
            watch=True,
            owner=self,
        )

    def _show_verdict(self, verdict: AuditVerdict) -> None:
        if verdict.ok:
            words = ntr("{count} entry, the chain holds", "{count} entries, the chain holds", verdict.entries)
            self.banner.say("ok", words)
        else:
            self.banner.say("error", tr("The audit log was changed: {findings}", findings=", ".join(verdict.findings)))

    def _show_all(self) -> None:
        self.filters.show_kept({})

    def _ids(self, _sort: str, descending: bool) -> Load:  # ListPage's shape
        return partial(self._audit.ids, **self.filters.asked, descending=descending)
