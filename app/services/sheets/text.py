"""Rows out of text: which encoding, which delimiter, which cells."""

import codecs
import csv
import io
import re
from collections import Counter
from itertools import islice

from app.services.sheets.rows import trimmed, without_empty_end
from app.services.writers.tables import bare_cell

DELIMITERS = ",\t;|"
SAMPLE_ROWS = 200
LONGEST_CELL_LINES = 50
"""A cell with more lines than this is a quote that nobody closed."""
END = "\x00"
"""A line of its own behind the text: where it is none, an open quote has swallowed the rest."""
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
TEXT_FORMULA = re.compile(r'="([^"]*)"')
"""`="00123"`: how some programs keep Excel from reading a code as a number."""


def decoded(data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """(text, name of the encoding). Bytes that do not fit become U+FFFD.

    Strict UTF-8, else GB18030, with one tie-break: short GBK texts are sometimes valid UTF-8, but then of letters that
    no roster has (U+0080–07FF), while as GB18030 they are all 汉字.
    """
    encoding = encoding or _encoding_of(data)
    if encoding in ("utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"):
        return data.decode(encoding, "replace").removeprefix("\ufeff"), encoding
    return data.decode(encoding, "replace"), encoding


def _encoding_of(data: bytes) -> str:
    for bom, name in BOMS:
        if data.startswith(bom):
            return name
    if wide := _bare_utf16(data):
        return wide
    chinese = data.decode("gb18030", "replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        lost = data.decode("utf-8", "replace").count("\ufffd")
        return "gb18030" if chinese.count("\ufffd") <= lost else "utf-8"
    letters = {letter for letter in text if letter > "\x7f"}
    as_chinese = {letter for letter in chinese if letter > "\x7f"}
    if letters and max(letters) <= "\u07ff" and all("\u4e00" <= letter <= "\u9fff" for letter in as_chinese):
        return "gb18030"
    return "utf-8"


def _bare_utf16(data: bytes) -> str:
    """UTF-16 without its mark: every second byte of the line ends and digits is NUL."""
    head = data[:4096]
    low, high = head[0::2].count(0), head[1::2].count(0)
    if max(low, high) < max(2, len(head) // 40) or min(low, high) * 10 > max(low, high):
        return ""
    return "utf-16-le" if high > low else "utf-16-be"


def is_binary(text: str) -> bool:
    """A picture or program read as text: control characters, or mostly bytes that mean nothing."""
    head = text[:8192].replace("\0", "")
    odd = len(CONTROLS.findall(head)) + head.count("\ufffd")
    return odd * 20 > len(head) and odd > 3


def delimiter_of(text: str) -> str:
    """The delimiter that cuts most rows into the same number of cells; "" for one column."""
    return max(DELIMITERS, key=lambda mark: _fit(text, mark)) if any(_fit(text, mark) for mark in DELIMITERS) else ""


def _fit(text: str, delimiter: str) -> float:
    """Share of the sample's rows that have the most common number of cells; more cells win between equals."""
    sample = io.StringIO(text, newline="")
    head = "".join(islice(sample, SAMPLE_ROWS))
    if delimiter == "\t":  # a tab after another delimiter guards digits against Excel; it cuts nothing
        head = re.sub(r"(?<=[,;|])\t", "", head)
    cells = _cells(head, delimiter, is_cut=len(head) < len(text))
    rows = [len(row) for row in cells if any(cell.strip() for cell in row)]
    widths = Counter(width for width in rows if width > 1)
    if not widths:
        return 0.0
    width, count = widths.most_common(1)[0]
    share = count / len(rows)
    return share + min(width, 50) / 1000 if share >= 0.5 else 0.0


def rows_of(text: str, delimiter: str) -> list[list[str]]:
    """All rows, cells unquoted. One column is read line by line, quotes and all."""
    rows = (
        _cells(text, delimiter)
        if delimiter
        else [[line] for line in io.StringIO(text, newline=None).read().split("\n")]
    )
    return without_empty_end([trimmed([_plain(cell) for cell in row]) for row in rows])


def _cells(text: str, delimiter: str, *, is_cut: bool = False) -> list[list[str]]:
    """Quote-aware; when a quote is never closed, quotes are letters like any other."""
    closed = text if text.endswith(("\r", "\n")) else text + "\n"
    try:
        *rows, last = csv.reader(io.StringIO(closed + END, newline=""), delimiter=delimiter)
        long = any(cell.count("\n") > LONGEST_CELL_LINES for row in rows for cell in row if "\n" in cell)
        if not long and (is_cut or last == [END]):
            return rows
    except csv.Error:
        pass  # a cell of more than 128 KiB: the same unclosed quote
    return [line.split(delimiter) for line in io.StringIO(text, newline=None).read().split("\n")]


def _plain(cell: str) -> str:
    if cell.startswith('="') and (formula := TEXT_FORMULA.fullmatch(cell)):
        return formula[1]
    return bare_cell(cell)
