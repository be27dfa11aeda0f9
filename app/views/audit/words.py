"""An entry of the audit log in words: who, to what, and what else is known of it."""

from collections.abc import Callable
from datetime import datetime

from app.acts import DETAILS
from app.services.audit import AuditRow
from app.vocabulary import CHANNELS, CODE_FORMATS, FIELDS, PURPOSES, RULES, SETTINGS, word
from app.words import LANGUAGES, NO_DATA, moment, tr

FINGERPRINT, SHORT = 64, 16
"""Signs of a fingerprint that are enough to compare it with a file's."""


NOUNS: dict[str, Callable[[str], str]] = {
    "product": lambda number: tr("Product {number}", number=number),
    "person": lambda number: tr("Person {number}", number=number),
    "batch": lambda number: tr("Batch {number}", number=number),
    "card": lambda number: tr("Card {number}", number=number),
    "delivery": lambda number: tr("Delivery {number}", number=number),
    "link": lambda number: tr("Link {number}", number=number),
}


def who(row: AuditRow) -> str:
    return actor_words(row.actor)


def actor_words(actor: str) -> str:
    return tr("Owner") if actor == "owner" else actor


def subject(row: AuditRow) -> str:
    """A number by its noun, a setting by its name; a serial or a file stands for itself."""
    if row.action == "setting.changed":
        return word(SETTINGS, row.subject)
    noun, mark, number = row.subject.partition(":")
    named = NOUNS.get(noun) if mark else None
    return named(number) if named is not None else row.subject


def as_stored(typed: str) -> str:
    """What a person calls a thing, as the log has it: `Product 3` → `product:3`; a serial stands for itself."""
    words = typed.strip()
    for noun, named in NOUNS.items():
        shown = named("").strip()
        if words.lower().startswith(shown.lower()):
            return f"{noun}:{words[len(shown) :].strip()}"
    return words


def details(row: AuditRow) -> str:
    """`Reason: print shop · Cards: 300`."""
    parts = (
        tr("{name}: {value}", name=word(DETAILS, key), value=_value(row, key, value))
        for key, value in row.details.items()
    )
    return " · ".join(parts)


def detail_lines(row: AuditRow) -> list[tuple[str, str]]:
    """Each detail by itself, a fingerprint in full."""
    return [(word(DETAILS, key), _value(row, key, value, whole=True)) for key, value in row.details.items()]


def _value(row: AuditRow, key: str, value: object, *, whole: bool = False) -> str:
    if isinstance(value, bool):
        return tr("Yes") if value else tr("No")
    if isinstance(value, list) and key == "rules":
        return " ".join(word(RULES, str(rule)) for rule in value)
    if isinstance(value, list):
        return f"{len(value):,}"
    if isinstance(value, int):
        return f"{value:,}"
    text = NO_DATA if value in (None, "") else str(value)
    if key == "sha256" or (key == "file" and len(text) == FINGERPRINT):
        return text if whole else text[:SHORT]
    words = {"channel": CHANNELS, "purpose": PURPOSES, "mode": MODES, "field": FIELDS, "format": CODE_FORMATS}.get(
        key, {}
    )
    if row.action == "setting.changed" and row.subject == "backup.last" and text != NO_DATA:
        return moment(datetime.fromisoformat(text))
    if row.action == "setting.changed":
        words = {"merchant.purpose": PURPOSES, "look.language": LANGUAGES}.get(row.subject, {})
    return word(words, text)


MODES = {"embedded": "Endpoint on this machine", "cloud": "Endpoint in the cloud"}
