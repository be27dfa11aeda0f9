"""Old workbooks (XLS) are read in a process of their own: on a damaged one the reader can end its process, or hang.

The file goes in by stdin, its cells come back by stdout: nothing of it is written to disk.
"""

import contextlib
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec

from app.config import READ_WORKBOOK
from app.services.programs import QUIET, ROOT, environment, own_command
from app.services.sheets.rows import DateText, Sheet
from app.services.sheets.workbook import SHOWN, Cells, UnreadableWorkbook, cells_of, shown
from sync.memory import keep_memory_off_the_disk

LONGEST_S = 60.0
MOST_MEMORY = 4 << 30
"""A length that was damaged makes the reader ask for hundreds of gigabytes."""
DATE = 1
"""Code of a date among the cells: numbers, truths and texts go over the pipe as they are."""
TIMES = (datetime, date, time, timedelta)


class _Answer(msgspec.Struct, array_like=True):
    reason: str
    cells: Cells


def sheets_apart(data: bytes, *, longest_s: float = LONGEST_S) -> tuple[Sheet, ...]:
    """The worksheets of an XLS file, as `sheets_of` gives them. Raises UnreadableWorkbook."""
    try:
        done = subprocess.run(
            [*own_command("kaxia", "app"), READ_WORKBOOK],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what the reader says of its end may quote the file
            cwd=ROOT,
            env=environment(),
            timeout=longest_s,
            check=True,
            creationflags=QUIET,
        )
        answer = msgspec.msgpack.decode(done.stdout, type=_Answer, ext_hook=_date)
    except (subprocess.SubprocessError, msgspec.DecodeError) as error:
        raise UnreadableWorkbook("file-damaged") from error
    if answer.reason:
        raise UnreadableWorkbook(answer.reason)
    return shown(answer.cells)


def read_for_parent() -> int:
    """The child: a file on stdin, its cells on stdout."""
    keep_memory_off_the_disk()
    _limit_memory()
    try:
        answer = _Answer("", cells_of(sys.stdin.buffer.read(), "xls"))
    except UnreadableWorkbook as error:
        answer = _Answer(error.reason, [])
    for _, _, rows in answer.cells:
        _pack_times(rows)
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
    return 0


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limit, macOS not always
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _pack_times(rows: list[list[Any]]) -> None:
    for row in rows:
        for at, value in enumerate(row):
            if isinstance(value, TIMES):
                text = SHOWN[type(value)](value)
                row[at] = msgspec.msgpack.Ext(DATE, text.encode()) if isinstance(text, DateText) else text


def _date(code: int, raw: memoryview) -> DateText:
    del code  # there is but one
    return DateText(str(raw, "utf-8"))
