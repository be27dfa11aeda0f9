"""The words for every AppError: one sentence that says what is wrong and what to do.

The command line and the window say the same sentence, so it lives beside neither of them.
"""

from app import errors
from app.errors import AppError
from app.words import tr, yuan

WORDS: dict[type[AppError], str] = {
    errors.WrongPassphrase: "The passphrase is not right. Try again, or open the vault with the recovery key.",
    errors.WrongRecoveryKey: "This recovery key does not open the vault. Compare it with the printed sheet, letter by letter.",
    errors.VaultMissing: "There is no vault in {path}. Create one, or choose another folder.",
    errors.VaultExists: "There is already a vault in {path}. Open it, or choose another folder.",
    errors.VaultInUse: "The vault in {path} is open in another window. Use that window, or close it first.",
    errors.VaultDamaged: "The vault file {path} is damaged. Nothing was changed; restore the latest backup.",
    errors.VaultNewer: "This vault was written by a newer version ({found}). Update Kaxia, then open it again.",
    errors.KeySlotsDamaged: "The key file {path} is damaged. Nothing was changed; restore it from a backup.",
    errors.WeakPassphrase: "This passphrase is easy to guess. Add two or three unrelated words.",
    errors.DiskFull: "The disk with {path} is full. Nothing already saved is lost; free some space and try again.",
    errors.NotWritable: "{path} cannot be written to. Check the permissions, or choose another folder.",
    errors.VaultBusy: "Another program is writing to the vault. Wait a moment and try again.",
    errors.NotFound: "There is no {what} {which}. Check the number, or look it up in the list.",
    errors.InvalidInput: "{field}: {reason}",
    errors.CountMismatch: "You typed {typed}; the count is {expected}. Nothing was done.",
    errors.ReasonMissing: "Give a reason first; it is kept in the audit log.",
}

NOUNS: dict[str, str] = {
    "product": "product",
    "batch": "batch",
    "card": "card",
    "person": "person",
    "distribution": "distribution",
    "redemption": "redemption",
}

REASONS: dict[str, str] = {
    "required": "this cannot be empty.",
    "not-a-number": "this is not a number.",
    "out-of-range": "this is outside the allowed range.",
    "not-a-date": "this is not a date like 2027-12-31.",
    "in-the-past": "this lies in the past.",
}


def sentence(error: AppError) -> str:
    """The error in the current language. Fields named `…_minor` are shown as money."""
    values = {name: _shown(name, value) for name, value in error.data.items()}
    return tr(WORDS[type(error)]).format(**values)


def _shown(name: str, value: object) -> str:
    if name.endswith("_minor") and isinstance(value, int):
        return yuan(value)
    if name == "what":
        return tr(NOUNS.get(str(value), str(value)))
    if name == "reason":
        return tr(REASONS.get(str(value), str(value)))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
