"""The recovery key: 130 random bits as 26 symbols and two check symbols, printed once and re-typed."""

import secrets

from sync import codes

SYMBOLS = 26
GROUP = 4


def new_recovery_key() -> str:
    """Canonical form, 28 symbols without hyphens."""
    payload = "".join(secrets.choice(codes.ALPHABET) for _ in range(SYMBOLS))
    return payload + codes.check_symbols(payload)


def shown_recovery_key(key: str) -> str:
    """Seven groups of four, as printed."""
    return "-".join(key[start : start + GROUP] for start in range(0, len(key), GROUP))


def read_recovery_key(typed: str) -> str | None:
    """What a person typed, in canonical form; None when it cannot be a recovery key."""
    try:
        key = codes.canonical(typed)
    except ValueError:
        return None
    return key if len(key) == SYMBOLS + 2 and codes.is_valid(key) else None
