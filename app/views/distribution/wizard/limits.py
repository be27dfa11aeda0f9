"""What stock and budget say to a plan: cards that are missing and a sum that is too high, each with its way on."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.services.distribution import Plan, Share
from app.views.widgets.banner import Banner
from app.words import ntr, tr, yuan


class Limits(QWidget):
    """Hidden while there is nothing to say. Our own cards are made in place, a supplier's are imported."""

    generate_wanted = Signal()
    import_wanted = Signal()
    accepted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.shortage, self.unmade, self.over = Banner(), Banner(), Banner()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for banner in (self.shortage, self.unmade, self.over):
            layout.addWidget(banner)
        self.hide()

    def clear(self) -> None:
        for banner in (self.shortage, self.unmade, self.over):
            banner.clear()
        self.hide()

    def show_plan(self, plan: Plan, *, budget_minor: int | None, limit_minor: int | None) -> None:
        """`limit_minor` is the budget, or the sum over it that was accepted."""
        self.clear()
        missing = [share for share in plan.shares if share.missing]
        self._say_shortage([share for share in missing if share.kind != "supplier"])
        bought = [share for share in missing if share.kind == "supplier"]
        if bought:
            act = (tr("Import codes"), self.import_wanted.emit)
            self.unmade.say("warn", _shortage_words(bought), action=act, closable=False)
        if budget_minor is not None and plan.total_minor > budget_minor:
            self._say_over(plan, budget_minor, accepted=plan.total_minor <= (limit_minor or 0))
        self.setVisible(not all(banner.isHidden() for banner in (self.shortage, self.unmade, self.over)))

    def _say_shortage(self, made: list[Share]) -> None:
        if made:
            count = sum(share.missing for share in made)
            act = ntr("Generate {count} card", "Generate {count} cards", count)
            self.shortage.say("warn", _shortage_words(made), action=(act, self.generate_wanted.emit), closable=False)

    def _say_over(self, plan: Plan, budget_minor: int, *, accepted: bool) -> None:
        words = tr(
            "{total} is {over} over the budget of {budget}",
            total=yuan(plan.total_minor),
            over=yuan(plan.total_minor - budget_minor),
            budget=yuan(budget_minor),
        )
        if accepted:
            self.over.say("info", tr("{words}, and that was accepted", words=words), closable=False)
        else:
            act = (tr("Give it all the same"), self.accepted.emit)
            self.over.say("warn", words, action=act, closable=False)


def _shortage_words(missing: list[Share]) -> str:
    return tr("; ").join(
        tr(
            "{product}: {stock} in stock, {people} are needed, {missing} are missing",
            product=share.label,
            stock=f"{share.stock:,}",
            people=f"{share.people:,}",
            missing=f"{share.missing:,}",
        )
        for share in missing
    )
