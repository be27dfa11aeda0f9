"""Into the recycle bin from a list: at once, with a way back in the toast; many at once are asked for first."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QMenu

from app.services.removals import RemovalService
from app.views.widgets.dialog import ask
from app.views.widgets.list_page import ListPage
from app.views.widgets.selection_bar import SelectionBar
from app.views.widgets.toast import toast
from app.words import ntr, tr

SYMBOL = "trash-2"


def back_words(count: int) -> str:
    """What a list did to people who lay in the bin; nothing for nobody."""
    back = ntr("{count} person is back from the recycle bin", "{count} people are back from the recycle bin", count)
    return back if count else ""


class BinActs:
    """Adds the act to a page: behind its dots, with the Delete key, and where `offer` is called with a menu."""

    def __init__(self, page: ListPage, removals: RemovalService, kind: str, *, bulk: SelectionBar) -> None:
        self._page, self._removals, self._kind, self._bulk = page, removals, kind, bulk
        page.header.add_more(tr("Move to the recycle bin"), self.remove_chosen, symbol=SYMBOL, shortcut="Del")
        page.header.add_more(tr("Recycle bin"), lambda: page.page_wanted.emit("bin", kind), symbol="archive-restore")
        act = bulk.add_act(tr("To the bin"), self.ask_to_remove, symbol=SYMBOL)  # the whole words need more room
        act.setToolTip(tr("Move to the recycle bin"))

    def offer(self, menu: QMenu, ids: Sequence[int]) -> None:
        menu.addSeparator()
        menu.addAction(tr("Move to the recycle bin"), lambda: self.ask_to_remove(ids))

    def remove_chosen(self) -> None:
        """What the Delete key does: the selected rows, or the one the cursor is on."""
        table = self._page.table
        ids = list(table.selected_ids())
        current = table.current_id()
        if not ids and current is None:
            self._page.banner.say("info", tr("Choose a row in the list first."))
            return
        self.ask_to_remove(ids or [current or 0])

    def ask_to_remove(self, ids: Sequence[int]) -> None:
        """More than are in sight need a word first."""
        if not self._bulk.beyond_sight(ids):
            self.remove(ids)
            return
        count = len(ids)
        ask(
            self._page,
            ntr("Move {count} row to the recycle bin?", "Move {count} rows to the recycle bin?", count),
            consequence=tr("They can be restored for 30 days. What they have done stays in the books."),
            verb=ntr("Move {count} row", "Move {count} rows", count),
            then=lambda: self.remove(ids),
        )

    def remove(self, ids: Sequence[int], *, then: Callable[[], object] = lambda: None) -> None:
        def done(removed: list[int]) -> None:
            words = ntr("{count} moved to the recycle bin", "{count} moved to the recycle bin", len(removed))
            undo = partial(self._page.jobs.start, self._removals.restore, self._kind, removed)
            toast(self._page, words, undo=undo if removed else None)
            self._page.drawer.shut()
            then()

        self._page.jobs.start(
            self._removals.remove,
            self._kind,
            list(ids),
            on_done=done,
            on_refused=self._page.banner.show_error,
            owner=self._page,
        )
