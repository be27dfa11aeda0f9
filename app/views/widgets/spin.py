"""Boxes of numbers, dates and times, as they look everywhere in the program."""

from PySide6.QtWidgets import QAbstractSpinBox, QDateEdit, QDateTimeEdit, QTimeEdit


def tidy_spin(control: QAbstractSpinBox) -> None:
    """What the style sheet cannot do: room before the number, dates as everywhere else, a calendar to choose from."""
    edit = control.lineEdit()
    if edit is not None:
        edit.setTextMargins(10, 0, 0, 0)
    if isinstance(control, QDateTimeEdit) and not isinstance(control, QTimeEdit):
        control.setCalendarPopup(True)
        edit.setTextMargins(0, 0, 0, 0)  # drawn like a box of choices, which has its own room
        control.setDisplayFormat("yyyy-MM-dd" if isinstance(control, QDateEdit) else "yyyy-MM-dd HH:mm")
