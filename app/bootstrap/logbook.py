"""The program's log: what went wrong and where in the code, never what it was about."""

import logging
from pathlib import Path

LARGEST_BYTES = 1 << 20
KEPT = 3
NAME = "kaxia.log"


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

    from sync.faults import Discreet

    path.parent.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=KEPT, encoding="utf-8")
    file.setFormatter(Discreet("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return file
