"""The words of a message: templates with a closed list of fields, filled in by one pass that evaluates nothing."""

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from app.vocabulary import LETTER_FIELDS, word
from app.words import LANGUAGES, catalog, language, tr

FIELDS = (
    "name",
    "product",
    "amount",
    "merchant",
    "link",
    "valid_until",
    "note",
    "pickup_code",
    "pickup_url",
)
WAYS_IN = ("link", "pickup_code")
"""A message without one of these gives nobody a card."""
SECRETS = ("link", "pickup_code", "pickup_url")
"""What must not stand in a subject: it is shown on locked phones and kept by every server on the way."""
TRIAL_CODE = "7K3Q-XYZ2"
"""Stands where a pick-up code will stand: too short to be one."""
SUBJECT_SHOWN = 40
"""Signs of a subject that a phone shows; a Chinese one counts twice."""
LONGEST_SUBJECT = 200

_TURNERS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Signs that turn the direction of writing: they could make one address look like another."""
_FIELD = re.compile(r"\{([^{}]*)\}")
_STRAY_BRACE = re.compile(r"[{}]")
FONT = "font-family:-apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
PAPER = (
    "max-width:560px;margin:0 auto;padding:24px;background:#FFFFFF;border:1px solid #E5E6EB;border-radius:8px;"
    "color:#1D2129;font-size:16px;line-height:1.6"
)
BUTTON = (
    "display:inline-block;padding:10px 24px;background:#1668DC;color:#FFFFFF;border-radius:6px;text-decoration:none;"
    "font-weight:600"
)
SMALL = "font-size:13px;color:#5F6B7A;word-break:break-all"
"""The styles of a mail stand in its elements: many programs that read mail throw a style sheet away."""
MUST_HAVE = ("name", "link", "pickup_code", "pickup_url")
"""Fields that must not come out empty where they are used."""
MAY_LACK = ("note", "amount")
"""A voucher has no amount, and not everybody writes a note."""


@dataclass(frozen=True, slots=True)
class Template:
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A filled-in message, as text and as HTML."""

    subject: str
    text: str
    html: str


@cache
def names() -> dict[str, str]:
    """What may stand between brackets → field: its own name, and its word in any other language of the window."""
    words = {catalog(other).get(LETTER_FIELDS[field], field): field for other in LANGUAGES for field in FIELDS}
    return words | {field: field for field in FIELDS}


def called(field: str) -> str:
    """A field as it is written in a template, in the current language; what is none stays as it is."""
    return "{" + (field if field not in FIELDS or language() == "en" else word(LETTER_FIELDS, field)) + "}"


def _in_words(text: str) -> str:
    """The house's own words with their fields as the current language calls them."""
    return _FIELD.sub(lambda match: called(match.group(1)), text)


def default_template(*, with_pickup: bool = True) -> Template:
    """The words when nobody wrote their own, in the current language. Pick-up needs a page of the merchant."""
    link = tr("Dear {name},\n\n{merchant} gives you {product} {amount}. Open this link to get it:\n\n{link}")
    pickup = tr("Or type the pick-up code {pickup_code} at {pickup_url}")
    end = tr("Valid until: {valid_until}\n\n{note}")
    body = "\n\n".join([link, *([pickup] * with_pickup), end])
    return Template(_in_words(tr("{merchant}: {product} for you")), _in_words(body))


def default_reminder(first_subject: str, *, with_pickup: bool = True) -> Template:
    """The words of a reminder: under the subject of the first mail, so that both stand in one thread."""
    link = tr(
        "Dear {name},\n\n{product} {amount} from {merchant} still waits for you. Open this link to get it:\n\n{link}"
    )
    pickup = tr("Or type the pick-up code {pickup_code} at {pickup_url}")
    end = tr("Valid until: {valid_until}")
    return Template(f"Re: {first_subject}", _in_words("\n\n".join([link, *([pickup] * with_pickup), end])))


def trial(template: Template) -> Template:
    """The same words, marked as a trial where it is seen first: in the subject and above the text."""
    notice = tr("This is a trial, sent to you alone. Its link and its pick-up code open no card.")
    return Template(tr("[Trial] {subject}", subject=template.subject), f"{notice}\n\n{template.body}")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something about a template. `kind` is a key of vocabulary.LETTER_FLAWS; only a fatal one stops the mail.

    `field` is one of FIELDS, or what stands between brackets and is none.
    """

    kind: str
    field: str = ""
    where: str = "body"
    is_fatal: bool = True


def flaws(template: Template, values: Mapping[str, str]) -> list[Flaw]:
    """What is wrong with a template, or odd, for somebody with these values; the worst first."""
    found = [Flaw("no-subject", where="subject")] if not template.subject.strip() else []
    for where, text in (("subject", template.subject), ("body", template.body)):
        named = _named(text)
        found += [Flaw("unknown-field", name, where) for name in named if name not in FIELDS]
        found += [Flaw("secret-in-subject", name, where) for name in named if where == "subject" and name in SECRETS]
        if _STRAY_BRACE.search(_FIELD.sub("", text)):
            found.append(Flaw("stray-brace", where=where))
    if not gives_a_card(template):
        found.append(Flaw("no-way-in"))
    found_in = _named(template.subject + template.body)
    used = [name for name in FIELDS if name in found_in]
    empty = [name for name in used if name not in MAY_LACK and not values.get(name, "").strip()]
    found += [Flaw("empty-field", name, is_fatal=name in MUST_HAVE) for name in empty]
    if "pickup_code" in used and "pickup_url" not in used:
        found.append(Flaw("code-without-page", is_fatal=False))
    if _width(written(template, values).subject) > SUBJECT_SHOWN:
        found.append(Flaw("long-subject", where="subject", is_fatal=False))
    return sorted(found, key=lambda flaw: not flaw.is_fatal)


def gives_a_card(template: Template) -> bool:
    return any(field in WAYS_IN for field in _named(template.body))


def _named(text: str) -> list[str]:
    """The fields of a text, each once, and what stands between brackets and is none."""
    return list(dict.fromkeys(names().get(name, name) for name in _FIELD.findall(text)))


def written(template: Template, values: Mapping[str, str]) -> Letter:
    """Fill in a template. A value is never looked at again: `{link}` inside a name stays what it is."""
    subject = one_line("".join(text for text, _ in _parts(template.subject, values)))
    parts = list(_parts(template.body, values))
    return Letter(
        subject[:LONGEST_SUBJECT],
        _tidy("".join(text for text, _ in parts)),
        _page("".join(_marked_up(text, field) for text, field in parts)),
    )


def one_line(text: str) -> str:
    """Without line breaks and control signs: what may stand in a header or a file name."""
    kept = (" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") else sign for sign in text)
    return " ".join("".join(sign for sign in kept if sign not in _TURNERS).split())


def _parts(text: str, values: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """The pieces of a template: literal text (None), or a value with the name of its field."""
    end = 0
    for match in _FIELD.finditer(text):
        field = names().get(match.group(1))
        if field is not None:
            yield text[end : match.start()], None
            yield _clean(values.get(field, "")), field
            end = match.end()
    yield text[end:], None


def _clean(text: str) -> str:
    """Without what has no place in a mail: control signs, halves of surrogate pairs, turned writing."""
    return "".join(
        sign
        for sign in text
        if sign == "\n" or (unicodedata.category(sign) not in ("Cc", "Cs") and sign not in _TURNERS)
    )


def _tidy(text: str) -> str:
    """No rows of empty lines where a field was empty."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _marked_up(text: str, field: str | None) -> str:
    safe = html.escape(text, quote=True).replace("\n", "<br>\n")
    if field not in ("link", "pickup_url") or not text.startswith("http"):
        return safe
    if field == "pickup_url":
        return f'<a href="{safe}" style="color:#1668DC">{safe}</a>'
    words = html.escape(tr("Open the card"))
    return f'<a href="{safe}" style="{BUTTON}">{words}</a><br>\n<span style="{SMALL}">{safe}</span>'


def _page(body: str) -> str:
    body = re.sub(r"(<br>\n){3,}", "<br>\n<br>\n", body).strip()
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light"></head>\n'
        f'<body style="margin:0;padding:24px 16px;background:#F5F7FA;{FONT}">\n'
        f'<div style="{PAPER}">{body}</div>\n</body></html>\n'
    )


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in ("W", "F") else 1 for sign in text)
