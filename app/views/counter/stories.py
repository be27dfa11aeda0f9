"""The two stories of a conflict beside each other: what the counter gave out, and what had used up the card."""

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QWidget

from app.services.leases import ConflictRow, Story
from app.views.widgets.pieces import column, label, row
from app.vocabulary import ENTRIES, HAPPENED, word
from app.words import moment, ntr, tr, yuan


def both(conflict: ConflictRow) -> QWidget:
    """Left the counter's, right the ledger's."""
    amount, *rest = given_out(conflict)
    left = _story(tr("The counter gave out"), [(amount, rest)])
    entries = [(first, more) for first, *more in map(taken_by, conflict.others)]
    right = _story(tr("The ledger has"), entries or [(tr("No entry"), [])])
    place = QWidget()
    beside = row(left, right, spacing=12)
    for at in (0, 1):
        beside.setStretch(at, 1)
    place.setLayout(beside)
    return place


def given_out(conflict: ConflictRow) -> list[str]:
    """How much, when, where."""
    where = " · ".join(dict.fromkeys(filter(None, (conflict.place, conflict.device_name))))
    return [_amount(conflict.amount_minor, conflict.uses), moment(conflict.decided_at), *filter(None, (where,))]


def given_where(conflict: ConflictRow) -> str:
    """The place in a word: the counter's name, or the computer where it has none."""
    return conflict.place or conflict.device_name


def taken_where(story: Story) -> str:
    """The place in a word, or the door where no place was named."""
    return story.place or word(ENTRIES, story.entry)


def taken_by(story: Story) -> list[str]:
    """How much, when, by which door and where; what was given back says so."""
    where = " · ".join(filter(None, (word(ENTRIES, story.entry), story.place)))
    amount = _amount(story.amount_minor, story.uses)
    if story.kind == "reversed":
        amount = tr("{amount} given back", amount=amount.lstrip("-"))
    elif story.kind in ("topped_up", "refunded"):
        amount = f"{word(HAPPENED, story.kind)} {amount.lstrip('-')}"
    return [amount, moment(story.at), *filter(None, (where,))]


def _story(title: str, parts: Sequence[tuple[str, Sequence[str]]]) -> QFrame:
    well = QFrame()
    well.setProperty("role", "well")
    lines: list[QWidget] = [label(title, "note")]
    for amount, rest in parts:
        lines += [label(amount, "card-title"), *(label(one, "label", wrap=True) for one in rest)]
    inside = column(*lines, 0, spacing=4)
    inside.setContentsMargins(12, 10, 12, 10)
    well.setLayout(inside)
    well.setAccessibleName(title)
    return well


def _amount(minor: int, uses: int) -> str:
    return yuan(minor) if minor else ntr("{count} use", "{count} uses", uses)
