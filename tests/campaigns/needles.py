"""Plain data to look for: every way one text can be spelled in a file, and a search for all of them at once."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from sync.codes import ALPHABET, canonical, format_code

SHORTEST = 6
"""Bytes of the shortest pattern: anything shorter stands in random data by chance."""
PAIR = 1 << 16
GROUPED = ("code", "pickup", "link", "recovery", "zip")
"""Kinds that are typed in groups of the codes' alphabet."""


@dataclass(frozen=True, slots=True)
class Needle:
    """Something that must not be found. `what` is its kind; the text itself never stands in a report."""

    what: str
    plain: str | bytes
    label: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One needle in one place."""

    where: str
    what: str
    label: str
    spelled: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.label} as {self.spelled}"


def spellings(needle: Needle) -> dict[bytes, str]:
    """Pattern → how the needle is spelled there."""
    if isinstance(needle.plain, bytes):
        return _long_enough(_of_bytes(needle.plain, "bytes"))
    found: dict[bytes, str] = {}
    for text in _texts(needle):
        found = _of_text(text) | found
    if needle.what == "code":
        found |= _packed(canonical(needle.plain))
    return _long_enough(found)


def _texts(needle: Needle) -> list[str]:
    """The text as people and programs write it."""
    text = str(needle.plain)
    texts = [text, text.lower(), text.upper()]
    if needle.what in GROUPED:
        code = canonical(text)
        for one in (code, format_code(code), format_code(code).replace("-", " ")):
            texts += [one, one.lower()]
    if needle.what == "phone":
        for sign in " -":
            texts.append(sign.join((text[:3], text[3:7], text[7:])))
    return list(dict.fromkeys(texts))


def _of_text(text: str) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for name in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        found = {pattern: f"{name} {how}" for pattern, how in _of_bytes(text.encode(name), "plain").items()} | found
    units = [text.encode("utf-16-be")[at : at + 2].hex() for at in range(0, len(text.encode("utf-16-be")), 2)]
    escaped = {
        "json": json.dumps(text)[1:-1],
        "json in json": json.dumps(json.dumps(text))[3:-3],
        "json, all": "".join(rf"\u{unit}" for unit in units),
        "json, all, upper": "".join(rf"\u{unit.upper()}" for unit in units),
        "percent": quote(text, safe=""),
        "percent, lower": re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")),
        "percent, all": "".join(f"%{byte:02X}" for byte in text.encode()),
        "quoted printable": "".join(f"={byte:02X}" if byte > 126 else chr(byte) for byte in text.encode()),
        "ini": "".join(rf"\x{ord(sign):x}" if ord(sign) > 126 else sign for sign in text),
        "xml": "".join(f"&#{ord(sign)};" for sign in text),
        "xml, hex": "".join(f"&#x{ord(sign):x};" for sign in text),
        "octal": "".join(rf"\{byte:03o}" if byte > 126 else chr(byte) for byte in text.encode()),
    }
    for how, spelled in escaped.items():
        found.setdefault(spelled.encode(), how)
    return found


def _of_bytes(raw: bytes, how: str) -> dict[bytes, str]:
    """As they are, in hexadecimal, and in base64 at each of the three places it can begin."""
    found = {raw: how, raw.hex().encode(): "hex", raw.hex().upper().encode(): "hex, upper", raw[::-1]: "reversed"}
    for lead in range(3):
        whole = base64.b64encode(b"\0" * lead + raw)
        first, last = -(-lead * 8 // 6), (lead + len(raw)) * 8 // 6
        middle = whole[first:last]
        found[middle] = "base64"
        found[middle.translate(bytes.maketrans(b"+/", b"-_"))] = "base64"
    return found


def _packed(code: str) -> dict[bytes, str]:
    """Five bits a symbol, from either end, and a byte a symbol."""
    values = bytes(ALPHABET.index(sign) for sign in code)
    number = 0
    for value in values:
        number = number << 5 | value
    bits = 5 * len(code)
    size, spare = -(-bits // 8), -bits % 8
    found = {values: "a byte a symbol"}
    for packed in (number.to_bytes(size), (number << spare).to_bytes(size), number.to_bytes(size, "little")):
        found |= {pattern: f"packed {how}" for pattern, how in _of_bytes(packed, "bits").items()}
    return found


def _long_enough(found: dict[bytes, str]) -> dict[bytes, str]:
    return {pattern: how for pattern, how in found.items() if len(pattern) >= SHORTEST}


class Magnet:
    """Finds any of many needles in bytes, in one go over them."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self.needles = tuple(needles)
        self._known: dict[bytes, list[tuple[bytes, Needle, str]]] = {}
        self._pairs = [np.zeros(PAIR, bool) for _ in range(SHORTEST // 2)]
        for needle in self.needles:
            for pattern, how in spellings(needle).items():
                self._learn(pattern, needle, how)

    def _learn(self, pattern: bytes, needle: Needle, how: str) -> None:
        head = pattern[:SHORTEST]
        self._known.setdefault(head, []).append((pattern, needle, how))
        for at, pairs in enumerate(self._pairs):
            pairs[int.from_bytes(head[2 * at : 2 * at + 2], "little")] = True

    def pull(self, data: bytes, where: str) -> set[Finding]:
        """What sticks to it; `where` names the bytes."""
        found: set[Finding] = set()
        for at in self._places(data):
            for pattern, needle, how in self._known.get(data[at : at + SHORTEST], ()):
                if data.startswith(pattern, at):
                    found.add(Finding(where, needle.what, needle.label, how))
        return found

    def _places(self, data: bytes) -> list[int]:
        """Where a pattern may begin: its first three pairs of bytes are known ones."""
        if len(data) < SHORTEST:
            return []
        raw = np.frombuffer(data, np.uint8)
        pair: NDArray[np.uint16] = raw[:-1].astype(np.uint16) | raw[1:].astype(np.uint16) << 8
        count = len(data) - SHORTEST + 1
        hit = np.ones(count, bool)
        for at, pairs in enumerate(self._pairs):
            hit &= pairs[pair[2 * at : 2 * at + count]]
        places: list[int] = np.flatnonzero(hit).tolist()
        return places
