"""确认: everything once more, then the count is typed; only then anything happens."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from app.services.distribution import Plan, Share
from app.services.distribution.rows import Earlier
from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.tiles import Tiles
from app.views.distribution.wizard.step import Step
from app.views.distribution.wizard.when import span
from app.views.jobs import JobRunner
from app.views.widgets.banner import Banner
from app.views.widgets.facts import caption
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, label
from app.vocabulary import CHANNELS, RULES, word
from app.words import day, moment, ntr, tr, yuan

CAPTION_PX = 112


class ConfirmStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Confirm"), tr("Nothing has happened so far"), parts, jobs=jobs)
        self.plan: Plan | None = None
        self._sender = ""
        self.odd = Banner()
        self.tiles = Tiles()
        self.facts, self.split = QGridLayout(), QGridLayout()
        for grid in (self.facts, self.split):
            grid.setHorizontalSpacing(16)
            grid.setVerticalSpacing(4)
        self.facts.setColumnMinimumWidth(0, CAPTION_PX)
        self.facts.setColumnStretch(1, 1)
        self.split.setColumnStretch(0, 1)
        self.split_card = Card(tr("By product"))
        self.split_card.body.addLayout(self.split)
        card = Card(tr("Once more"))
        card.body.addLayout(self.facts)
        self.entry = QLineEdit()
        self.form = Form()
        self.form.add("typed", tr("Type the number of people"), self.entry)
        self.entry.returnPressed.connect(self.moved_on)
        confirm = Card()
        confirm.body.addLayout(self.form.within(320))
        confirm.body.addWidget(label(word(RULES, "welfare-counts-as-wages"), "note", wrap=True))
        for part in (self.odd, self.tiles, self.split_card, card, confirm):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.split_card.hide()

    def take(self, draft: Draft) -> None:
        super().take(draft)
        self.plan = None
        self.entry.clear()
        self.form.clear_errors()

        def work() -> tuple[Plan, str]:
            server = self.parts.settings.get("mail.server")
            return self.parts.distribution.preview(draft.spec, compare=True), str(server.get("sender") or "")

        def done(found: tuple[Plan, str]) -> None:
            if self.draft is draft:
                self._show(found)

        self.jobs.start(work, on_done=done, on_refused=self.refused.emit, owner=self)

    @property
    def totals(self) -> str:
        if self.plan is None:
            return ""
        people = ntr("{count} person", "{count} people", self.plan.people)
        return f"{people} · {yuan(self.plan.total_minor)}"

    @property
    def verb(self) -> str:
        if self.plan is None or not self.plan.people:
            return tr("Distribute")
        if self.draft.scheduled_at is not None:
            return ntr("Plan {count} card", "Plan {count} cards", self.plan.people)
        return ntr("Distribute {count} card", "Distribute {count} cards", self.plan.people)

    @property
    def first(self) -> QWidget:
        return self.entry

    def finish(self, then: Callable[[], object]) -> None:
        """Go on only with the right number, and within the budget."""
        plan = self.plan
        if plan is None:
            return
        typed = self.entry.text().strip().replace(",", "").replace("\uff0c", "")
        if not plan.people:
            self._say_nobody()
        elif self._over_minor > 0:
            self.form.set_error("typed", tr("The cards come to more than the budget. Go back and change either."))
        elif not typed.isdecimal() or int(typed) != plan.people:
            self.form.set_error("typed", tr("This is not {text}. Nothing was done.", text=f"{plan.people:,}"))
        else:
            then()
            return
        self.reveal_wanted.emit(self.form)

    def _show(self, found: tuple[Plan, str]) -> None:
        self.plan, self._sender = found
        plan = self.plan
        self.tiles.show_tiles(
            (
                (tr("Number of people"), f"{plan.people:,}", "neutral"),
                (tr("Total"), yuan(plan.total_minor), "neutral"),
                (tr("Left out"), f"{len(plan.skipped) + len(plan.nothing):,}", "neutral"),
                (tr("Cannot be reached"), f"{len(plan.unreachable):,}", "warn" if plan.unreachable else "neutral"),
            )
        )
        _clear(self.facts)
        for at, (name, value) in enumerate(self._facts(plan)):
            self.facts.addWidget(caption(name), at, 0, Qt.AlignmentFlag.AlignTop)
            self.facts.addWidget(label(value, wrap=True), at, 1)
        self._show_split([share for share in plan.shares if share.people])
        self.form.fields["typed"].caption.setText(tr("Type {text} to confirm", text=str(plan.people)))
        self._say_odd(plan)
        if not plan.people:
            self._say_nobody()
        self.looked.emit()

    def _say_nobody(self) -> None:
        self.form.set_error("typed", tr("Nobody would get a card. Go back and change the list or the channel."))

    def _show_split(self, shares: Sequence[Share]) -> None:
        """What goes out of each product, in columns that add up to the tiles above."""
        _clear(self.split)
        self.split_card.setVisible(len(shares) > 1)
        for at, share in enumerate(shares):
            people = ntr("{count} person", "{count} people", share.people)
            self.split.addWidget(label(share.label, wrap=True), at, 0)
            for column, words in enumerate((people, yuan(share.total_minor)), 1):
                self.split.addWidget(label(words), at, column, Qt.AlignmentFlag.AlignRight)

    def _facts(self, plan: Plan) -> list[tuple[str, str]]:
        draft = self.draft
        facts = [(tr("Distribution"), draft.name)]
        given = [share for share in plan.shares if share.people]
        if len(given) == 1:
            facts.append((tr("Product"), given[0].label))
        if plan.nothing:
            facts.append((tr("Get nothing"), ntr("{count} person", "{count} people", len(plan.nothing))))
        if draft.budget_minor is not None:
            facts.append((tr("Budget"), _budget_words(draft.budget_minor, plan.total_minor)))
        facts += [(tr("Channel"), word(CHANNELS, draft.channel)), *self._way_facts(plan)]
        when = moment(draft.scheduled_at) if draft.scheduled_at else tr("Now")
        comma = tr(", ")
        names = comma.join(plan.first_names)
        if plan.last_names:
            names += " … " + comma.join(plan.last_names)
        facts += [(tr("Time"), when), (tr("First and last"), names or "--")]
        return [*facts, (tr("Last time"), _difference(plan))]

    def _way_facts(self, plan: Plan) -> list[tuple[str, str]]:
        draft = self.draft
        if draft.channel != "email":
            return [(tr("Folder"), str(draft.out_folder or "--"))]
        facts = [(tr("Sender"), self._sender or "--")]
        if draft.pace is not None:
            words = ntr(
                "{count} mail every {minutes} minutes",
                "{count} mails every {minutes} minutes",
                draft.pace,
                minutes=draft.pace_minutes,
            )
            facts.append((tr("In parts"), words))
        takes = plan.takes(draft.pace, draft.pace_minutes)
        return [*facts, (tr("Takes about"), span(takes))] if takes > timedelta() else facts

    @property
    def _over_minor(self) -> int:
        limit = self.draft.limit_minor
        return self.plan.total_minor - limit if self.plan is not None and limit is not None else 0

    def _say_odd(self, plan: Plan) -> None:
        self.odd.clear()
        if plan.missing:
            words = ntr("{count} card is missing now", "{count} cards are missing now", plan.missing)
            self.odd.say("error", words, closable=False)
        elif self._over_minor > 0:
            words = tr("The cards come to {over} more than the budget", over=yuan(self._over_minor))
            self.odd.say("error", words, closable=False)
        elif plan.unreachable:
            words = ntr(
                "{count} person lacks what this channel needs; the receipt names the reason",
                "{count} people lack what this channel needs; the receipt names the reasons",
                len(plan.unreachable),
            )
            self.odd.say("warn", words, closable=False)


def _clear(grid: QGridLayout) -> None:
    while (item := grid.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.hide()
            old.deleteLater()


def _budget_words(budget_minor: int, total_minor: int) -> str:
    left = budget_minor - total_minor
    if left < 0:
        return tr("{budget}, {over} over, accepted", budget=yuan(budget_minor), over=yuan(-left))
    return tr("{budget}, {left} left", budget=yuan(budget_minor), left=yuan(left))


def _difference(plan: Plan) -> str:
    """How this list differs from the last run of the same products through the same channel."""
    earlier = plan.earlier
    if earlier is None:
        return tr("The first of these products through this channel")
    then = tr(
        "{name} on {day}: {people}, {total}",
        name=earlier.name,
        day=day(earlier.created_at),
        people=ntr("{count} person", "{count} people", earlier.people),
        total=yuan(earlier.total_minor),
    )
    return "\n".join([then, _more_or_less(plan, earlier)])


def _more_or_less(plan: Plan, earlier: Earlier) -> str:
    people, minor = plan.people - earlier.people, plan.total_minor - earlier.total_minor
    if not (people or minor or earlier.joined or earlier.gone):
        return tr("Now the same people and the same sum")
    more = tr("Now {people} people and {total}", people=f"{people:+,}", total=_signed(minor))
    who = tr("{joined} new, {gone} not there any more", joined=f"{earlier.joined:,}", gone=f"{earlier.gone:,}")
    return tr("{more}: {who}", more=more, who=who)


def _signed(amount_minor: int) -> str:
    return yuan(amount_minor) if amount_minor < 0 else f"+{yuan(amount_minor)}"
