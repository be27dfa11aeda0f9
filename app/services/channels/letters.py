"""The words of a message: templates with a closed list of fields, filled in by one pass that evaluates nothing."""

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.words import tr

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
LONGEST_SUBJECT = 200

_TURNERS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Signs that turn the direction of writing: they could make one address look like another."""
_FIELD = re.compile(r"\{([^{}]*)\}")


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


def default_template(*, with_pickup: bool = True) -> Template:
    """The words when nobody wrote their own, in the current language. Pick-up needs a page of the merchant."""
    link = tr("Dear {name},\n\n{merchant} gives you {product} {amount}. Open this link to get it:\n\n{link}")
    pickup = tr("Or type the pick-up code {pickup_code} at {pickup_url}")
    end = tr("Valid until: {valid_until}\n\n{note}")
    return Template(tr("{merchant}: {product} for you"), "\n\n".join([link, *([pickup] * with_pickup), end]))


def unknown_fields(template: Template) -> tuple[str, ...]:
    """Fields a template names that do not exist: they would be sent as they stand."""
    named = _FIELD.findall(template.subject + "\n" + template.body)
    return tuple(dict.fromkeys(name for name in named if name not in FIELDS))


def gives_a_card(template: Template) -> bool:
    return any(f"{{{field}}}" in template.body for field in WAYS_IN)


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
        field = match.group(1)
        if field in FIELDS:
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
    return f'<a href="{safe}">{safe}</a>' if field in ("link", "pickup_url") and text.startswith("http") else safe


def _page(body: str) -> str:
    body = re.sub(r"(<br>\n){3,}", "<br>\n<br>\n", body).strip()
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.6">\n'
        f"<p>{body}</p>\n</body></html>\n"
    )
