"""What a code looks like: alphabet, check symbols, formats, reading what was typed, digest."""

import hashlib
import math
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford base 32: no I, L, O, U. A symbol's value is its place."""
PROFILES = {"SHORT": 14, "STANDARD": 18, "LONG": 23}
"""Payload symbols of each profile; two check symbols follow."""
PICKUP_PAYLOAD = 12
GROUP = 4
CHECKS = 2
LONGEST = 64

_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_READ = str.maketrans("OIL", "011")
_DROPPED = re.compile(r"[\s\-_\u2010-\u2015\u2212\uff0d]")
_SYMBOLS = np.frombuffer(ALPHABET.encode(), np.uint8)


def _times_alpha(value: int) -> int:
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def _table(power: int) -> list[int]:
    """Multiplication by α^power in GF(32), x⁵ + x² + 1."""
    table = []
    for value in range(32):
        for _ in range(power):
            value = _times_alpha(value)
        table.append(value)
    return table


_BY_1, _BY_2, _BY_3 = _table(1), _table(2), _table(3)
_SUM = [first ^ second for first, second in zip(_BY_1, _BY_2, strict=True)]
"""Generator (x − α)(x − α²) = x² + (α + α²)·x + α³: multiplication by its middle coefficient."""
_NP_SUM, _NP_BY_3 = np.array(_SUM, np.uint8), np.array(_BY_3, np.uint8)


def check_symbols(payload: str) -> str:
    """Two symbols that make the polynomial zero at α and α²."""
    high = low = 0
    for symbol in payload:
        carried = high ^ _VALUE[symbol]
        high, low = low ^ _SUM[carried], _BY_3[carried]
    return ALPHABET[high] + ALPHABET[low]


def is_valid(code: str) -> bool:
    """Do the last two symbols check the rest? Expects canonical form."""
    return len(code) > CHECKS and check_symbols(code[:-CHECKS]) == code[-CHECKS:]


def canonical(typed: str) -> str:
    """What a person typed, in canonical form. Raises ValueError for a symbol outside the alphabet."""
    text = _DROPPED.sub("", unicodedata.normalize("NFKC", typed)).upper().translate(_READ)
    for symbol in text:
        if symbol not in _VALUE:
            raise ValueError(f"no code symbol at place {text.index(symbol) + 1}")
    return text


def format_code(code: str) -> str:
    """In groups of four, as printed."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def digest(merchant_id: UUID, code: str) -> bytes:
    """`d`: what leaves the desktop and the phone in place of the code (32 bytes)."""
    return hashlib.sha256(b"kx.code.v1\0" + merchant_id.bytes + code.encode()).digest()


def digests(merchant_id: UUID, codes: Iterable[str]) -> Iterable[bytes]:
    """`d` of many codes; the common prefix is hashed once."""
    prefix = hashlib.sha256(b"kx.code.v1\0" + merchant_id.bytes)
    for code in codes:
        one = prefix.copy()
        one.update(code.encode())
        yield one.digest()


def new_pickup_code() -> str:
    """12 random symbols and two check symbols, canonical."""
    payload = "".join(secrets.choice(ALPHABET) for _ in range(PICKUP_PAYLOAD))
    return payload + check_symbols(payload)


@dataclass(frozen=True, slots=True)
class CodeFormat:
    """How codes of a batch are made: a profile (with check symbols), or a pattern with a charset of its own."""

    template: str
    """One character a symbol: `#` is drawn from `charset`, everything else stands as it is."""
    charset: str
    checked: bool
    """The last two `#` are check symbols."""

    @classmethod
    def read(cls, text: str) -> "CodeFormat":
        """`SHORT`, `STANDARD`, `LONG`, or `PATTERN[|CHARSET[|check]]`. Raises ValueError."""
        if text.upper() in PROFILES:
            return cls("#" * (PROFILES[text.upper()] + CHECKS), ALPHABET, checked=True)
        pattern, _, rest = text.partition("|")
        charset, _, extra = rest.partition("|")
        charset = charset or ALPHABET
        checked = extra.strip().lower() == "check"
        usable = _is_typed(charset) and "#" not in charset
        if not usable or len(set(charset)) != len(charset) or len(charset) < 2:
            raise ValueError("a charset needs two or more different printable characters")
        if "#" not in pattern or not _is_typed(pattern) or len(pattern) > LONGEST:
            raise ValueError("a pattern needs at least one # and at most 64 printable characters")
        if checked and (charset != ALPHABET or pattern.count("#") <= CHECKS):
            raise ValueError("check symbols need the standard alphabet and a payload")
        upper = not any(symbol.islower() for symbol in charset)
        return cls(pattern.upper() if upper else pattern, charset, checked)

    @property
    def length(self) -> int:
        """Bytes of a code as it is stored: a profile's symbols, or the whole pattern."""
        return len(self.template)

    @property
    def bits(self) -> float:
        """Entropy of a code."""
        drawn = self.template.count("#") - (CHECKS if self.checked else 0)
        return drawn * math.log2(len(self.charset))

    def draw(self, count: int) -> NDArray[np.uint8]:
        """`count` random codes as ASCII, shape (count, length). Duplicates are the caller's to find."""
        codes = np.empty((count, self.length), np.uint8)
        codes[:] = np.frombuffer(self.template.encode(), np.uint8)
        drawn = [place for place, symbol in enumerate(self.template) if symbol == "#"]
        payload = drawn[:-CHECKS] if self.checked else drawn
        if self.checked:
            self._draw_checked(codes, payload, drawn[-CHECKS:])
        else:
            charset = np.frombuffer(self.charset.encode(), np.uint8)
            for place in payload:
                codes[:, place] = charset[_uniform(count, len(charset))]
        return codes

    def _draw_checked(self, codes: NDArray[np.uint8], payload: list[int], checks: list[int]) -> None:
        """Draw the payload and run all codes through the shift register at once."""
        count = len(codes)
        high, low = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
        for place in payload:
            value = _uniform(count, 32)
            codes[:, place] = _SYMBOLS[value]
            carried = high ^ value
            high, low = low ^ _NP_SUM[carried], _NP_BY_3[carried]
        codes[:, checks[0]] = _SYMBOLS[high]
        codes[:, checks[1]] = _SYMBOLS[low]


def _is_typed(text: str) -> bool:
    """Signs that a person types and a list keeps apart: ASCII without blanks, quotes and what lists are cut at."""
    return text.isascii() and text.isprintable() and not set(text) & set(" ,;\"'`\\")


def _uniform(count: int, choices: int) -> NDArray[np.uint8]:
    """`count` values below `choices` from the system's generator, without bias (values beyond the last whole
    multiple are drawn again)."""
    limit = 256 - 256 % choices
    values = np.frombuffer(secrets.token_bytes(count), np.uint8)
    if limit < 256:
        kept = values[values < limit]
        while len(kept) < count:
            more = np.frombuffer(secrets.token_bytes(count), np.uint8)
            kept = np.concatenate([kept, more[more < limit]])
        values = kept[:count]
    return np.asarray(values % np.uint8(choices), np.uint8)
