"""The list of distributions, newest first: how far each one is, from delivered to redeemed."""

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QComboBox, QMenu

from app.services.distribution import DistributionRow, DistributionService
from app.services.home import FAILURES
from app.services.list_views import ListViewService
from app.services.people.pinyin import spelled
from app.topics import Topic
from app.views.changes import Changes
from app.views.distribution.draft import Draft
from app.views.distribution.receipt_files import choose_receipt_file, write_receipt
from app.views.distribution.wizard.load import ENDINGS
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.drop_zone import DropZone
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.marks import distribution_mark
from app.views.widgets.pieces import row
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import Shares
from app.vocabulary import CHANNELS, DISTRIBUTION_STATES, word
from app.words import NO_DATA, moment, tr


class DistributionList(ListPage):
    """`wizard_wanted` carries a source to begin with (a path, text) or None, `file_wanted` asks for a file dialog."""

    wizard_wanted = Signal(object)
    draft_wanted = Signal()
    file_wanted = Signal()
    opened = Signal(int)

    def __init__(
        self,
        distribution: DistributionService,
        *,
        jobs: JobRunner,
        changes: Changes,
        views: ListViewService | None = None,
    ) -> None:
        self._distribution = distribution
        self._rows: dict[int, DistributionRow] = {}
        super().__init__(
            tr("Distribution"),
            tr("Give everybody on a list a card, and see what became of it"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.DISTRIBUTIONS, Topic.REDEMPTIONS),
            columns=_columns(),
            load=self._ids,
            fetch=self._fetch,
            sort=("created_at", True),
            views=views,
        )
        self.header.add_primary(
            tr("Bulk distribution"),
            lambda: self.wizard_wanted.emit(None),
            symbol="send",
            shortcut="Ctrl+Shift+N",
        )
        self._add_filters()
        self._add_zone()
        self.table.opened.connect(self.opened.emit)
        self.table.set_menu(self._fill_menu)
        self.setAcceptDrops(True)
        self.reload()

    def offer_draft(self, draft: Draft) -> None:
        """Say that a list waits in the wizard."""
        if draft.begun:
            name = draft.title or tr("Pasted cells")
            self.banner.say(
                "info",
                tr("{name} waits in the wizard, nothing of it was sent", name=name),
                action=(tr("Continue"), self.draft_wanted.emit),
            )
        else:
            self.banner.clear()

    def question(self) -> dict[str, Any]:
        kept = {"state": self.state_box.currentData(), "channel": self.channel_box.currentData()}
        return {key: value for key, value in kept.items() if value}

    def show_question(self, question: Mapping[str, Any]) -> None:
        for key, box in (("state", self.state_box), ("channel", self.channel_box)):
            box.blockSignals(True)
            box.setCurrentIndex(max(0, box.findData(question.get(key, ""))))
            box.blockSignals(False)
        self._narrow()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A list may be dropped anywhere on the page, also when there are rows."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        good = [path for path in paths if path.suffix.lower() in ENDINGS]
        if good:
            event.acceptProposedAction()
            self.wizard_wanted.emit(good[0])

    def _add_filters(self) -> None:
        self.state_box, self.channel_box = QComboBox(), QComboBox()
        _fill(self.state_box, tr("All states"), DISTRIBUTION_STATES, tr("State"))
        self.state_box.addItem(tr("Some not delivered"), FAILURES)
        channels = {key: words for key, words in CHANNELS.items() if key != "direct"}
        _fill(self.channel_box, tr("All channels"), channels, tr("Channel"))
        self.chips = ChipBar()
        self.chips.removed.connect(self._drop_chip)
        self.chips.cleared.connect(self._drop_all)
        for box in (self.state_box, self.channel_box):
            box.currentIndexChanged.connect(self._narrow)
        self.filters = row(self.state_box, self.channel_box, self.chips, 0)
        self.body.insertLayout(0, self.filters)

    def _add_zone(self) -> None:
        self.zone = DropZone(
            tr("Drop a staff list to begin"),
            endings=ENDINGS,
            hint=tr("XLSX, XLS, ODS, CSV or TSV; or paste cells from a table"),
        )
        self.zone.dropped.connect(lambda paths: self.wizard_wanted.emit(paths[0]))
        self.zone.pasted.connect(self.wizard_wanted.emit)
        self.zone.choose_wanted.connect(self.file_wanted)
        self.zone.refused.connect(lambda words: self.banner.say("warn", words))
        self.table.set_empty(self.zone)

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        chosen = self._rows.get(ids[0])
        if chosen is None or len(ids) > 1:
            return
        menu.addAction(tr("Who got what"), lambda: self.opened.emit(chosen.id))
        menu.addAction(tr("Receipt as XLSX"), lambda: self._choose_receipt(chosen, "xlsx"))
        menu.addAction(tr("Receipt as PDF"), lambda: self._choose_receipt(chosen, "pdf"))

    def _choose_receipt(self, chosen: DistributionRow, ending: str) -> None:
        def save(path: str) -> None:
            write_receipt(
                self._distribution,
                chosen.id,
                path,
                jobs=self.jobs,
                owner=self,
                on_refused=self.banner.show_error,
            )

        choose_receipt_file(self, chosen, ending, then=save)

    def _narrow(self) -> None:
        pairs = ((self.state_box, "state", tr("State")), (self.channel_box, "channel", tr("Channel")))
        chips = [Chip(key, title, box.currentText()) for box, key, title in pairs if box.currentData()]
        self.chips.show_chips(chips)
        if chips:
            self.table.set_empty(EmptyState("send", tr("No such distribution"), hint=tr("Take a filter away")))
        else:
            self._add_zone()
        self.reload()

    def _drop_chip(self, key: str) -> None:
        (self.state_box if key == "state" else self.channel_box).setCurrentIndex(0)

    def _drop_all(self) -> None:
        for box in (self.state_box, self.channel_box):
            box.setCurrentIndex(0)

    def _ids(self, sort: str, descending: bool) -> Load:  # ListPage's shape
        state, channel = str(self.state_box.currentData()), str(self.channel_box.currentData())

        def load() -> Sequence[int]:
            rows = self._distribution.distributions()
            self._rows |= {found.id: found for found in rows}  # an answer that is overtaken takes no rows away
            chosen = [found for found in rows if _is_in(found, state) and channel in ("", *found.channels)]
            chosen.sort(key=lambda found: (_place(getattr(found, sort)), found.id), reverse=descending)
            return [found.id for found in chosen]

        return load

    def _fetch(self, ids: Sequence[int]) -> list[DistributionRow]:
        return [self._rows[one] for one in ids if one in self._rows]


def _columns() -> tuple[Column, ...]:
    return (
        Column("name", tr("Distribution"), 160, stretch=True, sortable=True),
        Column("product", tr("Product"), 130, stretch=True, roomy=True, sortable=True),
        Column("channel", tr("Channel"), 84, roomy=True, value=channels_of),
        Column("people", tr("Recipients"), 80, Kind.COUNT, sortable=True),
        Column(
            "total_minor",
            tr("Amount (yuan)"),
            116,
            Kind.MONEY,
            value=lambda found: found.total_minor or None,  # vouchers and supplier's codes are worth no sum of money
            sortable=True,
        ),
        Column("state", tr("State"), 92, Kind.STATE, value=lambda found: distribution_mark(found.state), sortable=True),
        Column("shares", tr("How far"), 272, Kind.SHARES, value=shares_of, tip=far_words),
        Column("created_at", tr("Time"), 104, Kind.DAY, sortable=True, tip=lambda found: moment(found.created_at)),
    )


def _is_in(found: DistributionRow, state: str) -> bool:
    return bool(found.failed or found.uncertain) if state == FAILURES else state in ("", found.state)


def _place(value: Any) -> Any:
    """Names by how they are read."""
    return spelled(value) if isinstance(value, str) else value


def channels_of(found: DistributionRow) -> str:
    """`Mail, Print`: all that its cards travel by."""
    return tr(", ").join(word(CHANNELS, channel) for channel in found.channels)


def shares_of(found: DistributionRow) -> Shares:
    """Redeemed, claimed but not redeemed, sent but not claimed, failed: parts of everybody."""
    claimed = max(0, found.claimed - found.redeemed)
    sent = max(0, found.sent - claimed - found.redeemed)
    parts: Sequence[tuple[str, int]] = (
        ("ok", found.redeemed),
        ("info", claimed),
        ("cyan", sent),
        ("error", found.failed),
    )
    return Shares(parts, found.people, far_words(found))  # type: ignore[arg-type]  # tones


def far_words(found: DistributionRow) -> str:
    """`488 sent · 300 opened · 250 claimed · 100 redeemed`; what a channel cannot know is `--`."""
    on_paper = "email" not in found.channels
    opened, claimed = (NO_DATA, NO_DATA) if on_paper else (f"{found.opened:,}", f"{found.claimed:,}")
    return tr(
        "{sent} sent · {opened} opened · {claimed} claimed · {redeemed} redeemed",
        sent=f"{found.sent:,}",
        opened=opened,
        claimed=claimed,
        redeemed=f"{found.redeemed:,}",
    )


def _fill(box: QComboBox, everything: str, words: dict[str, str], name: str) -> None:
    box.setAccessibleName(name)
    box.addItem(everything, "")
    for key in words:
        box.addItem(word(words, key), key)
