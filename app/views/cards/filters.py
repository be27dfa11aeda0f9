"""What narrows the list of cards: a line of boxes, and below it what is chosen as chips."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.services.batches import BatchService
from app.services.cards import CardFilter, CardNames, CardService
from app.services.ledger import CardsOut
from app.services.people import PeopleService
from app.views.cards.chips import chips_of, without
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import ChipBar
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.days_box import DAYS, DaysBox
from app.views.widgets.flow import Flow
from app.views.widgets.pick_box import Pick, PickBox
from app.views.widgets.pieces import column
from app.views.widgets.questions import as_kept, asked_again
from app.vocabulary import CARD_STATES, CARD_VALIDITY
from app.words import day, tr

STATES = ("in_stock", "assigned", "active", "spent", "voided", "frozen")
LAST = timedelta(seconds=1)
"""Before the first moment behind a day lies its last second."""


class CardFilters(QWidget):
    """`wanted` is what is asked; `out` instead, what a number of the dashboard counts: the boxes then have no say."""

    changed = Signal()

    def __init__(self, cards: CardService, batches: BatchService, people: PeopleService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._cards, self._batches, self._people, self._jobs = cards, batches, people, jobs
        self.wanted = CardFilter()
        self.out: CardsOut | None = None
        self._names = CardNames()
        self.batch_box = PickBox(tr("Batch"), self._find_batches, jobs=jobs)
        self.state_box = choice_box(tr("State"), tr("All states"), CARD_STATES, STATES)
        self.validity_box = DaysBox(tr("Validity"), tr("Any validity"), CARD_VALIDITY)
        self.holder_box = PickBox(tr("Holder"), self._find_people, jobs=jobs)
        self.boxes = QWidget()
        self.boxes.setLayout(Flow(self.batch_box, self.state_box, self.validity_box, self.holder_box))
        self.chips = ChipBar()
        self.setLayout(column(self.boxes, self.chips))
        self.batch_box.picked.connect(lambda pick: self._with(CardNames(batch=pick.name), batch_id=pick.id))
        self.holder_box.picked.connect(lambda pick: self._with(CardNames(holder=pick.name), person_id=pick.id))
        self.state_box.currentIndexChanged.connect(self._take_state)
        self.validity_box.changed.connect(self._take_validity)
        self.chips.removed.connect(lambda key: self.narrow(*without(key, self.wanted, self.out)))
        self.chips.cleared.connect(lambda: self.narrow(CardFilter()))

    def narrow(self, wanted: CardFilter, out: CardsOut | None = None) -> None:
        """Ask for this from now on."""
        self._names = _still(self._names, self.wanted, wanted)
        self.wanted, self.out = wanted, out
        several = len(wanted.states) + bool(wanted.frozen) > 1
        show_choice(self.state_box, "" if several else "frozen" if wanted.frozen else "".join(wanted.states))
        self.validity_box.show_kept(_days_of(wanted))
        self.boxes.setEnabled(out is None)
        self.boxes.setToolTip(tr("Take the filters away to choose others") if out else "")
        self._show_chips()
        self._read_names()
        self.changed.emit()

    def kept(self) -> dict[str, Any]:
        if self.out is not None:
            return {"out": as_kept(self.out)}
        kept = as_kept(self.wanted)
        return {"cards": kept} if kept else {}

    def show_kept(self, kept: Mapping[str, Any]) -> None:
        out = asked_again(CardsOut, kept["out"]) if "out" in kept else None
        self.narrow(asked_again(CardFilter, kept.get("cards", {})), out)

    def words(self) -> str:
        """What is asked, for a file or the audit log: people by their number alone."""
        person = self.wanted.person_id
        names = replace(self._names, holder=tr("Person {number}", number=person) if person is not None else "")
        chips = chips_of(self.wanted, self.out, names)
        return " · ".join(tr("{title}: {value}", title=chip.title, value=chip.value) for chip in chips)

    # --- inside ---

    def _with(self, names: CardNames, **chosen: Any) -> None:
        """What was picked is called so at once."""
        self.narrow(replace(self.wanted, **chosen))
        self._names = replace(self._names, **{name: called for name, called in asdict(names).items() if called})
        self._show_chips()

    def _take_state(self) -> None:
        state = str(self.state_box.currentData())
        states = (state,) if state not in ("", "frozen") else ()
        self.narrow(replace(self.wanted, states=states, frozen=True if state == "frozen" else None))

    def _take_validity(self) -> None:
        key, (first, last) = self.validity_box.key, self.validity_box.span
        asked = key if key not in ("", DAYS) else None
        self.narrow(replace(self.wanted, validity=asked, ends_from=first, ends_to=last))

    def _show_chips(self) -> None:
        self.chips.show_chips(chips_of(self.wanted, self.out, self._names))

    def _read_names(self) -> None:
        """A batch, a product or a person from another page, or from a saved view."""
        wanted, out = self.wanted, self.out
        asked = wanted if out is None else CardFilter(product_id=out.product_id)
        if (asked.batch_id, asked.product_id, asked.person_id) == (None, None, None):
            return

        def done(names: CardNames) -> None:
            if (self.wanted, self.out) == (wanted, out):  # else they name what another asked
                self._names = names
                self._show_chips()

        self._jobs.start(self._cards.names_of, asked, on_done=done, owner=self)

    def _find_batches(self, text: str, limit: int) -> Sequence[Pick]:
        found = self._batches.find(text, limit)
        return [Pick(one.id, one.serial, f"{one.serial}  {one.product}") for one in found]

    def _find_people(self, text: str, limit: int) -> Sequence[Pick]:
        found = self._people.find(text, limit)
        return [
            Pick(one.id, one.name, "  ".join(filter(None, (one.name, one.department, one.phone_masked))))
            for one in found
        ]


def _still(names: CardNames, before: CardFilter, after: CardFilter) -> CardNames:
    """The names of what is asked for as it was."""
    return CardNames(
        names.batch if before.batch_id == after.batch_id else "",
        names.product if before.product_id == after.product_id else "",
        names.holder if before.person_id == after.person_id else "",
    )


def _days_of(wanted: CardFilter) -> dict[str, Any]:
    """As the box of days keeps it."""
    if wanted.ends_from is not None and wanted.ends_to is not None:
        return {"first": day(wanted.ends_from), "last": day(wanted.ends_to - LAST)}
    return {"span": wanted.validity} if wanted.validity else {}
