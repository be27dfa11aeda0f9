"""人员: who can receive cards; bring a list in, find one, let one go, forget one."""

from array import array
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QWidget

from app.services.list_views import ListViewService
from app.services.people import Marked, PeopleService, PersonFilter, PersonRow, Stored
from app.services.removals import RemovalService
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.people.import_dialog import ENDINGS, ImportDialog
from app.views.widgets.bin_acts import BinActs, back_words
from app.views.widgets.dialog import ask
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.list_page import ListPage
from app.views.widgets.pieces import button, column, label, row
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.search_box import SearchBox
from app.views.widgets.selection_bar import SelectionWords
from app.views.widgets.state_mark import StateMark
from app.views.widgets.toast import toast
from app.vocabulary import FIELDS, word
from app.words import day, ntr, tr

STAYING, LEFT, ALL = "staying", "left", "all"


class PeoplePage(ListPage):
    """The address book, sorted by pinyin. Drop or paste a list anywhere on the page; Enter shows one person."""

    def __init__(
        self,
        people: PeopleService,
        removals: RemovalService,
        *,
        jobs: JobRunner,
        changes: Changes,
        views: ListViewService | None = None,
    ) -> None:
        self._people = people
        self._filter = PersonFilter(left=False)
        super().__init__(
            tr("People"),
            tr("Everyone who can receive cards; phones and e-mails stay masked"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.PEOPLE,),
            columns=_columns(),
            load=lambda sort, descending: partial(people.ids, self._filter, sort=sort, descending=descending),
            fetch=lambda ids: people.rows_of(list(ids)),
            sort=("name", False),
            views=views,
        )
        self.header.add_primary(tr("Import"), self.ask_for_list, symbol="file-up", shortcut="Ctrl+O")
        self.setAcceptDrops(True)
        self.body.insertLayout(0, self._filters())
        self.table.opened.connect(self.open_record)
        self.table.set_menu(self._fill_menu)
        self.bulk = self.offer_bulk(SelectionWords(_selected, _everybody))
        self.bulk.add_act(tr("Mark as left"), self.let_go, symbol="log-out")
        self.bulk.add_act(tr("Mark as employed"), self.take_back, symbol="undo-2")
        self.bin = BinActs(self, removals, "person", bulk=self.bulk)
        self.bulk.add_act(tr("Delete personal data"), self.ask_to_forget, kind="danger", symbol="trash-2")
        self._show_empty(narrowed=False)
        changes.follow(self, Topic.PEOPLE, then=self._read_departments)
        self._read_departments()
        self.reload()

    # --- what others ask ---

    def show_wanted(self, wanted: object) -> None:
        """A person's id, "import", a path to import, or words to search for."""
        if isinstance(wanted, int):
            self.open_record(wanted)
        elif wanted == "import":
            self.ask_for_list()
        elif isinstance(wanted, Path):
            self.import_list(wanted)
        elif isinstance(wanted, str):
            self.search.setText(wanted)

    def open_record(self, record: int) -> None:
        self.look_up(self._people.person, record, then=self._show_person)

    def question(self) -> dict[str, Any]:
        kept = {
            "words": self.search.words,
            "department": self.department_box.currentData(),
            "left": self.left_box.currentData(),
        }
        return {key: value for key, value in kept.items() if value not in ("", None, STAYING)}

    def show_question(self, question: Mapping[str, Any]) -> None:
        department = question.get("department")
        if department is not None and self.department_box.findData(department) < 0:
            self.department_box.addItem(department, department)  # the departments are still being read
        self._set_filters(words=question.get("words", ""), department=department, left=question.get("left", STAYING))

    # --- bringing people in ---

    def ask_for_list(self) -> ImportDialog:
        """The dialog with its drop zone, still empty."""
        dialog = ImportDialog(self, self._people, jobs=self.jobs)
        dialog.stored.connect(self._say_stored)
        dialog.open()
        return dialog

    def import_list(self, source: Path | str) -> ImportDialog:
        """The dialog with a file, or with cells that were pasted."""
        dialog = self.ask_for_list()
        dialog.read(source)
        return dialog

    def paste(self) -> None:
        """A file or cells from the clipboard; anything else opens the empty dialog."""
        mime = QGuiApplication.clipboard().mimeData()
        paths = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        if paths:
            self.import_list(paths[0])
        elif mime.hasText() and mime.text().strip():
            self.import_list(mime.text())
        else:
            self.banner.say("info", tr("There is nothing to paste. Copy the cells first."))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(_readable(url.toLocalFile()) for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if _readable(url.toLocalFile())]
        if paths:
            event.acceptProposedAction()
            self.import_list(Path(paths[0]))

    # --- letting people go ---

    def let_go(self, ids: Sequence[int]) -> None:
        """They left; no question asked while all of them are in sight: the toast takes it back."""
        self._ask_to_mark(list(ids), left=True)

    def take_back(self, ids: Sequence[int]) -> None:
        self._ask_to_mark(list(ids), left=False)

    def ask_to_forget(self, ids: Sequence[int], name: str = "") -> None:
        """Deleting is for good: the name (or the count) must be typed."""
        wanted = list(ids)
        count = len(wanted)
        ask(
            self,
            tr("Delete the data of {name}?", name=name) if name else _ask_for(count),
            consequence=tr(
                "Name, number, phone and e-mail are deleted for good and cannot be brought back. "
                "What was received stays in the books, without a name."
            ),
            verb=tr("Delete personal data"),
            typed=name or str(count),
            then=lambda: self._forget(wanted),
        )

    # --- inside ---

    def _filters(self) -> QHBoxLayout:
        self.search = SearchBox(tr("Name, pinyin, phone tail or number"))
        self.search.searched.connect(lambda _: self._narrow())
        self.department_box, self.left_box = QComboBox(), QComboBox()
        self.department_box.setAccessibleName(word(FIELDS, "department"))
        self.department_box.setMinimumWidth(160)
        self.department_box.addItem(tr("All departments"), None)
        self.left_box.setAccessibleName(tr("Employed"))
        for key, words in ((STAYING, tr("Employed")), (LEFT, tr("Has left")), (ALL, tr("All people"))):
            self.left_box.addItem(words, key)
        self.department_box.currentIndexChanged.connect(self._narrow)
        self.left_box.currentIndexChanged.connect(self._narrow)
        return row(self.search, self.department_box, self.left_box, 0)

    def _wanted(self) -> PersonFilter:
        left = {STAYING: False, LEFT: True}.get(self.left_box.currentData())
        return PersonFilter(self.search.words, self.department_box.currentData(), left)

    def _narrow(self) -> None:
        self._filter = self._wanted()
        self._show_empty(narrowed=self._filter not in (PersonFilter(left=False), PersonFilter()))
        self.reload()

    def show_all(self) -> None:
        """Take every filter away."""
        self._set_filters(words="", department=None, left=ALL)

    def _set_filters(self, *, words: str, department: str | None, left: str) -> None:
        """All at once: the list is asked for one time."""
        for box, value in ((self.department_box, department), (self.left_box, left)):
            box.blockSignals(True)
            box.setCurrentIndex(max(0, box.findData(value)))
            box.blockSignals(False)
        self.search.show_words(words)
        self._narrow()

    def _show_empty(self, *, narrowed: bool) -> None:
        """Nobody at all is another matter than nobody of this kind."""
        if narrowed:
            everybody = (tr("Show everybody"), self.show_all)
            self.table.set_empty(
                EmptyState(
                    "users", tr("Nobody matches"), hint=tr("Try other words, or clear the filters"), act=everybody
                )
            )
            return
        hint = tr("Drop a list here, or paste cells from Excel with Ctrl+V. 500 people take a second.")
        act = (tr("Import"), self.ask_for_list)
        self.table.set_empty(EmptyState("users", tr("Nobody here yet"), hint=hint, act=act))

    def _read_departments(self) -> None:
        self.jobs.start(self._people.departments, on_done=self._fill_departments, owner=self)

    def _fill_departments(self, names: list[str]) -> None:
        """Keep the choice; one that is gone becomes everybody."""
        box, chosen = self.department_box, self.department_box.currentData()
        box.blockSignals(True)
        while box.count() > 1:
            box.removeItem(1)
        for name in names:
            box.addItem(name, name)
        box.setCurrentIndex(max(0, box.findData(chosen)) if chosen else 0)
        box.blockSignals(False)
        if box.currentData() != chosen:
            self._narrow()

    def _show_person(self, person: PersonRow) -> None:
        acts = [button(tr("Show cards"), lambda: self._show_cards(person.id), symbol="credit-card")]
        if person.left_at is None:
            acts.append(button(tr("Mark as left"), lambda: self.let_go([person.id]), symbol="log-out"))
        else:
            acts.append(button(tr("Mark as employed"), lambda: self.take_back([person.id]), symbol="undo-2"))
        self.drawer.show_record(person.name, self._body(person), state=_mark(person), acts=tuple(acts))

    def _body(self, person: PersonRow) -> QWidget:
        body = QWidget()
        known = [
            (word(FIELDS, "employee_no"), person.employee_no),
            (word(FIELDS, "department"), person.department),
            (word(FIELDS, "phone"), person.phone_masked),
            (word(FIELDS, "email"), person.email_masked),
        ]
        if person.left_at is not None:
            known.append((tr("Left on"), day(person.left_at)))
        forget = button(
            tr("Delete personal data"),
            lambda: self.ask_to_forget([person.id], person.name),
            kind="danger",
            symbol="trash-2",
        )
        note = label(tr("Phone and e-mail are shown in part only. Letters and sheets carry them in full."), "note")
        note.setWordWrap(True)
        remove = button(tr("Move to the recycle bin"), lambda: self.bin.remove([person.id]), symbol="trash-2")
        body.setLayout(column(facts(known), 4, note, 12, row(remove, 0), row(forget, 0), 0))
        return body

    def _show_cards(self, person_id: int) -> None:
        self.page_wanted.emit("cards", {"person_id": person_id})

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        people = list(ids)
        if len(people) == 1:
            menu.addAction(tr("Show cards"), lambda: self._show_cards(people[0]))
        menu.addAction(tr("Mark as left"), lambda: self.let_go(people))
        menu.addAction(tr("Mark as employed"), lambda: self.take_back(people))
        self.bin.offer(menu, people)
        chosen = self.table.current_row() if len(people) == 1 else None
        name = chosen.name if isinstance(chosen, PersonRow) else ""
        menu.addAction(tr("Delete personal data"), lambda: self.ask_to_forget(people, name))

    def _ask_to_mark(self, ids: list[int], *, left: bool) -> None:
        if not self.bulk.beyond_sight(ids):
            self._mark_left(ids, left=left)
            return
        mark_left = ntr("Mark {count} person as left", "Mark {count} people as left", len(ids))
        mark_back = ntr("Mark {count} person as employed", "Mark {count} people as employed", len(ids))
        leaving = tr("They are no longer offered when cards are given. What they hold stays theirs.")
        ask(
            self,
            ntr("Mark {count} person as left?", "Mark {count} people as left?", len(ids))
            if left
            else ntr("Mark {count} person as employed?", "Mark {count} people as employed?", len(ids)),
            consequence=leaving if left else tr("They are offered again when cards are given."),
            verb=mark_left if left else mark_back,
            then=lambda: self._mark_left(ids, left=left),
            danger=False,
        )

    def _mark_left(self, ids: list[int], *, left: bool) -> None:
        def done(before: Marked) -> None:
            words = _have_left(len(before)) if left else _are_back(len(before))
            back = partial(self.jobs.start, self._people.put_back, before)
            toast(self, words, undo=back if before else None)
            self._reopen(ids)

        call = self._people.leave if left else self._people.rejoin
        self.jobs.start(call, ids, on_done=done, on_refused=self.banner.show_error, owner=self)

    def _reopen(self, ids: Sequence[int]) -> None:
        if len(ids) == 1 and self.drawer.isVisible():
            self.open_record(ids[0])

    def _forget(self, ids: list[int]) -> None:
        def done(count: int) -> None:
            self.drawer.shut()
            toast(self, ntr("Data of {count} person deleted", "Data of {count} people deleted", count))

        self.jobs.start(self._people.forget, ids, on_done=done, on_refused=self.banner.show_error, owner=self)

    def _say_stored(self, stored: Stored) -> None:
        if stored.is_nothing_new:
            toast(self, tr("Everyone on the list is known already; nothing was changed"))
            return
        words = tr("{created} new, {updated} updated", created=f"{stored.created:,}", updated=f"{stored.updated:,}")
        toast(self, " · ".join(part for part in (words, back_words(stored.restored)) if part))


def _columns() -> tuple[Column, ...]:
    return (
        Column("name", word(FIELDS, "name"), 130, stretch=True, sortable=True),
        Column("employee_no", word(FIELDS, "employee_no"), 110, stretch=True, sortable=True),
        Column("department", word(FIELDS, "department"), 130, stretch=True, sortable=True),
        Column("phone_masked", word(FIELDS, "phone"), 125, stretch=True),
        Column("email_masked", word(FIELDS, "email"), 180, stretch=True),
        Column("left_at", tr("Employed"), 116, Kind.STATE, value=_mark, sortable=True),
    )


def _selected(count: int) -> str:
    return ntr("{count} person selected", "{count} people selected", count)


def _everybody(count: int) -> str:
    return ntr("Select the {count} person", "Select all {count} people", count)


def _mark(person: PersonRow) -> StateMark:
    return StateMark("neutral", tr("Has left")) if person.left_at else StateMark("ok", tr("Employed"))


def _ask_for(count: int) -> str:
    return ntr("Delete the data of {count} person?", "Delete the data of {count} people?", count)


def _have_left(count: int) -> str:
    return ntr("{count} person marked as left", "{count} people marked as left", count)


def _are_back(count: int) -> str:
    return ntr("{count} person marked as employed", "{count} people marked as employed", count)


def _readable(path: str) -> bool:
    return path.lower().endswith(ENDINGS)
