"""Ways to spoil a document, its bytes, and the address it is sent to."""

from collections.abc import Callable
from random import Random
from typing import Any

TEXTS = (
    *("", " ", "\0", "a\0b", "\ud800", "é", "e\u0301", "‮", "'", '"', "\\", "%00", "../../etc/passwd", "<script>"),
    *("' OR 1=1 --", "$(id)", "{{7*7}}", "\r\nX: y", "😀" * 700, "A" * 2_001, "A" * 70_000, "null", "NaN", "1e400"),
    *("00000000-0000-0000-0000-000000000000", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
)
NUMBERS = (-1, 0, 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63), 10**400, 0.1, -0.0, 1e308)


def _paths(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    if isinstance(document, dict):
        for name, part in document.items():
            found += _paths(part, (*at, name))
    elif isinstance(document, list):
        for number, part in enumerate(document):
            found += _paths(part, (*at, number))
    return found


def _changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    made = dict(document) if isinstance(document, dict) else list(document)
    made[path[0]] = _changed(made[path[0]], path[1:], value)
    return made


def _odd(draw: Random) -> Any:
    deep: Any = 1
    for _ in range(draw.choice((1, 15, 16, 17, 150))):
        deep = [deep] if draw.random() < 0.5 else {"a": deep}
    text, number = draw.choice(TEXTS), draw.choice(NUMBERS)
    return draw.choice((None, True, [], {}, deep, text, text, number, [1] * 999))


def _another_value(draw: Random, document: Any) -> Any:
    return _changed(document, draw.choice(_paths(document)), _odd(draw))


def _one_gone(draw: Random, document: Any) -> Any:
    path = draw.choice(_paths(document))
    if not path:
        return {}
    whole = document
    for step in path[:-1]:
        whole = whole[step]
    less: Any
    if isinstance(whole, list):
        less = [part for number, part in enumerate(whole) if number != path[-1]]
    else:
        less = {name: part for name, part in whole.items() if name != path[-1]}
    return _changed(document, path[:-1], less)


def _one_more(draw: Random, document: Any) -> Any:
    if isinstance(document, dict):
        return document | {draw.choice(TEXTS): _odd(draw)}
    return [document, document]


DOCUMENTS: tuple[Callable[[Random, Any], Any], ...] = (*[_another_value] * 3, _one_gone, _one_more)


def spoilt_bytes(draw: Random, raw: bytes) -> bytes:
    at = draw.randrange(len(raw) + 1)
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: raw[:at],
        lambda: raw[:at] + draw.randbytes(draw.choice((1, 2, 9))) + raw[at:],
        lambda: raw[:at] + bytes([draw.randrange(256)]) + raw[at + 1 :],
        lambda: b"\xef\xbb\xbf" + raw,
        lambda: raw.decode("utf-8", "replace").encode("utf-16"),
        lambda: raw + raw,
        lambda: raw.replace(b":", b": NaN,", 1),
        lambda: raw.replace(b"{", b'{"op_id":1,"op_id":2,', 1),
        lambda: b"[" * draw.choice((17, 5_000)) + raw,
        lambda: draw.randbytes(draw.choice((0, 1, 33, 4_096))),
        lambda: raw + b" " * (1 << 20),
        lambda: b"9" * draw.choice((20, 5_000)),
    )
    return draw.choice(ways)()


def spoilt_target(draw: Random, target: str) -> str:
    at = draw.randrange(1, len(target) + 1)
    odd = draw.choice(("%", "%00", "%ff", "//", "/..", "?", "&&", ";", "%2f", "é", " ", "#", "A" * 9_000, "&limit=-1"))
    return target[:at] + odd + target[at + draw.choice((0, 1)) :]
