"""The two languages: every shown text, number, amount and date goes through here.

Source texts are English and stand in the code; `resources/i18n/<language>/*.json` maps them to the other
language, one file per noun, merged on load. The current language is the one process-wide setting of the
program, as it is in gettext: texts are made in every layer, at the moment they are shown.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import RESOURCES

if TYPE_CHECKING:  # nothing before the vault is open has a date
    from datetime import date, datetime, tzinfo

LANGUAGES = {"zh_CN": "简体中文", "en": "English"}
DEFAULT_LANGUAGE = "zh_CN"
NO_DATA = "--"
AMOUNT = r"([0-9]{1,30}|[0-9]{1,3}(?:,[0-9]{3}){1,9})(?:\.([0-9]{0,2}))?"

_current = {"language": DEFAULT_LANGUAGE}


def set_language(language: str) -> None:
    """Switch every text made from now on; an unknown language falls back to Simplified Chinese."""
    _current["language"] = language if language in LANGUAGES else DEFAULT_LANGUAGE


def language() -> str:
    return _current["language"]


@cache
def catalog(language: str, folder: Path = RESOURCES / "i18n") -> dict[str, str]:
    """All texts of one language, English → that language."""
    texts: dict[str, str] = {}
    for path in sorted((folder / language).glob("*.json")):
        texts.update(_texts(path))
    return texts


def _texts(path: Path) -> dict[str, str]:
    import json  # English has no file

    read: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return read


def tr(text: str, /, **values: object) -> str:
    """`text` in the current language with `{name}` placeholders filled in."""
    words = catalog(language()).get(text, text)
    return words.format(**values) if values else words


def ntr(one: str, many: str, count: int, /, **values: object) -> str:
    """Singular or plural by `count`, which also fills `{count}` (with thousands separators)."""
    return tr(one if count == 1 else many, count=f"{count:,}", **values)


def yuan(amount_minor: int | None) -> str:
    """Amount in fen as `¥1,234.50`; nothing is `--`."""
    if amount_minor is None:
        return NO_DATA
    sign = "-" if amount_minor < 0 else ""
    whole, cents = divmod(abs(amount_minor), 100)
    return f"{sign}¥{whole:,}.{cents:02d}"


def worth(amount_minor: int | None, uses: int | None) -> str:
    """What a card is good for: an amount or a number of uses; a bare code is worth nothing that can be said."""
    if amount_minor is not None:
        return yuan(amount_minor)
    return ntr("{count} use", "{count} uses", uses) if uses is not None else ""


def plain_amount(amount_minor: int | None) -> str:
    """Amount in fen as `1234.50`: for files and fields whose header names the unit."""
    if amount_minor is None:
        return ""
    sign = "-" if amount_minor < 0 else ""
    whole, cents = divmod(abs(amount_minor), 100)
    return f"{sign}{whole}.{cents:02d}"


def read_amount(typed: str) -> int | None:
    """Fen of an amount as people type it: `200`, `1,234.50`, `¥200`, in signs of any width; None for what is none."""
    import unicodedata

    text = unicodedata.normalize("NFKC", typed).strip().removeprefix("\u00a5").strip()
    amount = re.fullmatch(AMOUNT, text)
    if amount is None:
        return None
    return int(amount[1].replace(",", "")) * 100 + int((amount[2] or "").ljust(2, "0"))


@cache
def zone() -> tzinfo:
    """The merchant's zone: days begin and end there, wherever the computer stands."""
    from datetime import timedelta, timezone
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:  # no zone data on this system; China has kept one offset since 1991
        return timezone(timedelta(hours=8))


def end_of_day(instant: datetime) -> datetime:
    """The last second of an instant's day: a validity's end day is inclusive."""
    return end_of_local_day(instant.astimezone(zone()).date())


def end_of_local_day(day: date) -> datetime:
    """The last second of a day in the merchant's zone, as a UTC instant."""
    from datetime import UTC, datetime, time

    return datetime.combine(day, time(23, 59, 59), zone()).astimezone(UTC)


def begin_of_local_day(day: date) -> datetime:
    """The first moment of a day in the merchant's zone, as a UTC instant."""
    from datetime import UTC, datetime, time

    return datetime.combine(day, time(), zone()).astimezone(UTC)


def moment(instant: datetime | None) -> str:
    """An instant as `2026-09-25 14:08`; nothing is `--`."""
    return instant.astimezone(zone()).strftime("%Y-%m-%d %H:%M") if instant else NO_DATA


def day(instant: datetime | None) -> str:
    """The day of an instant as `2026-09-25`."""
    return instant.astimezone(zone()).strftime("%Y-%m-%d") if instant else NO_DATA


def last_second(instant: datetime | None) -> str:
    """A validity's end as `2026-12-31 23:59:59`."""
    return instant.astimezone(zone()).strftime("%Y-%m-%d %H:%M:%S") if instant else NO_DATA
