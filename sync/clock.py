"""The time of day of both ends. Campaigns move it by `KAXIA_CLOCK_OFFSET_MS`; a frozen program takes the system's."""

import os
import sys
import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(said: str) -> int:
    """Milliseconds, forward or back. Ends the process with a sentence for what is no number."""
    if not said or getattr(sys, "frozen", False):
        return 0
    if not said.removeprefix("-").isdecimal():
        raise SystemExit(f"KAXIA_CLOCK_OFFSET_MS: {said!r} is not a whole number of milliseconds.")
    return int(said)


_offset_ms = read(os.environ.get("KAXIA_CLOCK_OFFSET_MS", ""))


def now_ms() -> int:
    """Since 1970 UTC."""
    return time.time_ns() // 1_000_000 + _offset_ms


def now() -> datetime:
    """To the millisecond."""
    return EPOCH + timedelta(milliseconds=now_ms())
