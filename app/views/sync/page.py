"""同步: how this vault stands with its endpoint, what waits, what was refused, and where the phone page is."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QTabBar

from app.errors import AppError, OldEndpointSilent
from app.services.cloud import CloudService, CloudStatus, QueueRow, SyncOutcome
from app.services.cloud.devices import DeviceService
from app.services.cloud.rows import PAIR_AGAIN, closed_there
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.sync.connect_dialog import ConnectDialog
from app.views.sync.devices import DevicesSection
from app.views.sync.differences import show_differences
from app.views.sync.endpoint_card import EndpointCard
from app.views.sync.leaving import ask_to_leave
from app.views.sync.lifting import ask_to_lift
from app.views.sync.overview import Overview
from app.views.sync.queue_list import entry_facts, nothing_waits, queue_columns
from app.views.sync.troubles import Troubles, WaysOn
from app.views.sync.words import conflicts, deed, given_up, named, queue_mark, returned, subject, told
from app.views.widgets.dialog import ask
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.pieces import button, native, row
from app.views.widgets.toast import toast
from app.words import tr

QUEUE, DEVICES = 0, 1


class SyncPage(ListPage):
    """The list is the queue: entries that wait and entries that were refused, oldest first. Behind it: the devices."""

    def __init__(self, cloud: CloudService, devices: DeviceService, *, jobs: JobRunner, changes: Changes) -> None:
        self._cloud = cloud
        self._queue: dict[int, QueueRow] = {}
        self._status: CloudStatus | None = None
        self._syncing = False
        super().__init__(
            tr("Sync"),
            tr("The endpoint keeps which cards are used; here and there must agree"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.OUTBOX, Topic.CLOUD, Topic.SETTINGS, Topic.BATCHES, Topic.LEASES),
            columns=queue_columns(),
            load=self._ids,
            fetch=self._fetch,
            sort=("", False),
        )
        self.sync_button = self.header.add_primary(tr("Sync now"), self.sync, symbol="refresh-cw")
        self.sync_button.setToolTip(f"{tr('Sync now')} ({native('F5')})")  # the window's key, on every page
        self.header.add_secondary(tr("Leases"), lambda: self.page_wanted.emit("leases", None), symbol="download")
        self.conflicts_button = self.header.add_secondary(
            tr("Conflicts"), lambda: self.page_wanted.emit("conflicts", None), symbol="triangle-alert"
        )
        self.endpoint = EndpointCard()
        self.overview = Overview(self.endpoint)
        self.devices = DevicesSection(self, devices, jobs=jobs)
        self.tabs_bar = QTabBar()
        self.body.insertWidget(0, self.overview)
        self._build_tabs()
        self.table.set_menu(self._fill_menu)
        self.table.opened.connect(self.open_record)
        ways = (self.connect_cloud, self.endpoint.start, self.lift, self.settle_twin, self.show_differences)
        self.troubles = Troubles(self.banner, WaysOn(*ways))
        self.endpoint.start_wanted.connect(self.start_embedded)
        self.endpoint.return_wanted.connect(self.ask_to_return)
        self.endpoint.stop_wanted.connect(self.stop_embedded)
        self.endpoint.cloud_wanted.connect(self.connect_cloud)
        self.refresh()

    # --- acts ---

    def sync(self) -> None:
        if self._syncing:
            return
        self._set_syncing(syncing=True)
        self.jobs.start(
            self._cloud.sync,
            title=tr("Sync"),
            watch=True,
            describe=told,
            on_done=self._synced,
            on_refused=self._sync_refused,
            on_cancelled=lambda: self._set_syncing(syncing=False),
            owner=self,
        )

    def start_embedded(self, lan_address: str, leave: str | None = None) -> None:
        """Start it, or move it: a running one takes a new address only by a new start. A cloud endpoint that does not
        answer can be left: `leave` is then its host."""

        def call() -> CloudStatus:
            if self._cloud.status().mode != "cloud":
                self._cloud.stop_embedded()
            return self._cloud.start_embedded(lan_address, leave=leave)

        def offer(silent: OldEndpointSilent) -> None:
            ask_to_leave(self, silent, then=lambda: self.start_embedded(lan_address, silent.host))

        self._change(call, offer)

    def ask_to_return(self, lan_address: str) -> None:
        """From the cloud to this machine: a whole merchant moves."""
        ask(
            self,
            tr("Move to the endpoint on this machine?"),
            consequence=tr(
                "First this vault hears everything the present endpoint still has to say. From then on cards are "
                "redeemed only while this program runs, other devices have to be let in anew, and links that were "
                "handed out lead to the old address until sent again."
            ),
            verb=tr("Move to this machine"),
            then=lambda: self.start_embedded(lan_address),
        )

    def stop_embedded(self) -> None:
        ask(
            self,
            tr("Stop the endpoint?"),
            consequence=tr("Until it runs again nothing can be redeemed, and the phone page does not open."),
            verb=tr("Stop"),
            then=lambda: self._change(self._cloud.stop_embedded),
        )

    def connect_cloud(self) -> None:
        moving = self._status is not None and self._status.mode != "none"
        again = self._status is not None and (self._status.last_problem in PAIR_AGAIN or self.troubles.is_another)
        dialog = ConnectDialog(self, self._cloud, jobs=self.jobs, moving=moving, again=again)
        if self._status is not None:
            dialog.show_present(self._status)
        dialog.accepted.connect(self._connected)
        dialog.open()

    def lift(self) -> None:
        """Let the endpoint redeem though not every computer was heard."""
        if self._status is None or self._status.recovery is None:
            return

        def call(why: str) -> None:
            lift = self._cloud.lift_recovery
            self.jobs.start(lift, why, on_done=lambda _: self._lifted(), on_refused=self._not_done, owner=self)

        ask_to_lift(self, self._status.recovery, then=call)

    def settle_twin(self) -> None:
        ask(
            self,
            tr("Is the other copy closed for good?"),
            consequence=tr("This notice goes. It comes back should the other one speak to the endpoint again."),
            verb=tr("Only this one is left"),
            then=lambda: self._change(self._settled),
            danger=False,
        )

    def show_differences(self) -> None:
        if self._status is not None:
            show_differences(self, self._cloud.explain, self._status.differences)

    def show_devices(self) -> None:
        self.tabs_bar.setCurrentIndex(DEVICES)

    def retry(self, queue_id: int) -> None:
        """Once more, under a new id; it goes out at once."""
        self._decide(self._cloud.retry, queue_id)

    def open_here(self, queue_id: int) -> None:
        """A batch about which another endpoint decides that is no more."""
        entry = self._queue.get(queue_id)
        if entry is None:
            return
        ask(
            self,
            tr("Let this endpoint decide about {batch}?", batch=subject(entry)),
            consequence=tr(
                "Only if the endpoint it moved to is gone for good: if that one still answers, the same card can be "
                "redeemed at both."
            ),
            verb=tr("Decide here"),
            then=lambda: self._decide(self._cloud.open_here, queue_id),
        )

    def withdraw(self, queue_id: int) -> None:
        entry = self._queue.get(queue_id)
        if entry is None:
            return
        silent = tr("The endpoint never hears of it: {entry}. What waited behind it goes on.", entry=named(entry))
        ask(
            self,
            tr("Stop sending this entry?"),
            consequence="\n".join(filter(None, (silent, given_up(entry)))),
            verb=tr("Stop sending"),
            then=lambda: self._decide(self._cloud.withdraw, queue_id),
        )

    def open_record(self, record: int) -> None:
        entry = self._queue.get(record)
        if entry is None:
            return
        kinds = {tr("Try again"): "primary"}
        acts = [
            button(words, partial(act, record), kind=kinds.get(words, "danger")) for words, act in self._ways(entry)
        ]
        self.drawer.show_record(deed(entry), entry_facts(entry), state=queue_mark(entry), acts=tuple(acts))

    # --- what comes back ---

    def refresh(self) -> None:
        super().refresh()
        self.jobs.start(self._cloud.status, on_done=self._show_status, owner=self)
        self.devices.refresh()

    def _change(
        self, call: Callable[[], CloudStatus], offer: Callable[[OldEndpointSilent], object] | None = None
    ) -> None:
        def done(_: object) -> None:
            self.overview.set_busy(busy=False)
            self.troubles.forget()
            self.refresh()

        def refused(error: AppError) -> None:
            self.overview.set_busy(busy=False)
            self._not_done(error)
            if offer is not None and isinstance(error, OldEndpointSilent):
                offer(error)

        self.overview.set_busy(busy=True)
        self.jobs.start(call, on_done=done, on_refused=refused, owner=self)

    def _settled(self) -> CloudStatus:
        self._cloud.settle_twin()
        return self._cloud.status()

    def _connected(self) -> None:
        toast(self, tr("Connected"))
        self.sync()

    def _synced(self, outcome: SyncOutcome) -> None:
        self._set_syncing(syncing=False)
        self.troubles.forget()
        toast(self, told(outcome), tone="warn" if outcome.rejected else "ok")
        if outcome.returned:
            self.banner.say("info", returned(outcome.returned))
        self.refresh()

    def _lifted(self) -> None:
        self.troubles.forget()
        toast(self, tr("The endpoint redeems again"))
        self.sync()

    def _not_done(self, error: AppError) -> None:
        self.refresh()
        self.troubles.complain(error, self._status)

    def _sync_refused(self, error: AppError) -> None:
        self._set_syncing(syncing=False)
        self._not_done(error)

    def _decide(self, how: Callable[[int], object], queue_id: int) -> None:
        self.jobs.start(how, queue_id, on_done=lambda _: self.sync(), owner=self)
        self.drawer.shut()

    def _show_status(self, status: CloudStatus) -> None:
        self._status = status
        self.conflicts_button.setText(conflicts(status))
        self.overview.show_status(status)
        self.table.set_empty(nothing_waits(status))
        self.devices.show_status(status)
        self.troubles.tell(status)

    # --- what is shown ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.overview.fit(self.height())

    def _step(self, by: int) -> None:
        """The drawer's arrows go through the list in front."""
        if self.tabs_bar.currentIndex() == QUEUE:
            super()._step(by)
        elif (at := self.devices.table.step(by)) is not None:
            self.devices.open_record(at)

    def _build_tabs(self) -> None:
        """Below the cards either the queue or the devices."""
        self.tabs_bar.setAccessibleName(tr("Queue or devices"))
        self.tabs_bar.setExpanding(False)
        for words in (tr("Queue"), tr("Devices")):
            self.tabs_bar.addTab(words)
        self.tabs_bar.currentChanged.connect(self._show_tab)
        self.body.insertLayout(1, row(self.tabs_bar, 0, self.devices.add_button))
        self.body.addWidget(self.devices, 1)
        self.devices.summary_changed.connect(self.status_changed)
        self._show_tab(QUEUE)

    def _show_tab(self, at: int) -> None:
        self.drawer.shut()
        self.table.setVisible(at == QUEUE)
        self.devices.setVisible(at == DEVICES)
        self.devices.add_button.setVisible(at == DEVICES)
        self.devices.refresh()

    def _set_syncing(self, *, syncing: bool) -> None:
        self._syncing = syncing
        self.sync_button.setEnabled(not syncing)
        self.sync_button.setText(tr("Syncing") if syncing else tr("Sync now"))

    def _fill_menu(self, menu: QMenu, ids: Sequence[int]) -> None:
        first = ids[0]
        entry = self._queue.get(first)
        menu.addAction(tr("Show"), lambda: self.open_record(first))
        for words, act in self._ways(entry) if entry is not None else ():
            menu.addAction(words, partial(act, first))

    def _ways(self, entry: QueueRow) -> list[tuple[str, Callable[[int], None]]]:
        """What can be decided about an entry that was refused."""
        if entry.state != "rejected":
            return []
        here = [(tr("Decide here"), self.open_here)] if closed_there(entry.type, entry.problem) else []
        return [(tr("Try again"), self.retry), *here, (tr("Stop sending"), self.withdraw)]

    def _ids(self, _sort: str, _descending: bool) -> Load:  # ListPage's shape
        return self._read_queue

    def _read_queue(self) -> Sequence[int]:
        rows = self._cloud.queue()
        self._queue = {entry.id: entry for entry in rows}
        return [entry.id for entry in rows]

    def _fetch(self, ids: Sequence[int]) -> list[Any]:
        return [self._queue[one] for one in ids if one in self._queue]
