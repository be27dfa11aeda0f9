"""What narrows the list of batches: product, state and the days they were made, as boxes and as chips."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.services.batches import BatchFilter
from app.services.catalog import CatalogService
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.days_box import DaysBox
from app.views.widgets.flow import Flow
from app.views.widgets.pick_box import Pick, PickBox
from app.views.widgets.pieces import column
from app.vocabulary import BATCH_STATES
from app.words import NO_DATA, tr


class BatchFilters(QWidget):
    changed = Signal()

    def __init__(self, catalog: CatalogService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._catalog, self._jobs = catalog, jobs
        self._product: int | None = None
        self._name = ""
        self.product_box = PickBox(tr("Product"), self._find_products, jobs=jobs)
        self.state_box = choice_box(tr("State"), tr("All states"), BATCH_STATES)
        self.made_box = DaysBox(tr("Made"), tr("Made at any time"))
        boxes = QWidget()
        boxes.setLayout(Flow(self.product_box, self.state_box, self.made_box))
        self.chips = ChipBar()
        self.setLayout(column(boxes, self.chips))
        self.product_box.picked.connect(self._take_product)
        self.state_box.currentIndexChanged.connect(self._narrow)
        self.made_box.changed.connect(self._narrow)
        self.chips.removed.connect(self._drop)
        self.chips.cleared.connect(lambda: self.show_kept({}))

    @property
    def wanted(self) -> BatchFilter:
        state = str(self.state_box.currentData())
        return BatchFilter(self._product, (state,) if state else (), *self.made_box.span)

    def kept(self) -> dict[str, Any]:
        kept = {"product": self._product, "state": self.state_box.currentData(), "made": self.made_box.kept()}
        return {key: value for key, value in kept.items() if value}

    def show_kept(self, kept: Mapping[str, Any]) -> None:
        self._product, self._name = kept.get("product"), ""
        show_choice(self.state_box, kept.get("state"))
        self.made_box.show_kept(kept.get("made", {}))
        if self._product is not None:
            call = partial(self._call_it, self._product)
            self._jobs.start(self._catalog.name_of, self._product, on_done=call, owner=self)
        self._narrow()

    def _narrow(self) -> None:
        self._show_chips()
        self.changed.emit()

    def _show_chips(self) -> None:
        chips = [
            Chip("product", tr("Product"), (self._name or NO_DATA) if self._product is not None else ""),
            Chip("state", tr("State"), self.state_box.currentText() if self.state_box.currentData() else ""),
            Chip("made", tr("Made"), self.made_box.chosen_words),
        ]
        self.chips.show_chips([chip for chip in chips if chip.value])

    def _drop(self, key: str) -> None:
        self.show_kept({name: value for name, value in self.kept().items() if name != key})

    def _take_product(self, pick: Pick) -> None:
        self._product, self._name = pick.id, pick.name
        self._narrow()

    def _call_it(self, product: int, name: str) -> None:
        if product == self._product:  # another may have been picked since
            self._name = name
            self._show_chips()

    def _find_products(self, text: str, limit: int) -> Sequence[Pick]:
        return [Pick(one.id, one.name, one.name) for one in self._catalog.find(text, limit)]
