"""How names are read: a sort key, and every reading somebody may type to find them.

Surnames keep old readings that a dictionary of common words gets wrong (曾 is zeng here, not ceng). The table follows
the list in mozillazg/python-pinyin issue 297; both the surname's and the common reading find the person.
"""

import json
from collections.abc import Callable
from functools import cache

from app.config import RESOURCES

SURNAMES: dict[str, list[str]] = json.loads((RESOURCES / "people" / "surnames.json").read_text(encoding="utf-8"))
"""First signs of a name → readings as a surname, likeliest first; syllables separated by a space."""

LONGEST_SURNAME = max(map(len, SURNAMES))
MOST_READINGS = 4


def readings(name: str) -> tuple[str, str]:
    """(sort key, search words): `zeng xiao xian`, `曾小贤 zengxiaoxian zxx cengxiaoxian cxx`."""
    plain = "".join(name.split()).lower()
    read = _all_readings(plain)
    words = [plain]
    for syllables in read:
        words += ["".join(syllables), "".join(syllable[0] for syllable in syllables)]
        if any("v" in syllable for syllable in syllables):
            words.append("".join(syllables).replace("v", "u"))
    return " ".join(read[0]) if read else plain, " ".join(dict.fromkeys(words))


def spelled(words: str) -> str:
    """The order of what things are called: as a dictionary reads it, for 单 stands for a single thing here."""
    return " ".join(filter(None, _common("".join(words.split()).lower())))


def _all_readings(name: str) -> list[list[str]]:
    """Syllables of the whole name, likeliest reading first."""
    common = [syllable for syllable in _common(name) if syllable]
    surname = next((name[:size] for size in range(LONGEST_SURNAME, 0, -1) if name[:size] in SURNAMES), "")
    if not surname:
        return [common] if common else []
    given = [syllable for syllable in _common(name[len(surname) :]) if syllable]
    read = [reading.split() + given for reading in SURNAMES[surname]]
    if common not in read:
        read.append(common)
    return read[:MOST_READINGS]


@cache
def _sign(sign: str) -> str:
    """The common reading of one sign; Latin letters and digits stand for themselves, other marks for nothing."""
    if sign.isascii():
        return sign if sign.isalnum() else ""
    found = _dictionary()(sign, errors="ignore")
    return found[0] if found else ""


def _common(name: str) -> list[str]:
    """The reading of each sign; words known as a whole (重庆) are read as such."""
    if name.isascii():
        return ["".join(_sign(sign) for sign in name)]
    return [_sign(sign) for sign in name] if len(name) < 2 else _phrase(name)


def _phrase(name: str) -> list[str]:
    return _dictionary()(name, errors=lambda other: "".join(map(_sign, other)))


@cache
def _dictionary() -> Callable[..., list[str]]:
    from pypinyin import lazy_pinyin  # its phrases take half a second, and most of what the program does reads no name

    return lazy_pinyin
