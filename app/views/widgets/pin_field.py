"""A field for a PIN."""

from PySide6.QtWidgets import QLineEdit

from app.services.leases.pin import MOST


def pin_field() -> QLineEdit:
    """Dots; what is wrong with a sign is said below once it is sent."""
    field = QLineEdit()
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setMaxLength(MOST)
    return field
