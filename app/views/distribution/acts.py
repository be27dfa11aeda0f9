"""What can be done about deliveries: try again, mend, another way, remind, take back."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.errors import AppError
from app.services.distribution import DeliveryRow, DistributionRow, Rerouted
from app.views.distribution.address_dialog import AddressDialog
from app.views.distribution.change_dialog import ChangeChannelDialog
from app.views.distribution.parts import Parts
from app.views.distribution.remind_dialog import RemindDialog
from app.views.jobs import JobRunner
from app.views.widgets.dialog import ask
from app.views.widgets.page import Page
from app.views.widgets.toast import toast
from app.words import ntr, tr

ON_PAPER = ("file", "print")
MENDED = ("email", "phone", "employee_no")
"""Repairs that a field of the person is typed for."""


class DeliveryActs(QObject):
    """Acts of one page. `run_wanted` carries what to do before everything that waits goes out."""

    run_wanted = Signal(object)

    def __init__(self, page: Page, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(page)
        self._page, self._parts, self._jobs = page, parts, jobs
        self.row: DistributionRow | None = None

    # --- again ---

    def retry(self, only: Sequence[int] | None = None) -> None:
        """What failed and may go well now goes back in line, and out unless the rest is held back."""
        self._line_up(lambda distribution_id: self._parts.distribution.retry_failed(distribution_id, only))

    def ask_to_resend_uncertain(self, only: Sequence[int] | None = None) -> None:
        if self.row is None:
            return
        count = self.row.uncertain if only is None else len(only)
        ask(
            self._page,
            tr("Send the uncertain ones again?"),
            consequence=ntr(
                "{count} mail may or may not have arrived. Sent again, the person may get two mails for one card.",
                "{count} mails may or may not have arrived. Sent again, somebody may get two mails for one card.",
                count,
            ),
            verb=tr("Send again"),
            then=lambda: self._line_up(partial(self._resend, only=only)),
            danger=False,
        )

    def mend(self, found: DeliveryRow) -> None:
        """The repair that belongs to what went wrong."""
        if found.repair in MENDED:
            self.mend_field(found, found.repair)
        elif found.repair == "settings":
            self._page.page_wanted.emit("settings", "mail")
        elif found.repair == "again":
            self.ask_to_resend_uncertain([found.id])
        elif found.repair:
            self.retry([found.id])

    def mend_field(self, found: DeliveryRow, field: str) -> None:
        AddressDialog(
            self._page,
            found,
            field,
            distribution=self._parts.distribution,
            people=self._parts.people,
            jobs=self._jobs,
            then=partial(self._follow_change, held_back=self._is_held_back),
        ).open()

    # --- another way ---

    def ask_for_channel(self, ids: Sequence[int]) -> None:
        if self.row is None or not ids:
            return
        ChangeChannelDialog(
            self._page,
            len(ids),
            now=self.row.channels,
            folder=self.row.out_folder,
            then=lambda channel, folder: self._change(list(ids), channel, folder),
        ).open()

    def remind(self) -> None:
        if self.row is not None:
            RemindDialog(
                self._page,
                self.row,
                service=self._parts.distribution,
                jobs=self._jobs,
                on_refused=self._page.banner.show_error,
            ).open()

    # --- back ---

    def ask_to_recall(self, ids: Sequence[int]) -> None:
        if not ids or self.row is None:
            return
        chosen, by_mail = list(ids), "email" in self.row.channels
        words = []
        if by_mail:
            words.append(tr("The links end, and the cards return to stock. Cards already opened stay where they are."))
        if set(self.row.channels) & set(ON_PAPER):
            words.append(
                tr("The codes are out on paper or in a file: these cards are voided and do not come back.")
                if not by_mail
                else tr("Cards that are out on paper or in a file are voided and do not come back.")
            )
        ask(
            self._page,
            ntr("Take {count} card back?", "Take {count} cards back?", len(chosen)),
            consequence=" ".join(words),
            verb=ntr("Take {count} back", "Take {count} back", len(chosen)),
            then=lambda: self._recall(chosen),
            typed=str(len(chosen)) if len(chosen) > 1 else "",
        )

    # --- inside ---

    @property
    def _is_held_back(self) -> bool:
        """Others wait too, because of a pause or a plan: then nothing goes out by the way."""
        return self.row is not None and self.row.prepared > 0

    def _line_up(self, before: Callable[[int], object]) -> None:
        if self.row is None:
            return
        if not self._is_held_back:
            self.run_wanted.emit(before)
            return
        self._jobs.start(
            before,
            self.row.id,
            on_done=lambda _: self._say_lined_up(),
            on_refused=self._refuse,
            owner=self._page,
        )

    def _say_lined_up(self) -> None:
        toast(self._page, tr("Back in line: they go out with the rest as soon as you press Continue."))

    def _resend(self, distribution_id: int, only: Sequence[int] | None) -> int:
        return self._parts.distribution.resend_uncertain(distribution_id, only)

    def _change(self, ids: list[int], channel: str, folder: Path | None) -> None:
        self._jobs.start(
            partial(self._parts.distribution.change_channel, ids, channel, out_folder=folder),
            on_done=partial(self._follow_change, held_back=self._is_held_back),
            on_refused=self._refuse,
            owner=self._page,
        )

    def _follow_change(self, outcome: Rerouted, *, held_back: bool) -> None:
        """`held_back` is how it was before: by now the changed ones wait themselves."""
        if outcome.unreachable:
            words = ntr(
                "{count} person lacks what this channel needs, or is in the bin, and stays as before",
                "{count} people lack what this channel needs, or are in the bin, and stay as before",
                outcome.unreachable,
            )
            self._page.banner.say("warn", words)
        if not outcome.changed and not outcome.waiting:
            return
        if held_back:
            self._say_lined_up()
        else:
            self.run_wanted.emit(None)

    def _recall(self, ids: list[int]) -> None:
        self._jobs.start(
            self._parts.distribution.recall,
            ids,
            on_done=lambda count: toast(self._page, ntr("{count} card taken back", "{count} cards taken back", count)),
            on_refused=self._refuse,
            owner=self._page,
        )

    def _refuse(self, error: AppError) -> None:
        self._page.banner.show_error(error)
