"""Names as people type or paste them: one line that a page, a mail and the endpoint can all show."""

import unicodedata

from app.errors import InvalidInput

LONGEST = 200
"""What the endpoint keeps of a name, too."""


def one_line(field: str, typed: str) -> str:
    """The name in one line, without control signs and stray blanks. Raises InvalidInput."""
    composed = unicodedata.normalize("NFC", typed)
    shown = "".join(" " if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") else sign for sign in composed)
    name = " ".join(shown.split())
    if not name:
        raise InvalidInput(field, "required")
    if len(name) > LONGEST:
        raise InvalidInput(field, "too-long")
    return name
