"""核销流水: every entry of the ledger, a reversal as an entry of its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtWidgets import QWidget

from app.services.catalog import CatalogService
from app.services.ledger import LedgerService, RedemptionFilter, RedemptionRow
from app.services.list_views import ListViewService
from app.services.slips import SlipService
from app.topics import Topic
from app.views.changes import Changes
from app.views.counter.receipts import Receipts
from app.views.jobs import JobRunner
from app.views.theme import Tone
from app.views.widgets.charts.heat import weekdays
from app.views.widgets.chip_bar import Chip, ChipBar, period_words
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.days_box import DaysBox
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.flow import Flow
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.pick_box import Pick, PickBox
from app.views.widgets.pieces import column
from app.views.widgets.questions import as_kept, asked_again
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import StateMark
from app.vocabulary import CHANNELS, ENTRIES, HAPPENED, word
from app.words import NO_DATA, ntr, tr, yuan

EVERYTHING = RedemptionFilter()
APART = ("topped_up", "refunded")
KINDS = ("redeemed", "reversed", *APART)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table."""

    id: int
    entry: RedemptionRow


class LedgerPage(ListPage):
    """`show_wanted` takes a RedemptionFilter; the status bar says what the entries shown add up to."""

    def __init__(
        self,
        ledger: LedgerService,
        catalog: CatalogService,
        slips: SlipService,
        *,
        jobs: JobRunner,
        changes: Changes,
        views: ListViewService | None = None,
    ) -> None:
        self._ledger, self._catalog, self._wanted = ledger, catalog, EVERYTHING
        self._sum = ""
        self._asked = 0
        super().__init__(
            tr("Redemptions"),
            tr("What was used up, topped up and refunded, where and when; nothing here is ever changed or deleted"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.REDEMPTIONS,),
            columns=_columns(),
            load=self._ids,
            fetch=self._fetch,
            sort=("at", True),
            views=views,
        )
        self.receipts = Receipts(self, slips, jobs=jobs, asked=self._current)
        changes.follow(self, Topic.REDEMPTIONS, then=self.receipts.follow)
        self._add_filters()
        self.table.summary_changed.disconnect(self.status_changed)
        self.table.summary_changed.connect(self._say)
        self.table.opened.connect(self._open)
        self._show_empty()
        for came in (self.table.rows.arrived, self.table.rows.modelReset):
            came.connect(lambda *_: self._name_chips())
        changes.follow(self, Topic.REDEMPTIONS, then=self._add_up)
        self.reload()
        self._add_up()

    def show_wanted(self, wanted: object) -> None:
        if isinstance(wanted, RedemptionFilter):
            self._wanted = wanted
            if (wanted.begin, wanted.end) != self.days_box.span or wanted.net:
                self.days_box.clear()  # days from another page stand in a chip alone
            show_choice(self.channel_box, wanted.channel)
            show_choice(self.kind_box, wanted.kind)
            self.chips.show_chips(_chips(wanted, days=self.days_box.chosen_words))
            self._show_empty()
            self.reload()
            self._add_up()

    def question(self) -> dict[str, Any]:
        """Days chosen here stay relative: the last seven are others tomorrow."""
        days = self.days_box.kept()
        if not days:
            return as_kept(self._wanted)
        return as_kept(replace(self._wanted, begin=None, end=None)) | {"days": days}

    def show_question(self, question: Mapping[str, Any]) -> None:
        wanted = asked_again(RedemptionFilter, dict(question))
        self.days_box.show_kept(question.get("days", {}))
        if "days" in question:
            begin, end = self.days_box.span
            wanted = replace(wanted, begin=begin, end=end)
        self.show_wanted(wanted)

    # --- inside ---

    def _add_filters(self) -> None:
        self.days_box = DaysBox(tr("Time"), tr("At any time"))
        self.product_box = PickBox(tr("Product"), self._find_products, jobs=self.jobs)
        self.channel_box = choice_box(tr("Channel"), tr("All channels"), CHANNELS)
        self.kind_box = choice_box(
            tr("What"), tr("All entries"), HAPPENED, ("redeemed", "reversed", "topped_up", "refunded")
        )
        boxes = QWidget()
        boxes.setLayout(Flow(self.days_box, self.product_box, self.channel_box, self.kind_box))
        self.chips = ChipBar()
        self.body.insertLayout(0, column(boxes, self.chips))
        self.days_box.changed.connect(self._take_days)
        self.product_box.picked.connect(lambda pick: self._narrow(product_id=pick.id))
        self.channel_box.currentIndexChanged.connect(
            lambda _: self._narrow(channel=self.channel_box.currentData() or None)
        )
        self.kind_box.currentIndexChanged.connect(lambda _: self._take_kind(self.kind_box.currentData() or None))
        self.chips.removed.connect(self._drop)
        self.chips.cleared.connect(lambda: self.show_wanted(EVERYTHING))

    def _take_days(self) -> None:
        begin, end = self.days_box.span
        self._narrow(begin=begin, end=end, net=False)

    def _take_kind(self, kind: str | None) -> None:
        """A net figure knows no top-ups and refunds: who asks for them leaves it."""
        self._narrow(kind=kind, **({"net": False, "use": False} if kind in APART else {}))

    def _narrow(self, **chosen: Any) -> None:
        self.show_wanted(replace(self._wanted, **chosen))

    def _find_products(self, text: str, limit: int) -> Sequence[Pick]:
        return [Pick(one.id, one.name, one.name) for one in self._catalog.find(text, limit)]

    def _show_empty(self) -> None:
        if self._wanted == EVERYTHING:
            self.table.set_empty(EmptyState("scroll-text", tr("Nothing was redeemed yet")))
            return
        act = (tr("Show all entries"), lambda: self.show_wanted(EVERYTHING))
        self.table.set_empty(EmptyState("scroll-text", tr("Nothing was redeemed here"), act=act))

    def _name_chips(self) -> None:
        """A product or a card is called by what its first entry says."""
        line = self.table.rows.row_at(0)
        if isinstance(line, Line) and (self._wanted.product_id is not None or self._wanted.card_id is not None):
            self.chips.show_chips(_chips(self._wanted, line.entry, days=self.days_box.chosen_words))

    def _drop(self, key: str) -> None:
        """Take one filter away."""
        gone: dict[str, object] = {"begin": None, "end": None, "net": False} if key == "period" else {}
        if key == "cell":
            gone = {"weekday": None, "hour": None, "use": False}
        self.show_wanted(replace(self._wanted, **(gone or {key: None})))  # type: ignore[arg-type]  # its own fields

    def _ids(self, _sort: str, descending: bool) -> Load:  # ListPage's shape
        wanted = self._wanted
        return lambda: self._ledger.redemption_ids(wanted, descending=descending)

    def _fetch(self, numbers: Sequence[int]) -> list[Line]:
        return [Line(entry.number, entry) for entry in self._ledger.redemptions_of(numbers)]

    def _add_up(self) -> None:
        """Σ of all entries shown, on a worker; an answer that was overtaken is left unheard."""
        self._asked += 1
        asked = self._asked

        def done(found: dict[str, tuple[int, int]]) -> None:
            if asked == self._asked:
                self._sum = " · ".join(_sums(found))
                self._say(self.table.summary())

        self.jobs.start(self._ledger.sums_of, self._wanted, on_done=done, on_refused=self.banner.show_error, owner=self)

    def _say(self, summary: str) -> None:
        self.status_changed.emit(" · ".join(part for part in (summary, self._sum) if part))

    def _current(self) -> str:
        """The entry under the cursor."""
        line = self.table.current_row()
        return line.entry.id if isinstance(line, Line) else ""

    def _open(self, number: int) -> None:
        self.jobs.start(self._fetch, [number], on_done=self._show_card, owner=self)

    def _show_card(self, lines: list[Line]) -> None:
        if lines:
            self.page_wanted.emit("cards", lines[0].entry.card_id)


def _columns() -> tuple[Column, ...]:
    return (
        Column("at", tr("Time"), 150, Kind.MOMENT, sortable=True, value=lambda line: line.entry.at),
        Column("serial", tr("Serial"), 176, Kind.CODE, value=lambda line: line.entry.serial),
        Column("product", tr("Product"), 150, stretch=True, value=lambda line: line.entry.product),
        Column("amount", tr("Amount (yuan)"), 120, Kind.MONEY, value=lambda line: line.entry.amount_minor or None),
        Column("uses", tr("Uses"), 70, Kind.COUNT, value=_uses),
        Column("kind", tr("What"), 120, Kind.STATE, value=_mark),
        Column("channel", tr("Channel"), 80, value=lambda line: word(CHANNELS, line.entry.channel)),
        Column("entry", tr("Via"), 90, roomy=True, value=lambda line: word(ENTRIES, line.entry.entry)),
        Column("place", tr("Place"), 110, stretch=True, value=lambda line: line.entry.place),
    )


def _uses(line: Line) -> int | None:
    """Only of cards that count uses; an amount says it all."""
    return None if line.entry.amount_minor else line.entry.uses


def _mark(line: Line) -> StateMark:
    tone: Tone = {"redeemed": "ok", "topped_up": "info"}.get(line.entry.kind, "warn")  # type: ignore[assignment]
    return StateMark(tone, word(HAPPENED, line.entry.kind))


def _sums(found: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """What was redeemed, and apart from it what was put onto cards and paid out."""
    if "redeemed" in found or not found:
        minor, uses = found.get("redeemed", (0, 0))
        if minor or not uses:
            yield tr("net {amount}", amount=yuan(minor))
        if uses:
            yield ntr("net {count} use", "net {count} uses", uses)
    if "topped_up" in found:
        yield tr("topped up {amount}", amount=yuan(found["topped_up"][0]))
    if "refunded" in found:
        minor, uses = found["refunded"]
        parts = [yuan(minor)] if minor else []
        parts += [ntr("{count} use", "{count} uses", uses)] if uses else []
        yield tr("refunded {amount}", amount=" + ".join(parts))


def _chips(wanted: RedemptionFilter, one: RedemptionRow | None = None, *, days: str = "") -> list[Chip]:
    """What narrows the list, one chip for each part of the question; `days` as they were chosen on the page."""
    chips = []
    if wanted.begin is not None or wanted.end is not None:
        chips.append(
            Chip(
                "period",
                tr("Net of the period") if wanted.net else tr("Period"),
                days or period_words(wanted.begin, wanted.end),
            )
        )
    if wanted.weekday is not None or wanted.hour is not None:
        chips.append(Chip("cell", tr("Time of the week"), _cell(wanted)))
    if wanted.channel is not None:
        chips.append(Chip("channel", tr("Channel"), word(CHANNELS, wanted.channel)))
    if wanted.kind is not None:
        chips.append(Chip("kind", tr("What"), word(HAPPENED, wanted.kind)))
    if wanted.product_id is not None:
        chips.append(Chip("product_id", tr("Product"), one.product if one else NO_DATA))
    if wanted.card_id is not None:
        chips.append(Chip("card_id", tr("Card"), one.serial if one else NO_DATA))
    return chips


def _cell(wanted: RedemptionFilter) -> str:
    weekday = weekdays()[wanted.weekday] if wanted.weekday is not None else ""
    hour = f"{wanted.hour:02d}:00-{wanted.hour:02d}:59" if wanted.hour is not None else ""
    return " ".join(part for part in (weekday, hour) if part) or NO_DATA
