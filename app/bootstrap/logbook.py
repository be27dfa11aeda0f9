"""The program's log: what went wrong and where in the code, never what it was about."""

import logging
import traceback
from pathlib import Path
from types import TracebackType

LARGEST_BYTES = 1 << 20
KEPT = 3
NAME = "kaxia.log"
Excepted = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def keep_log(folder: Path) -> None:
    """Warnings and worse of this process go to a file in `folder`, which is made when there is something to say."""
    logging.getLogger().addHandler(_LogFile(folder / NAME))


class _LogFile(logging.Handler):
    """What writing it needs is loaded with the first line: most starts have nothing to say."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.WARNING)
        self._path = path
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._file is None:
                self._file = _rotating(self._path)
            self._file.emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written stops nothing."""

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def _rotating(path: Path) -> logging.Handler:
    """Raises OSError."""
    from logging.handlers import RotatingFileHandler

    path.parent.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=KEPT, encoding="utf-8")
    file.setFormatter(_Discreet("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return file


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
