"""核销台: one field for scanner and fingers, one verdict, one key to redeem."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QShowEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.errors import AppError, EndpointRefused, EndpointUnreachable, RedemptionRefused
from app.services.leases import LeaseService
from app.services.redemptions import RedemptionResult, RedemptionService, Use, Verdict
from app.services.settings import SettingService
from app.services.slips import SlipService, is_slip
from app.topics import Topic
from app.views.changes import Changes
from app.views.counter.band import VerdictBand
from app.views.counter.dialogs import PlaceDialog, UndoDialog
from app.views.counter.lease_bar import LeaseBar
from app.views.counter.over_limit import OverLimitDialog
from app.views.counter.part import PartBox
from app.views.counter.receipts import Receipts
from app.views.counter.recent import RecentUses
from app.views.counter.sound import sound_no, sound_yes
from app.views.counter.verdicts import (
    MENDED_BY_SYNC,
    Shown,
    error_shown,
    idle,
    looking,
    redeem_words,
    redeemed_shown,
    refused_words,
    reversed_shown,
    verdict_shown,
)
from app.views.jobs import JobRunner
from app.views.widgets.elided_label import name_button
from app.views.widgets.page import Page
from app.views.widgets.pieces import GUTTER, button, column, label, row
from app.words import tr

SAME_CODE_S = 3.0
"""A scanner that triggers twice sends the same code again: within this time it is not heard."""
SECOND_ENTER_S = 0.3
"""A scanner that ends with CR and LF sends Enter twice: no person is that fast."""
PLACE_PX = 320


class CounterPage(Page):
    """The code of the card in front is kept only as long as its verdict stands."""

    def __init__(
        self,
        redemptions: RedemptionService,
        settings: SettingService,
        leases: LeaseService,
        slips: SlipService,
        *,
        jobs: JobRunner,
        changes: Changes,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(tr("Counter"), tr("Enter looks a card up, Enter again redeems it"))
        self._redemptions, self._settings, self._jobs, self._clock = redemptions, settings, jobs, clock
        self._code, self._verdict = "", None  # type: tuple[str, Verdict | None]
        self._last_hash, self._last_scan, self._asked = 0, -SAME_CODE_S, 0
        self._redeeming, self._last_asked = False, -SECOND_ENTER_S
        self.place = ""
        self._done: RedemptionResult | None = None
        self.bar = LeaseBar(leases, jobs=jobs, changes=changes, banner=self.banner)
        self.receipts = Receipts(self, slips, jobs=jobs, asked=lambda: self.recent.newest_id)
        self._build()
        changes.follow(self, Topic.REDEMPTIONS, then=self._reload)
        changes.follow(self, Topic.SETTINGS, then=self._ask_place)
        self._show(idle(), aloud=False)
        self._reload()
        self._ask_place()

    # --- what a person does ---

    def enter(self) -> None:
        """Enter in the field: with a code it looks, without one it redeems what stands in front."""
        typed = self.entry.text().strip()
        if typed:
            self.entry.clear()
            self.look(typed)
        elif self._clock() - max(self._last_scan, self._last_asked) >= SECOND_ENTER_S:
            self.redeem()

    def look(self, typed: str) -> None:
        if hash(typed) == self._last_hash and self._clock() - self._last_scan < SAME_CODE_S:
            return
        if self._redeeming:
            return
        self._last_hash, self._last_scan = hash(typed), self._clock()
        self._asked += 1
        asked = self._asked
        self._code, self._verdict, self._done = typed, None, None
        self.receipts.offer("")
        self._show_amount(shown=False)
        self._show(looking(), aloud=False)

        def done(verdict: Verdict) -> None:
            if asked == self._asked:
                self._stand(verdict)

        def refused(error: AppError) -> None:
            if asked == self._asked:
                self._refuse(error)

        if is_slip(typed):
            self.receipts.check(typed, self._show, refused, still=lambda: asked == self._asked)
            return
        self._jobs.start(self._redemptions.look, typed, on_done=done, on_refused=refused, owner=self)

    def redeem(self) -> None:
        """Take what the verdict offers: the whole amount, one use, or what the part box says."""
        verdict = self._verdict
        if verdict is None or not self._is_usable or self._redeeming:
            return
        amount_minor, uses = self.part.taken(verdict)
        if self.part.isVisible() and not amount_minor and not uses:
            self.part.mark_mistake()
            return
        code, place = self._code, self.place

        def call(pin: str = "") -> RedemptionResult:
            return self._redemptions.redeem(code, amount_minor, uses=uses, place=place, pin=pin)

        if verdict.reason == "shift-limit":
            self._ask_manager(call, verdict.serial, amount_minor)
            return
        self._redeeming = True
        self._tell_acts()

        def refused(error: AppError) -> None:
            beyond = isinstance(error, RedemptionRefused) and error.reason == "shift-limit"
            if beyond and self.bar.standing.pin:  # as much as this goes beyond it
                self._ask_manager(call, verdict.serial, amount_minor)
            else:
                self._refuse(error)

        job = self._jobs.start(call, on_done=self._redeemed, on_refused=refused, owner=self)
        job.ended.connect(self._may_go_on)

    def take_part(self) -> None:
        """F4: ask how much."""
        if self._is_usable:
            self._show_amount(shown=True)

    def start_over(self) -> None:
        """Esc: shut the receipt, else forget the card in front."""
        if self._redeeming or self.receipts.shut():
            return
        self._forget()
        self.entry.clear()
        self._show(idle(), aloud=False)
        self._home()

    def undo_last(self) -> None:
        use = self.recent.undoable
        if use is None:
            self.banner.say("info", tr("There is nothing to undo: a use can be taken back for two minutes."))
        else:
            self.undo(use)

    def undo(self, use: Use) -> None:
        dialog = UndoDialog(self, use)
        dialog.accepted.connect(lambda: self._reverse(use, dialog.reason.text()))
        dialog.finished.connect(self._come_back)
        dialog.open()

    def name_place(self) -> None:
        dialog = PlaceDialog(self, self.place)
        dialog.accepted.connect(lambda: self._keep_place(dialog.place.text().strip()))
        dialog.finished.connect(self._come_back)
        dialog.open()

    @property
    def _is_usable(self) -> bool:
        """Whether Enter redeems what stands in front, if need be with a manager's PIN."""
        reason = "" if self._verdict is None else self._verdict.reason
        return reason is None or (reason == "shift-limit" and self.bar.standing.pin)

    def _ask_manager(self, redeem: Callable[[str], RedemptionResult], serial: str, amount_minor: int | None) -> None:
        ends = self._redeemed, self._refuse
        dialog = OverLimitDialog(self, redeem, ends, serial=serial, amount_minor=amount_minor, jobs=self._jobs)
        dialog.finished.connect(self._come_back)
        dialog.open()

    # --- what comes back ---

    def _stand(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.banner.clear()
        if not verdict.leased:  # one that is leased was not asked about
            self._hear_line(offline=verdict.offline)
        self.bar.offer(verdict.reason)
        self._show(verdict_shown(verdict, self.bar.standing))
        self._home()

    def _refuse(self, error: AppError) -> None:
        self._forget()
        if isinstance(error, EndpointUnreachable):
            self._hear_line(offline=True)
        elif isinstance(error, EndpointRefused) and error.reason in MENDED_BY_SYNC:
            self._lead_to_sync(error)
        self.bar.offer(getattr(error, "reason", None))
        self._show(error_shown(error))
        self._home()

    def _hear_line(self, *, offline: bool) -> None:
        """Without one the same card may be scanned again at once: it may be back."""
        self._last_hash = 0 if offline else self._last_hash
        self.bar.hear(offline=offline)

    def _lead_to_sync(self, error: EndpointRefused) -> None:
        """It is not about this card: the page that mends it says more."""
        self._last_hash = 0
        sync = (tr("Go to sync"), lambda: self.page_wanted.emit("sync", None))
        self.banner.say("warn", refused_words(error), action=sync, closable=False)

    def _may_go_on(self) -> None:
        """However it ended: after a fault the next card is looked up all the same."""
        self._redeeming = False
        self._tell_acts()

    def _redeemed(self, result: RedemptionResult) -> None:
        self._forget()
        self._done = result
        self.receipts.offer(result.redemption_id)
        self._show(redeemed_shown(result, place=self.place))
        self._home()

    def _reverse(self, use: Use, reason: str) -> None:
        def call() -> RedemptionResult:
            return self._redemptions.reverse(use.id, reason=reason)

        def done(result: RedemptionResult) -> None:
            self._forget()
            self.receipts.offer(result.redemption_id)
            self._show(reversed_shown(result))

        self._jobs.start(call, on_done=done, on_refused=self._refuse, owner=self)

    def _keep_place(self, name: str) -> None:
        self._jobs.start(self._settings.put, "counter.place", name, owner=self)

    # --- what is shown ---

    def _build(self) -> None:
        self.entry = QLineEdit()
        self.entry.setProperty("role", "huge")
        self.entry.setFixedHeight(56)
        self.entry.setPlaceholderText(tr("Scan or type a code"))
        self.entry.setAccessibleName(tr("Card code"))
        self.entry.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, on=False)  # a scanner types into no IME
        self.entry.returnPressed.connect(self.enter)
        self.entry.installEventFilter(self)
        self.band = VerdictBand(self)
        self.recent = RecentUses()
        self.recent.undo_wanted.connect(self.undo)
        self.recent.receipt_wanted.connect(self.receipts.open_of)
        self.recent.stale.connect(self._reload)
        self.place_button = self.header.add_secondary("", self.name_place, symbol="map-pin")
        self._build_acts()
        layout = self.layout()
        if layout is not None:  # the band goes from edge to edge, so the gutters are the other parts' own
            layout.setContentsMargins(0, 8, 0, 16)
            layout.removeWidget(self.banner)
        self.bar.answered.connect(self._come_back)
        self.bar.page_wanted.connect(self.page_wanted)
        self.header.add_more(tr("Lease cards"), self.bar.take, symbol="download", shortcut="Ctrl+Shift+L")
        within = column(self.bar, self.banner, self.entry)
        within.setContentsMargins(GUTTER, 0, GUTTER, 0)
        below = column(self.acts, self.recent, spacing=12)
        below.setContentsMargins(GUTTER, 0, GUTTER, 0)
        below.setStretch(1, 1)
        self.body.addLayout(within)
        self.body.addWidget(self.band, 4)
        self.body.addLayout(below, 5)
        self.header.setContentsMargins(GUTTER, 0, GUTTER, 0)
        self.add_key("F4", tr("Redeem a part"), self.take_part)
        self.add_key("Esc", tr("Clear the card"), self.start_over)
        self.add_key("Ctrl+Z", tr("Undo the last use"), self.undo_last)

    def _build_acts(self) -> None:
        self.redeem_button = button("", self.redeem, kind="primary", symbol="check")
        self.part_button = button(tr("Part of it ({key})", key="F4"), self.take_part)
        self.clear_button = button(tr("Clear ({key})", key="Esc"), self.start_over)
        self.part = PartBox(self)
        self.amount, self.count, self.part_error = self.part.amount, self.part.count, self.part.error
        keys = tr("Enter: look up, then redeem · F4: part of it · Esc: clear · Ctrl+Z: undo the last use")
        self.keys = label(keys, "note")
        for made in (self.redeem_button, self.part_button, self.clear_button):
            made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        told = (self.receipts.button, self.keys)
        self.acts = QWidget()
        self.acts.setFixedHeight(40)
        self.acts.setLayout(
            row(self.part, self.redeem_button, self.part_button, self.clear_button, *told, self.part_error, 0)
        )

    def _show(self, shown: Shown, *, aloud: bool = True) -> None:
        self.band.show_verdict(shown, aloud=aloud)
        self._tell_acts()
        if aloud and shown.yes:
            sound_yes()
        elif aloud:
            sound_no(self)

    def _tell_acts(self) -> None:
        verdict, usable = self._verdict, self._is_usable
        self.redeem_button.setVisible(usable)
        self.part_button.setVisible(usable and not self.part.isVisibleTo(self.acts))
        self.clear_button.setVisible(bool(self._code))
        self.keys.setVisible(not usable)
        self.redeem_button.setEnabled(not self._redeeming)
        if verdict is not None and usable:
            self.redeem_button.setText(redeem_words(verdict, part=self.part.isVisibleTo(self.acts)))

    def _show_amount(self, *, shown: bool) -> None:
        self.part.ask(self._verdict, shown=shown)
        self._tell_acts()

    def _forget(self) -> None:
        self._asked += 1
        self._code, self._verdict, self._done = "", None, None
        self.receipts.offer("")
        self._show_amount(shown=False)

    def _reload(self) -> None:
        self._jobs.start(self._redemptions.last, on_done=self._show_uses, owner=self)

    def _show_uses(self, uses: list[Use]) -> None:
        """A receipt that still stands there is told as soon as it is confirmed."""
        self.recent.show_uses(uses)
        self.receipts.follow()
        done = self._done
        if done is not None and done.own_word and any(one.id == done.redemption_id and not one.unsent for one in uses):
            self._done = replace(done, own_word=False)
            self._show(redeemed_shown(self._done, place=self.place), aloud=False)

    def _ask_place(self) -> None:
        self._jobs.start(self._settings.get, "counter.place", on_done=self._show_place, owner=self)

    def _show_place(self, name: object) -> None:
        self.place = str(name or "")
        name_button(self.place_button, self.place or tr("Name this place"), most=PLACE_PX)

    # --- the caret ---

    def _home(self) -> None:
        """Back into the field, so that the next scan lands there."""
        if self.isVisible() and not self.part.isVisible():
            self.entry.setFocus(Qt.FocusReason.OtherFocusReason)

    def _come_back(self) -> None:
        """From a question: the Enter that answered it twice is not meant for the card in front."""
        self._last_asked = self._clock()
        self._home_soon()

    def _home_soon(self) -> None:
        QTimer.singleShot(0, self, self._home)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._home_soon()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._home()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A scan while a button has the focus is not lost."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        if plain and event.text().isprintable() and event.text().strip():
            self._home()
            self.entry.insert(event.text())
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter in the part box redeems; Ctrl+Z in the empty field is the counter's, not the field's."""
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride and watched is self.entry:
            return event.matches(QKeySequence.StandardKey.Undo) and not self.entry.text()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() == QEvent.Type.KeyPress and enter and event.isAutoRepeat():
            return True  # a finger that rests on the key that looked the card up
        if event.type() == QEvent.Type.KeyPress and enter and watched is not self.entry:
            self.redeem()
            return True
        return False
