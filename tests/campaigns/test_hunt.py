"""The hunter finds what is hidden, in whatever it is hidden; and a short day leaves nothing plain behind."""

import base64
import gzip
import io
import json
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest
from PySide6.QtCore import QByteArray, QSettings
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from app.services.writers.cards_pdf import CardFace, write_cards_pdf
from sync.codes import ALPHABET, canonical
from tests.campaigns.day import SHORT
from tests.campaigns.hunt import hunt
from tests.campaigns.layers import layers
from tests.campaigns.needles import Finding, Magnet, Needle
from tests.campaigns.watch import watched

CODE, NAME, PHONE, PASSPHRASE = "7K3Q-XYZ2-ABCD-EFGH-JKMN", "谌玥翀", "13907654321", "雪落 three 蔷薇 words"
DIGEST = bytes(range(100, 132))
NEEDLES = (
    Needle("code", CODE),
    Needle("name", NAME),
    Needle("phone", PHONE),
    Needle("passphrase", PASSPHRASE),
    Needle("code digest", DIGEST),
)
MAGNET = Magnet(NEEDLES)
SHORT_CODE = canonical(CODE)


def found(data: bytes) -> set[str]:
    """Kinds of needles in a file, whatever is packed in it."""
    stuck: set[Finding] = set()
    for name, layer in layers("it", data):
        stuck |= MAGNET.pull(layer, name)
    return {finding.what for finding in stuck}


def bits(code: str, *, at_the_end: bool) -> bytes:
    text = "".join(f"{ALPHABET.index(sign):05b}" for sign in code)
    text = text.zfill(-(-len(text) // 8) * 8) if at_the_end else text.ljust(-(-len(text) // 8) * 8, "0")
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


SPELLED: dict[str, tuple[bytes, str]] = {
    "as it is": (NAME.encode(), "name"),
    "utf-16, little end first": (f"x{NAME}".encode("utf-16-le"), "name"),
    "utf-16, big end first": (NAME.encode("utf-16-be"), "name"),
    "gbk": (NAME.encode("gbk"), "name"),
    "phone in utf-16": (PHONE.encode("utf-16-le"), "phone"),
    "phone in groups": (b"139 0765 4321", "phone"),
    "phone with hyphens": (b"+86 139-0765-4321", "phone"),
    "code without hyphens": (SHORT_CODE.encode(), "code"),
    "code in lower case": (CODE.lower().encode(), "code"),
    "code without both": (SHORT_CODE.lower().encode(), "code"),
    "code with spaces": (CODE.replace("-", " ").encode(), "code"),
    "code as values": (bytes(ALPHABET.index(sign) for sign in SHORT_CODE), "code"),
    "code packed": (bits(SHORT_CODE, at_the_end=False), "code"),
    "code as a number": (bits(SHORT_CODE, at_the_end=True), "code"),
    "code as a number, little end first": (bits(SHORT_CODE, at_the_end=True)[::-1], "code"),
    "code packed, in hex": (bits(SHORT_CODE, at_the_end=False).hex().encode(), "code"),
    "hex": (PASSPHRASE.encode().hex().encode(), "passphrase"),
    "hex in capitals": (PASSPHRASE.encode().hex().upper().encode(), "passphrase"),
    "percent": (quote(PASSPHRASE).encode(), "passphrase"),
    "percent in lower case": (quote(NAME).lower().encode(), "name"),
    "json": (json.dumps({"name": NAME}).encode(), "name"),
    "json in json": (json.dumps(json.dumps({"name": NAME})).encode(), "name"),
    "repr of bytes": (repr(NAME.encode()).encode(), "name"),
    "repr of bytes in utf-16": (repr(NAME.encode("utf-16-le")).encode(), "name"),
    "xml": ("".join(f"&#{ord(sign)};" for sign in NAME).encode(), "name"),
    "a digest": (b"--" + DIGEST + b"--", "code digest"),
    "a digest in url-safe base64": (base64.urlsafe_b64encode(b"ab" + DIGEST), "code digest"),
    "a digest in hex": (DIGEST.hex().encode(), "code digest"),
}


@pytest.mark.parametrize("how", SPELLED)
def test_the_magnet_finds_every_spelling(how: str) -> None:
    spelled, what = SPELLED[how]
    for place in (spelled, b"\0" * 100_001 + spelled, spelled + b"tail" * 9):
        assert what in found(place)


@pytest.mark.parametrize("lead", range(4))
def test_base64_is_found_wherever_it_begins(lead: int) -> None:
    assert found(base64.b64encode(b"x" * lead + NAME.encode() + b"and so on")) == {"name"}
    assert found(base64.b64encode(b"x" * lead + CODE.encode())) == {"code"}


def in_a_zip(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", "nothing here " * 99 + text)
    return out.getvalue()


def in_a_zip_in_a_zip(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", in_a_zip(text))
    return out.getvalue()


def in_a_cut_zip(text: str) -> bytes:
    whole = in_a_zip(text)
    return whole[: whole.rindex(b"PK\x01\x02")]


def in_a_workbook(text: str) -> bytes:
    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["x", text])
    book.save(out)
    return out.getvalue()


def in_a_free_page(text: str) -> bytes:
    """Written, then deleted: no row holds it any more."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE kept (text)")
        connection.executemany("INSERT INTO kept VALUES (?)", [(f"{text} {at}",) for at in range(500)])
        connection.execute("DELETE FROM kept")
        connection.commit()
        return connection.serialize()


def across_pages(text: str) -> bytes:
    """A long value whose middle lies on the border of two pages, wherever that is."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("CREATE TABLE kept (text)")
        connection.execute("INSERT INTO kept VALUES (?)", ((" " * 7).join([text] * 40),))
        connection.commit()
        whole = connection.serialize()
    assert MAGNET.pull(whole, ""), "some of forty lie on one page"
    return whole


def in_settings_of_qt(text: str) -> bytes:
    path = Path(SCRATCH[0]) / "memory.ini"
    memory = QSettings(str(path), QSettings.Format.IniFormat)
    memory.setValue("place", QByteArray(b"\0\1" + text.encode("utf-16-be")))
    memory.sync()
    return path.read_bytes()


def in_words_of_qt(text: str) -> bytes:
    path = Path(SCRATCH[0]) / "words.ini"
    memory = QSettings(str(path), QSettings.Format.IniFormat)
    memory.setValue("recent", [text])
    memory.sync()
    return path.read_bytes()


def on_a_card(text: str) -> bytes:
    path = Path(SCRATCH[0]) / "cards.pdf"
    face = CardFace("卡", "¥1", "B1-000001", CODE, "", holder=NAME, qr=None, lines=())
    write_cards_pdf(path, [face], merchant="云杉科技", total=1, title="t", watermark=text)
    return path.read_bytes()


def in_a_pdf(text: str) -> bytes:
    out = io.BytesIO()
    page = Canvas(out, A4, pageCompression=1)
    page.drawString(72, 700, text.encode("ascii", "replace").decode())
    page.setAuthor(text)
    page.save()
    return out.getvalue()


CONTAINERS: dict[str, Callable[[str], bytes]] = {
    "zip": in_a_zip,
    "zip in a zip": in_a_zip_in_a_zip,
    "cut zip": in_a_cut_zip,
    "workbook": in_a_workbook,
    "gzip": lambda text: gzip.compress(text.encode()),
    "free page": in_a_free_page,
    "across pages": across_pages,
    "settings of Qt": in_settings_of_qt,
    "words of Qt": in_words_of_qt,
    "printed card": on_a_card,
    "pdf": in_a_pdf,
}
SCRATCH: list[Path] = []


@pytest.mark.parametrize("kind", CONTAINERS)
def test_the_hunter_looks_into_containers(kind: str, tmp_path: Path) -> None:
    SCRATCH[:] = [tmp_path]
    assert found(CONTAINERS[kind](f"{NAME} {CODE}")) >= ({"code"} if kind == "pdf" else {"name", "code"})


def test_a_file_without_needles_has_none() -> None:
    assert found(in_a_workbook("谌玥 1390765432 7K3Q-XYZ2-ABCD-EFGH")) == set()


CHILD = """
import os, subprocess, sys, tempfile
from pathlib import Path
folder = Path(sys.argv[1])
(folder / "deep" / "er").mkdir(parents=True)
(folder / "deep" / "er" / "gone.txt").write_text("deleted again")
sys.stdin.readline()
(folder / "deep" / "er" / "gone.txt").unlink()
with tempfile.TemporaryFile(dir=folder) as nameless:
    nameless.write(b"never had a name")
    nameless.flush()
    program = "import sys; sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", program, "argument"], stdin=-1, env=os.environ | {"OWN": "world"})
    sys.stdin.read()
    child.communicate()
"""


def wait_beside(process: "subprocess.Popen[bytes]", condition: Callable[[], bool]) -> None:
    """Until what the watch notes on its thread is there; the process does nothing before it is told to."""
    pause = threading.Event()
    while not condition():
        assert process.poll() is None, "it waits for us"
        pause.wait(0.01)


def test_the_watch_sees_what_is_deleted_again_and_how_children_are_started(tmp_path: Path) -> None:
    with watched(tmp_path) as seen:
        process = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdin=subprocess.PIPE)
        wait_beside(process, lambda: str(tmp_path / "deep" / "er" / "gone.txt") in seen.files)
        assert process.stdin is not None
        process.stdin.write(b"now delete it\n")
        process.stdin.flush()
        wait_beside(process, lambda: any(b"argument" in line for line, _ in set(seen.children)))
        wait_beside(process, lambda: any(path.startswith(f"{tmp_path}/#") for path in list(seen.files)))
        process.communicate()
    held = dict(seen.contents())
    assert {b"deleted again", b"never had a name"} <= set(held.values())
    assert any(b"OWN=world" in world for _, world in seen.children)
    assert not any(CHILD.encode() in line for line, _ in seen.children), "that one we typed ourselves"


def test_a_day_leaves_nothing_plain_behind(tmp_path: Path) -> None:
    bag = hunt(tmp_path, SHORT, seed=7)
    assert [str(finding) for finding in bag.findings] == []
    assert min(bag.files, bag.momentary, bag.needles) > 40
    assert bag.children >= 3, "the reader of old workbooks, the merchant's pairing code, the endpoint"
