"""The devices of this merchant: who works at the endpoint, with which role, seen when; letting in and revoking."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.errors import AppError
from app.services.cloud import CloudStatus
from app.services.cloud.devices import DeviceRow, DeviceService, roles_given_by
from app.views.jobs import JobRunner
from app.views.sync.device_dialogs import AddDeviceDialog, RenameDialog, RoleDialog
from app.views.sync.device_words import device_mark, may_do, role_word, shown_name
from app.views.widgets.dialog import ask
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.page import Page
from app.views.widgets.pieces import button, column
from app.views.widgets.row_table import Column, Kind, RowTable
from app.views.widgets.toast import toast
from app.words import moment, tr


class DevicesSection(QWidget):
    """`page` lends its drawer and its banner. It is read when it is shown: most who open the page want the queue."""

    summary_changed = Signal(str)

    def __init__(self, page: Page, devices: DeviceService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._page, self._devices, self._jobs = page, devices, jobs
        self._status: CloudStatus | None = None
        self.rows: list[DeviceRow] = []
        self.table = RowTable(
            (
                Column("name", tr("Name"), 240, stretch=True, value=shown_name),
                Column("role", tr("Role"), 120, value=lambda row: role_word(row.role)),
                Column("seen_at", tr("Last seen"), 150, Kind.MOMENT),
                Column("enrolled_at", tr("Since"), 150, Kind.MOMENT, roomy=True),
                Column("state", tr("State"), 110, Kind.STATE, value=device_mark),
            ),
            self._fetch,
            jobs=jobs,
            name=tr("Devices"),
            id_of=lambda row: self.rows.index(row),
            parent=self,
        )
        self.table.setObjectName(type(self).__name__)
        self.table.set_empty(EmptyState("cloud-off", tr("Devices are listed once this vault is connected")))
        self.table.set_menu(self._fill_menu)
        self.table.opened.connect(self.open_record)
        self.table.summary_changed.connect(self.summary_changed)
        self.add_button = button(tr("Add a device"), self.add, symbol="plus")
        self.setLayout(column(self.table))

    # --- acts ---

    def add(self) -> None:
        status = self._status
        if status is None:
            return
        near = status.mode != "cloud" and "//127.0.0.1" in status.url
        roles = roles_given_by(status.role)
        dialog = AddDeviceDialog(self._page, self._devices, jobs=self._jobs, roles=roles, near=near)
        dialog.finished.connect(lambda _: self.refresh())
        dialog.open()

    def revoke(self, at: int) -> None:
        row = self.rows[at]
        consequence = tr(
            "Its next request is refused, and so is every one after it. What waits in its queue stays there, and cards "
            "that it has leased stay with it until they are taken back. It comes back only with a new pairing code."
        )
        if row.is_this:
            consequence = tr("This is the device you sit at. {consequence}", consequence=consequence)
        ask(
            self._page,
            tr("Revoke {name}?", name=row.name),
            consequence=consequence,
            verb=tr("Revoke the device"),
            then=lambda: self._do(partial(self._devices.revoke, row), tr("Revoked")),
        )

    def change_role(self, at: int) -> None:
        row = self.rows[at]
        roles = sorted(self._given(), key=lambda role: roles_given_by("owner").index(role))
        then = lambda role: self._do(partial(self._devices.change_role, row, role), tr("Role changed"))  # noqa: E731
        RoleDialog(self._page, row, roles, then).open()

    def rename(self, at: int) -> None:
        row = self.rows[at]
        then = lambda name: self._do(partial(self._devices.rename, row, name), tr("Renamed"))  # noqa: E731
        RenameDialog(self._page, row, then).open()

    def open_record(self, at: int) -> None:
        row = self.rows[at]
        body = facts(
            (
                (tr("Role"), role_word(row.role)),
                (tr("May"), may_do(row.role)),
                (tr("Last seen"), moment(row.seen_at)),
                (tr("Since"), moment(row.enrolled_at)),
                (tr("Number"), row.id),
            )
        )
        acts: list[QPushButton] = [
            button(words, partial(act, at), kind="danger" if act == self.revoke else "normal")
            for words, act in self._acts(row)
        ]
        self._page.drawer.show_record(shown_name(row), body, state=device_mark(row), acts=tuple(acts))

    # --- what comes back ---

    def show_status(self, status: CloudStatus) -> None:
        """The role of this device says what is offered."""
        self._status = status
        self.add_button.setEnabled(bool(self._given()))
        self.add_button.setToolTip("" if self._given() else tr("Owners and managers let devices in"))

    def refresh(self) -> None:
        if self.isHidden():
            return
        self.table.set_waiting()
        self._jobs.start(self._devices.listed, on_done=self._show, on_refused=self._unread, owner=self)

    def _show(self, rows: list[DeviceRow]) -> None:
        self.rows = rows
        self.table.show_ids(range(len(rows)), keep_place=True)
        self.table.refresh_rows()

    def _unread(self, error: AppError) -> None:
        """Nothing is kept here of what the endpoint knows."""
        from app.messages import complaint

        self.rows = []
        self.table.show_ids(())
        self.table.set_empty(EmptyState("cloud-off", tr("The devices cannot be listed now"), hint=complaint(error)))

    def _do(self, call: Callable[[], object], done: str) -> None:
        def told(_: object) -> None:
            self._page.banner.clear()
            toast(self._page, done)
            self.refresh()

        self._page.drawer.shut()
        self._jobs.start(call, on_done=told, on_refused=self._page.banner.show_error, owner=self)

    # --- the parts ---

    def _given(self) -> list[str]:
        return roles_given_by(self._status.role) if self._status is not None else []

    def _acts(self, row: DeviceRow) -> list[tuple[str, Callable[[int], object]]]:
        """What this device may do with that one; nothing comes after a revocation."""
        if row.state != "active":
            return []
        managed = row.role in self._given()
        acts: list[tuple[str, Callable[[int], object]]] = []
        if managed or (row.is_this and self._given()):
            acts.append((tr("Rename"), self.rename))
        if managed:
            acts += [(tr("Change the role"), self.change_role), (tr("Revoke"), self.revoke)]
        return acts

    def _fill_menu(self, menu: QMenu, ids: Sequence[int]) -> None:
        first = ids[0]
        menu.addAction(tr("Show"), lambda: self.open_record(first))
        for words, act in self._acts(self.rows[first]):
            menu.addAction(words, partial(act, first))

    def _fetch(self, ids: Sequence[int]) -> list[DeviceRow]:
        rows = self.rows
        return [rows[at] for at in ids if at < len(rows)]
