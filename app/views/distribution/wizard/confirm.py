"""确认: everything once more, then the count is typed; only then anything happens."""

from collections.abc import Callable

from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from app.services.distribution import Plan
from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.tiles import Tiles
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.widgets.banner import Banner
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, label
from app.vocabulary import CHANNELS, RULES, word
from app.words import moment, ntr, tr, yuan

CAPTION_PX = 112


class ConfirmStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Confirm"), tr("Nothing has happened so far"), parts, jobs=jobs)
        self.plan: Plan | None = None
        self._sender = ""
        self.odd = Banner()
        self.tiles = Tiles()
        self.facts = QGridLayout()
        self.facts.setHorizontalSpacing(16)
        self.facts.setVerticalSpacing(4)
        self.facts.setColumnMinimumWidth(0, CAPTION_PX)
        self.facts.setColumnStretch(1, 1)
        card = Card(tr("Once more"))
        card.body.addLayout(self.facts)
        self.entry = QLineEdit()
        self.form = Form()
        self.form.add("typed", tr("Type the number of people"), self.entry)
        self.form.setMaximumWidth(320)
        self.entry.returnPressed.connect(self.moved_on)
        confirm = Card()
        confirm.body.addWidget(self.form)
        confirm.body.addWidget(label(word(RULES, "welfare-counts-as-wages"), "note", wrap=True))
        for part in (self.odd, self.tiles, card, confirm):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def take(self, draft: Draft) -> None:
        super().take(draft)
        self.plan = None
        self.entry.clear()
        self.form.clear_errors()

        def work() -> tuple[Plan, str]:
            server = self.parts.settings.get("mail.server")
            return self.parts.distribution.preview(draft.spec), str(server.get("sender") or "")

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
        if self.plan is None:
            return tr("Distribute")
        if self.draft.scheduled_at is not None:
            return ntr("Plan {count} card", "Plan {count} cards", self.plan.people)
        return ntr("Distribute {count} card", "Distribute {count} cards", self.plan.people)

    @property
    def first(self) -> QWidget:
        return self.entry

    def finish(self, then: Callable[[], object]) -> None:
        """Go on only with the right number."""
        plan = self.plan
        if plan is None:
            return
        typed = self.entry.text().strip().replace(",", "").replace("\uff0c", "")
        if not plan.people:
            self.form.set_error("typed", tr("Nobody would get a card. Go back and change the list or the channel."))
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
                (tr("Left out"), f"{len(plan.skipped):,}", "neutral"),
                (tr("Cannot be reached"), f"{len(plan.unreachable):,}", "warn" if plan.unreachable else "neutral"),
            )
        )
        while (item := self.facts.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for at, (name, value) in enumerate(self._facts(plan)):
            self.facts.addWidget(label(name, "label"), at, 0)
            self.facts.addWidget(label(value, wrap=True), at, 1)
        self.form.fields["typed"].caption.setText(tr("Type {text} to confirm", text=str(plan.people)))
        self._say_odd(plan)
        self.looked.emit()

    def _facts(self, plan: Plan) -> list[tuple[str, str]]:
        draft = self.draft
        comma = tr(", ")
        names = comma.join(plan.first_names)
        if plan.last_names:
            names += " … " + comma.join(plan.last_names)
        facts = [
            (tr("Distribution"), draft.name),
            (tr("Product"), draft.product.name if draft.product else ""),
            (tr("Channel"), word(CHANNELS, draft.channel)),
        ]
        if draft.channel == "email":
            facts.append((tr("Sender"), self._sender or "--"))
            if plan.minutes:
                facts.append((tr("Takes about"), tr("{count} min", count=plan.minutes)))
        else:
            facts.append((tr("Folder"), str(draft.out_folder or "--")))
        when = moment(draft.scheduled_at) if draft.scheduled_at else tr("Now")
        facts += [(tr("Time"), when), (tr("First and last"), names or "--")]
        return facts

    def _say_odd(self, plan: Plan) -> None:
        self.odd.clear()
        if plan.missing:
            words = ntr("{count} card is missing now", "{count} cards are missing now", plan.missing)
            self.odd.say("error", words, closable=False)
        elif plan.unreachable:
            words = ntr(
                "{count} person lacks what this channel needs; the receipt names the reason",
                "{count} people lack what this channel needs; the receipt names the reasons",
                len(plan.unreachable),
            )
            self.odd.say("warn", words, closable=False)
