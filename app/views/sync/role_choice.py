"""Choosing a role: each with one line that says what it may do."""

from collections.abc import Sequence

from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout, QWidget

from app.views.sync.device_words import may_do, role_word
from app.views.widgets.pieces import label, row

UNDER_WORDS = 26
"""Where the words beside a radio button begin, in px."""


class RoleChoice(QWidget):
    """`roles` as they are offered; the first is chosen."""

    def __init__(self, roles: Sequence[str], chosen: str = "") -> None:
        super().__init__()
        self.choices: dict[str, QRadioButton] = {}
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for at, role in enumerate(roles):
            choice = self.choices[role] = QRadioButton(role_word(role))
            choice.setAccessibleDescription(may_do(role))
            choice.setChecked(role == chosen or (at == 0 and chosen not in roles))
            self._group.addButton(choice)
            words = label(may_do(role), "note", wrap=True)
            line = row(UNDER_WORDS, words, spacing=0)
            line.setStretch(1, 1)
            layout.addWidget(choice)
            layout.addLayout(line)
            layout.addSpacing(4)
        if self.choices:
            self.setFocusProxy(next(iter(self.choices.values())))

    def chosen(self) -> str:
        return next((role for role, choice in self.choices.items() if choice.isChecked()), "")
