"""租约: the cards that computers decide about alone, of every computer; give back, or take back by force."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtWidgets import QLineEdit, QMenu, QPushButton, QWidget

from app.errors import AppError
from app.services.leases import LeaseRow, LeaseService
from app.topics import Topic
from app.views.changes import Changes
from app.views.counter.lease_bar import ask_back, returned_words
from app.views.counter.lease_dialog import LeaseDialog
from app.views.counter.numbered import Numbers
from app.views.jobs import JobRunner
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.dialog import Dialog
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.flow import Flow
from app.views.widgets.form import Form
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.pieces import button, label
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import StateMark
from app.views.widgets.toast import toast
from app.vocabulary import LEASE_STATES, LEASES_SHOWN, word
from app.words import moment, ntr, tr, yuan

LIVE = ("open", "returning")
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: `id` stands for the lease's, which is a text."""

    id: int
    lease: LeaseRow


class LeasesPage(ListPage):
    """`show_wanted` takes "take": the question for a new lease."""

    def __init__(self, leases: LeaseService, *, jobs: JobRunner, changes: Changes) -> None:
        self._leases = leases
        self._numbers = Numbers()
        self._rows: dict[int, LeaseRow] = {}
        super().__init__(
            tr("Leases"),
            tr("Cards that one computer decides about alone, so that its counter goes on without a line"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.LEASES, Topic.REDEMPTIONS, Topic.OUTBOX, Topic.BATCHES),
            columns=_columns(),
            load=self._ids,
            fetch=self._fetch,
        )
        self.header.add_primary(tr("Lease cards"), self.ask_for_lease, symbol="download", shortcut="Ctrl+N")
        self.header.add_secondary(tr("End lease"), self.end_current, symbol="undo-2")
        self.state_box = choice_box(tr("State"), tr("In force"), LEASES_SHOWN)
        boxes = QWidget()
        boxes.setLayout(Flow(self.state_box))
        self.body.insertWidget(0, boxes)
        self.state_box.currentIndexChanged.connect(lambda _: self.reload())
        self.table.set_menu(self._fill_menu)
        self.table.opened.connect(self.open_record)
        act = (tr("Lease cards"), self.ask_for_lease)
        hint = tr("Before a fair or a shift without a line: leased cards are redeemed by this computer alone")
        self.table.set_empty(EmptyState("download", tr("No card is leased"), hint=hint, act=act))
        self.reload()

    def show_wanted(self, wanted: object) -> None:
        if wanted == "take":
            self.ask_for_lease()

    def show_ended(self, *, ended: bool) -> None:
        show_choice(self.state_box, "all" if ended else "")
        self.reload()

    # --- acts ---

    def ask_for_lease(self) -> None:
        LeaseDialog(self, self._leases, jobs=self.jobs).open()

    def end_current(self) -> None:
        """Give back what this computer has; take back what another one has."""
        current = self.table.current_id()
        row = self._rows.get(current if current is not None else -1)
        if row is None:
            self.banner.say("info", tr("Choose a lease in the list first."))
        elif row.state not in LIVE:
            self.banner.say("info", tr("This lease has ended already."))
        else:
            self.end(row)

    def end(self, row: LeaseRow) -> None:
        if not row.mine:
            ReclaimDialog(self, row, self._leases, jobs=self.jobs).open()
        elif row.state == "returning":
            self.banner.say("info", tr("Ended here. The endpoint hears of it behind what waits for upload."))
        elif row.over:
            self._give_back(row)
        else:
            ask_back(self, row.cards, then=lambda: self._give_back(row))

    def open_record(self, record: int) -> None:
        row = self._rows.get(record)
        if row is None:
            return
        acts: tuple[QPushButton, ...] = ()
        if row.state in LIVE and not (row.mine and row.state == "returning"):
            verb = tr("Give back") if row.mine else tr("Take back by force")
            acts = (button(verb, lambda: self.end(row), kind="normal" if row.mine else "danger"),)
        self.drawer.show_record(row.serial, _facts(row), state=lease_mark(row), acts=acts)

    # --- inside ---

    def _give_back(self, row: LeaseRow) -> None:
        self.drawer.shut()
        self.jobs.start(
            self._leases.give_back,
            row.id,
            on_done=lambda done: toast(self, returned_words([done])),
            on_refused=self.banner.show_error,
            owner=self,
        )

    def _fill_menu(self, menu: QMenu, ids: Sequence[int]) -> None:
        row = self._rows.get(ids[0])
        if row is None:
            return
        menu.addAction(tr("Show"), lambda: self.open_record(ids[0]))
        if row.state in LIVE:
            menu.addAction(tr("Give back") if row.mine else tr("Take back by force"), lambda: self.end(row))
        menu.addAction(tr("Show cards"), lambda: self.page_wanted.emit("cards", {"batch_id": row.batch_id}))

    def _ids(self, _sort: str, _descending: bool) -> Load:  # ListPage's shape
        return partial(self._read, ended=self.state_box.currentData() == "all")

    def _read(self, *, ended: bool) -> Sequence[int]:
        rows = self._leases.leases(ended=ended)
        numbers = self._numbers.of([row.id for row in rows])
        self._rows = dict(zip(numbers, rows, strict=True))
        return numbers

    def _fetch(self, ids: Sequence[int]) -> list[Line]:
        return [Line(one, self._rows[one]) for one in ids if one in self._rows]


class ReclaimDialog(Dialog):
    """Accepts once it is put down; the reason is kept in the audit log."""

    def __init__(self, parent: QWidget, row: LeaseRow, leases: LeaseService, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Take the lease back by force?"))
        self._row, self._leases, self._jobs = row, leases, jobs
        cards = ntr(
            "{count} card of {serial}, leased by {whose}.",
            "{count} cards of {serial}, leased by {whose}.",
            row.cards,
            serial=row.serial,
            whose=whose(row),
        )
        self.body.addWidget(label(cards, wrap=True))
        self.body.addWidget(label(_consequence(row), "muted", wrap=True))
        self.reason = QLineEdit()
        self.reason.setMaxLength(LONGEST_REASON)
        self.reason.setPlaceholderText(tr("The computer is broken"))
        self.reason.returnPressed.connect(self.reclaim)
        self.form = Form()
        self.form.add("reason", tr("Reason (kept in the audit log)"), self.reason)
        self.body.addWidget(self.form)
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Take back by force"), self.reclaim, kind="danger-filled")
        self.reason.setFocus()

    def reclaim(self) -> None:
        reason = self.reason.text().strip()
        if not reason:
            self.form.set_error("reason", tr("Give a reason first; it is kept in the audit log."))
            return
        call = partial(self._leases.reclaim, self._row.id, reason=reason)
        self.see_through(
            self._jobs.start(call, on_done=self._done, on_refused=self._refuse, owner=self), self.verb_button
        )

    def _done(self, row: LeaseRow) -> None:
        said = tr("Taken back") if row.state == "reclaimed" else tr("It is taken back as soon as there is a line")
        toast(self.parentWidget() or self, said)
        self.accept()

    def _refuse(self, error: AppError) -> None:
        self.banner.show_error(error)


def lease_mark(row: LeaseRow) -> StateMark:
    """One that ran out and was not given back is a thing to do."""
    if row.over:
        return StateMark("warn", tr("Run out, not given back"), "history")
    tones = {"open": "ok", "returning": "info", "reclaimed": "warn"}
    tone = tones.get(row.state, "neutral")
    return StateMark(tone, word(LEASE_STATES, row.state))  # type: ignore[arg-type]  # tones of the theme


def whose(row: LeaseRow) -> str:
    """The computer; this one, and this one before its vault was put back from a backup, are told apart."""
    if row.mine:
        return tr("this computer")
    return tr("this computer, before it was restored") if row.earlier else row.device_name or tr("another computer")


def _computer(row: LeaseRow) -> str:
    """The same by itself, not within a sentence."""
    named = whose(row)
    return named if named == row.device_name else named[:1].upper() + named[1:]


def _consequence(row: LeaseRow) -> str:
    if row.earlier:
        return tr(
            "The cards are redeemed everywhere again. What this computer redeemed offline after that backup was made "
            "and did not upload is not known any more: if another copy of it turns up, it may become a conflict."
        )
    return tr(
        "The cards are redeemed everywhere again. If that computer has redeemed some of them offline and not uploaded "
        "it, the same card may be redeemed twice: then a conflict comes up that people have to settle."
    )


def _columns() -> tuple[Column, ...]:
    return (
        Column("serial", tr("Batch"), 104, Kind.CODE, value=lambda line: line.lease.serial),
        Column("product", tr("Product"), 110, stretch=True, value=lambda line: line.lease.product),
        Column("cards", tr("How many"), 72, Kind.COUNT, value=lambda line: line.lease.cards),
        Column("numbers", tr("Numbers"), 88, roomy=True, value=lambda line: _numbers(line.lease)),
        Column("device", tr("Computer"), 120, stretch=True, value=lambda line: _computer(line.lease)),
        Column("until", tr("Until"), 136, Kind.MOMENT, value=lambda line: line.lease.until),
        Column("used", tr("Used"), 64, Kind.COUNT, value=lambda line: line.lease.uses),
        Column("minor", tr("Amount (yuan)"), 110, Kind.MONEY, roomy=True, value=lambda line: line.lease.minor or None),
        Column("unsent", tr("To upload"), 80, Kind.COUNT, value=lambda line: line.lease.unsent),
        Column("state", tr("State"), 112, Kind.STATE, value=lambda line: lease_mark(line.lease)),
    )


def _numbers(row: LeaseRow) -> str:
    return f"{row.first_no:,}-{row.first_no + row.cards - 1:,}"


def _facts(row: LeaseRow) -> QWidget:
    used = ntr("{count} use", "{count} uses", row.uses)
    waiting = ntr("{count} use waits for upload", "{count} uses wait for upload", row.unsent) if row.unsent else ""
    return facts(
        (
            (tr("Product"), row.product),
            (tr("Cards"), f"{row.cards:,} ({_numbers(row)})"),
            (tr("Computer"), _computer(row)),
            (tr("Leased"), moment(row.taken_at)),
            (tr("Until"), moment(row.until)),
            (tr("Ended"), moment(row.ended_at)),
            (tr("Used"), " · ".join(filter(None, (used, yuan(row.minor) if row.minor else "", waiting)))),
        )
    )
