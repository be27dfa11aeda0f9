"""What is inside a file: archives, packed streams, PDF text, rows of databases, bytes hidden behind escapes."""

import gzip
import io
import logging
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pypdf
from pypdf.errors import PyPdfError

Layer = tuple[str, bytes]
DEEPEST = 4
ESCAPED = "escapes"
LARGEST = 1 << 28
ESCAPES = [re.compile(rb"\\(?:x([0-9a-fA-F]{%s})|([0abfnrtv\"\\]))" % digits) for digits in (b"2", b"1,4")]
"""As Python writes bytes, and as Qt writes its settings."""
SIGNS = dict(zip(b'0abfnrtv"\\', b'\0\a\b\f\n\r\t\v"\\', strict=True))
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
ASCII85_END = b"~>"


def layers(where: str, data: bytes, *, deep: int = 0) -> Iterator[Layer]:
    """The bytes themselves, then everything that can be unpacked from them, each with a name."""
    yield where, data
    if deep >= DEEPEST:
        return
    for name, inner in _inside(where, data):
        yield from layers(f"{where} > {name}", inner, deep=deep + 1)


def _inside(where: str, data: bytes) -> Iterator[Layer]:
    if data.startswith(b"PK"):
        yield from _members(data)
    elif data.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error):
            yield "gzip", gzip.decompress(data)
    elif data.startswith(b"%PDF"):
        yield from _pdf(data)
    elif data.startswith(b"SQLite format 3\0"):
        yield from _rows(data)
    elif b"\\" in data and ESCAPED not in where:
        for number, escape in enumerate(ESCAPES):
            yield f"{ESCAPED} {number}", escape.sub(_unescaped, data)


def _members(data: bytes) -> Iterator[Layer]:
    """Of a ZIP; what is encrypted stays so. A cut archive has no list of members: its packed pieces are tried."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if not member.flag_bits & 1 and member.file_size <= LARGEST:
                    with suppress(zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError):
                        yield member.filename, archive.read(member)
    except zipfile.BadZipFile:
        for match in re.finditer(rb"PK\x03\x04.{22}(..)(..)", data, re.DOTALL):
            start = match.end() + int.from_bytes(match[1], "little") + int.from_bytes(match[2], "little")
            yield "piece", _inflated(data[start:], raw=True)


def _pdf(data: bytes) -> Iterator[Layer]:
    """The text as a reader sees it, and every stream unpacked, those of a cut file too."""
    for number, match in enumerate(STREAM.finditer(data)):
        packed = match[1]
        if packed.rstrip().endswith(ASCII85_END):
            packed = _ascii85(packed)
        yield f"stream {number}", _inflated(packed)
    quiet = logging.getLogger("pypdf")
    before = quiet.level
    quiet.setLevel(logging.CRITICAL)  # a file that was cut is broken, that is no news
    try:
        pages = pypdf.PdfReader(io.BytesIO(data)).pages
        yield "text", "\n".join(page.extract_text() for page in pages).encode()
    except (PyPdfError, ValueError, KeyError, OSError):
        yield "text", b""
    finally:
        quiet.setLevel(before)


def _rows(data: bytes) -> Iterator[Layer]:
    """Rows of a plain database: a long value is cut in pieces by the pages it lies on."""
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / "copy.db"
        copy.write_bytes(data[:18] + b"\1\1" + data[20:])  # without its write-ahead log, which lies elsewhere
        try:
            with closing(sqlite3.connect(copy)) as connection:
                tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                for table in tables:
                    yield table, _joined(connection, table)
        except sqlite3.DatabaseError:
            return


def _joined(connection: sqlite3.Connection, table: str) -> bytes:
    out = io.BytesIO()
    for row in connection.execute(f'SELECT * FROM "{table}"'):
        for value in row:
            out.write(value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass"))
            out.write(b"\n")
    return out.getvalue()


def _inflated(packed: bytes, *, raw: bool = False) -> bytes:
    """As far as it goes."""
    unpacker = zlib.decompressobj(-15 if raw else 15)
    try:
        return unpacker.decompress(packed, LARGEST)
    except zlib.error:
        return b""


def _ascii85(text: bytes) -> bytes:
    import base64

    try:
        return base64.a85decode(text.strip().removesuffix(ASCII85_END))
    except ValueError:
        return b""


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[2]:
        return bytes([SIGNS[match[2][0]]])
    number = int(match[1], 16)
    return bytes([number]) if number < 256 else chr(number).encode("utf-8", "surrogatepass")
