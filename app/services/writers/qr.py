"""QR codes as 1-bit pictures, ten thousand in a moment.

For contents of one length, every module of a QR code is the sum (XOR) of some bits of the content and a constant: error
correction, interleaving and masking only add. So segno draws one code for the constant and one for each bit, and every
further code is the sum of some of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
"""Of the alphanumeric mode, in the order of their values; two make one number of 11 bits."""
VALUES = {sign: value for value, sign in enumerate(SIGNS)}
PAIR_BITS, SINGLE_BITS = 11, 6
_DIGITS = bytes(48 + min(value, 1) for value in range(256))
"""Cells 0 and 1 as the digits a number is read from."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A square of `count` by `count` cells, row by row from the top, 1 for black; each row fills whole bytes."""

    count: int
    bits: bytes


def picture(content: str) -> Picture:
    """Without a quiet zone."""
    if content.isdigit() or not VALUES.keys() >= set(content):  # segno knows shorter or other ways to write these
        return _drawn(content)
    count, constant, parts = _parts(len(content))
    total = constant
    for value, pictures in zip(_numbers(content), parts, strict=True):
        for bit, part in enumerate(pictures):
            if value >> bit & 1:
                total ^= part
    return Picture(count, total.to_bytes(count * _wide(count), "big"))


def single(content: str) -> Picture:
    """One that has no others of its length beside it; with the mask that is read best."""
    return _drawn(content, mask=None)


@cache
def _parts(length: int) -> tuple[int, int, list[list[int]]]:
    """Cells along a side, the constant, and what each bit of each number of the content adds to it."""
    zeros = "0" * length
    first = _drawn(zeros, mode="alphanumeric")
    constant = int.from_bytes(first.bits, "big")
    parts = []
    for at in range(0, length, 2):
        pair = min(2, length - at)
        pictures = []
        for bit in range(PAIR_BITS if pair == 2 else SINGLE_BITS):
            content = zeros[:at] + _signs(1 << bit)[-pair:] + zeros[at + pair :]
            pictures.append(int.from_bytes(_drawn(content, mode="alphanumeric").bits, "big") ^ constant)
        parts.append(pictures)
    return first.count, constant, parts


def _numbers(content: str) -> list[int]:
    values = [VALUES[sign] for sign in content]
    last = values[len(values) // 2 * 2 :]
    return [high * len(SIGNS) + low for high, low in zip(values[::2], values[1::2], strict=False)] + last


def _signs(number: int) -> str:
    """Two signs that make the number."""
    high, low = divmod(number, len(SIGNS))
    return SIGNS[high] + SIGNS[low]


def _drawn(content: str, mode: str | None = None, mask: int | None = 2) -> Picture:
    """By segno. One mask for all: readers take any, and choosing costs most of it."""
    import segno

    made = segno.make(content, mode=mode, micro=False, error="m", boost_error=False, mask=mask)
    rows: Sequence[bytearray] = made.matrix
    count = len(rows)
    spare = _wide(count) * 8 - count
    return Picture(
        count, b"".join((int(row.translate(_DIGITS), 2) << spare).to_bytes(_wide(count), "big") for row in rows)
    )


def _wide(count: int) -> int:
    """Bytes of a row."""
    return -(-count // 8)
