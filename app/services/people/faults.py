"""What a cell should have been: one pure function per field, from the raw cell to value, repair, fault and warning.

Keys of repairs, faults and warnings are words of `app/vocabulary.py`. A repair never guesses: what a spreadsheet has
rounded away is a fault.
"""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from app.services.sheets import DateText, NumberText

EXACT_DIGITS = 15
"""Digits a spreadsheet keeps of a number; beyond them it writes zeros."""
SHORTEST_ROUNDED = 9
"""A power of ten up to which `1.2E+05` may be an amount or a measure, not a rounded number of somebody."""
LONGEST_NAME = 40
UNREADABLE = "\ufffd"

PHONE = re.compile(r"1[3-9][0-9]{9}")
PHONE_NOISE = re.compile(r"[\s\-‐‑‒–—―−_.·()'’`]+")
PHONE_LABEL = re.compile(r"^[^0-9+(]{1,8}:")
PHONE_PREFIX = re.compile(r"^(\+?0{0,2}86|0)(?=1[3-9][0-9]{9}$)")
SEVERAL = re.compile(r"[/\u3001,;|\n]")
ROUNDED = re.compile(r"([0-9])(?:\.([0-9]+))?[eE]\+([0-9]+)")
WHOLE = re.compile(r"([0-9]+)\.0+")
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202a\u202c\u202d\u200e\u200f"))
FORMULA_ERROR = re.compile(r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA)|Err:[0-9]{3}")
"""What a spreadsheet shows in place of a result; in a CSV it is text like any other."""
PLAIN_NAME = re.compile(r"[\u4e00-\u9fa5]{2,4}")
DOTS = str.maketrans(dict.fromkeys("\u2022\u30fb\u2027\u2219\u22c5\u2024\u25cf\uff0e\uff61", "·"))
HAN_GAP = re.compile(r"(?<=[^\x00-\u024f])\s+(?=[^\x00-\u024f])")
DOMAIN = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9\-]{2,59})", re.IGNORECASE
)
"""A company's inner domain (`.local`) is as good as any: mail goes out through the company's own server."""
EMAIL = re.compile(r"[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
ENDINGS = {".con": ".com", ".cmo": ".com", ".comm": ".com", ".c0m": ".com", ".ocm": ".com", ".vom": ".com"}
DOMAINS = {
    "gmial.com": "gmail.com",
    "gamil.com": "gmail.com",
    "gmai.com": "gmail.com",
    "gmal.com": "gmail.com",
    "gmaill.com": "gmail.com",
    "gnail.com": "gmail.com",
    "gmail.co": "gmail.com",
    "hotmial.com": "hotmail.com",
    "hotmai.com": "hotmail.com",
    "hotmal.com": "hotmail.com",
    "outlok.com": "outlook.com",
    "outloook.com": "outlook.com",
    "outlool.com": "outlook.com",
    "foxmial.com": "foxmail.com",
    "foxmai.com": "foxmail.com",
    "iclould.com": "icloud.com",
    "icoud.com": "icloud.com",
    "yaho.com": "yahoo.com",
    "163.co": "163.com",
    "126.co": "126.com",
    "qq.co": "qq.com",
    "qqq.com": "qq.com",
}


class Cell(NamedTuple):
    """A cell as understood: its value, and keys of what was repaired, is wrong, or is odd."""

    value: str
    repair: str | None = None
    fault: str | None = None
    warning: str | None = None


EMPTY = Cell("")


def name_of(raw: str) -> Cell:
    """Blanks between Chinese signs and odd dots go; rare signs and the dot of minority names stay."""
    if PLAIN_NAME.fullmatch(raw):
        return Cell(raw)
    value = HAN_GAP.sub("", " ".join(raw.translate(INVISIBLE).split())).translate(DOTS).removeprefix("'")
    value = re.sub(r"\s*·\s*", "·", value)
    if not value:
        return Cell("", None, "name-missing")
    if fault := _emptiness(value) or ("" if any(map(_is_letter, value)) else "not-a-name"):
        return Cell(value, None, fault)
    odd = len(value) > LONGEST_NAME or any(sign.isdigit() or sign in '?\uff1f@"' for sign in value)
    return Cell(value, "name-normalised" if value != raw else None, None, "name-odd" if odd else None)


def phone_of(raw: str) -> Cell:
    """A mainland mobile number as 11 digits; a foreign one only with `+` and its country."""
    if PHONE.fullmatch(raw) and not isinstance(raw, NumberText):
        return Cell(raw, None, None, _prefix_warning(raw[:4]))
    if not raw.strip():
        return EMPTY
    text, repair, fault = _digits_of(unicodedata.normalize("NFKC", raw).translate(INVISIBLE).strip())
    if fault:
        return Cell(raw.strip(), None, fault)
    value = PHONE_PREFIX.sub("", PHONE_NOISE.sub("", PHONE_LABEL.sub("", text)))
    if PHONE.fullmatch(value):
        if isinstance(raw, NumberText):
            repair = "phone-from-number"
        elif value != raw:
            repair = repair or "phone-normalised"
        return Cell(value, repair, None, _prefix_warning(value[:4]))
    if value.startswith("+") and (abroad := _abroad(value)):
        return Cell(abroad, "phone-normalised" if abroad != raw else None)
    several = [part for part in SEVERAL.split(text) if len(PHONE_NOISE.sub("", part)) >= 7]
    return Cell(raw.strip(), None, "phone-several" if len(several) > 1 else "phone-wrong")


def email_of(raw: str) -> Cell:
    """An address that mail can be sent to, as far as its form tells; known slips of the finger are put right."""
    if EMAIL.fullmatch(raw) and (domain := raw.rpartition("@")[2]) == _mended_domain(domain) and _domain_holds(domain):
        return Cell(raw)
    text = unicodedata.normalize("NFKC", raw).translate(INVISIBLE).replace("\u3002", ".")
    text = "".join(text.split()).strip("'\"<>,;.").removeprefix("mailto:")
    if not text:
        return EMPTY
    local, at, domain = text.replace("@@", "@").rpartition("@")
    plain = domain.lower().replace(",", ".")
    mended = _mended_domain(plain)
    value = f"{local}{at}{mended}"
    if not (at and local.isascii() and _domain_holds(mended) and _local_holds(local)):
        return Cell(raw.strip(), None, "email-wrong")
    if value == raw:
        return Cell(value)
    return Cell(value, "email-typo" if mended != domain.lower() else "email-normalised")


def employee_no_of(raw: str) -> Cell:
    """A number given by the company: kept as written, unless a spreadsheet has rounded it."""
    if raw.isalnum() and raw.isascii() and not isinstance(raw, NumberText) and not ROUNDED.fullmatch(raw):
        return Cell(raw)
    value = "".join(unicodedata.normalize("NFKC", raw).translate(INVISIBLE).split()).removeprefix("'")
    if fault := _emptiness(value):
        return Cell(value, None, fault)
    if is_damaged(raw) or isinstance(raw, DateText):
        return Cell(value, None, "number-damaged")
    value, _, fault = _digits_of(value)
    if fault:
        return Cell(raw.strip(), None, "number-damaged")
    return Cell(value, "number-normalised" if value != raw else None)


def department_of(raw: str) -> Cell:
    """Departments are free words; only blanks are tidied."""
    value = " ".join(raw.split()) if (" " in raw or not raw.isalnum()) else raw
    return Cell(value, None, _emptiness(value))


def _emptiness(value: str) -> str | None:
    """The fault of a cell that is filled and says nothing."""
    if UNREADABLE in value:
        return "unreadable"
    return "formula-error" if FORMULA_ERROR.fullmatch(value) else None


def _is_letter(sign: str) -> bool:
    """Signs for private use are letters too: older files keep rare names with them."""
    return sign.isalpha() or unicodedata.category(sign) == "Co"


CHECKS = {
    "name": name_of,
    "phone": phone_of,
    "email": email_of,
    "employee_no": employee_no_of,
    "department": department_of,
}


def is_damaged(raw: str) -> bool:
    """Whether a spreadsheet has lost the last digits of a long number for good."""
    text = raw.strip()
    if isinstance(raw, NumberText):
        return sum(sign.isdigit() for sign in text) > EXACT_DIGITS
    rounded = ROUNDED.fullmatch(text)
    return rounded is not None and max(len(rounded[2] or ""), SHORTEST_ROUNDED) < int(rounded[3])


def _digits_of(text: str) -> tuple[str, str | None, str | None]:
    """(text, repair, fault): `1.3800138000E+10` only if every digit is there, `13800138000.0` without its tail."""
    if rounded := ROUNDED.fullmatch(text):
        whole, decimals, power = rounded[1], rounded[2] or "", int(rounded[3])
        if len(decimals) == power:
            return whole + decimals, "phone-from-number", None
        return text, None, "phone-damaged"
    if whole_number := WHOLE.fullmatch(text):
        return whole_number[1], "phone-from-number", None
    return text, None, None


@cache
def _prefix_warning(prefix: str) -> str | None:
    """A four-digit prefix no operator was known to use when the library's data was made; ranges open every year."""
    import phonenumbers  # with its tables of the whole world

    number = phonenumbers.PhoneNumber(country_code=86, national_number=int(prefix + "1234567"))
    return None if phonenumbers.is_valid_number(number) else "phone-prefix-unknown"


def _abroad(value: str) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return None
    if number.country_code == 86 or not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _mended_domain(domain: str) -> str:
    ending = next((wrong for wrong in ENDINGS if domain.endswith(wrong)), "")
    domain = domain.removesuffix(ending) + ENDINGS[ending] if ending else domain
    return DOMAINS.get(domain, domain)


@cache
def _domain_holds(domain: str) -> bool:
    if domain.isascii():
        return DOMAIN.fullmatch(domain) is not None
    return _accepted(f"a@{domain}")


def _local_holds(local: str) -> bool:
    return EMAIL.fullmatch(f"{local}@a.cn") is not None or _accepted(f"{local}@163.com")


def _accepted(address: str) -> bool:
    """By form alone: no name server is asked."""
    from email_validator import EmailNotValidError, validate_email  # asked only about the rare forms

    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True
