"""The program's log: what went wrong and where in the code, never what it was about."""

import logging
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

LARGEST_BYTES = 1 << 20
KEPT = 3
NAME = "kaxia.log"
Excepted = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def keep_log(folder: Path) -> None:
    """Warnings and worse of this process go to a file in `folder`, which is made when there is something to say."""
    logging.getLogger().addHandler(_LogFile(folder / NAME))


class _LogFile(RotatingFileHandler):
    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True)
        self.setLevel(logging.WARNING)
        self.setFormatter(_Discreet("%(asctime)s %(levelname)s %(name)s %(message)s"))

    def _open(self) -> object:  # type: ignore[override]  # a text file, whatever its class
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written stops nothing."""


class _Discreet(logging.Formatter):
    """Kinds of faults and lines of code only: the text of an exception may hold a code, a name or a phone."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # what another formatter made of it is kept there
        try:
            return super().format(record)
        finally:
            record.exc_text = None

    def formatException(self, ei: Excepted) -> str:
        told: list[str] = []
        error = ei[1]
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            told.append(type(error).__qualname__)
            told += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            error = error.__cause__ or error.__context__
        return "\n".join(told)
