"""What may be told of a fault: its kind and where in the code. The text of an exception may hold a code or a name."""

import logging
import traceback
from types import TracebackType

Excepted = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def told(error: BaseException | None) -> str:
    """Kinds of faults and lines of code, from the last fault back to the first."""
    lines: list[str] = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        lines.append(type(error).__qualname__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


class Discreet(logging.Formatter):
    """Formats records without the texts of their exceptions."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # what another formatter made of it is kept there
        try:
            return super().format(record)
        finally:
            record.exc_text = None

    def formatException(self, ei: Excepted) -> str:
        return told(ei[1])
