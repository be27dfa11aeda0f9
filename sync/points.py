"""Named places at which a process can be made to fail: `KAXIA_FAULT=<point>:<n>:<kill|raise|enospc>`, for campaigns.

At the n-th time the point is passed the process kills itself, raises a fault, or finds the disk full. Several are
parted by commas. A frozen program knows nothing of it.
"""

import errno
import os
import signal
import sys
import threading
from collections import Counter

POINTS = {
    "desk.commit": "any transaction of the vault, just before its commit",
    "desk.committed": "just behind it",
    "desk.t1.commit": "the counter's op is in the outbox, not committed",
    "desk.t1.committed": "the counter's op is committed, nobody was asked",
    "desk.counter.answered": "the counter has its answer and has noted nothing",
    "desk.lease.asked": "a lease stands in the outbox, nobody was asked",
    "desk.leased.commit": "the counter has decided by its own word, not committed",
    "desk.leased.committed": "it is committed, nobody was told",
    "desk.lease.ended": "a lease is over here, the endpoint has not heard of it",
    "desk.in_flight": "ops are marked as on their way, nobody was asked",
    "desk.answered": "the endpoint has answered, nothing is noted",
    "desk.t2.commit": "the answers are noted, not committed",
    "desk.t2.committed": "they are committed",
    "desk.t3.commit": "a page of the feed and the place behind it, not committed",
    "desk.t3.committed": "they are committed",
    "desk.chunk": "before a chunk of digests is sent",
    "desk.chunk.sent": "behind it",
    "desk.blob": "before a sealed copy of codes is left",
    "desk.blob.left": "behind it",
    "desk.seal": "everything of a batch is there, the seal was not asked for",
    "desk.seal.answered": "it is sealed, nothing is noted",
    "desk.generate.chunk": "a chunk of new codes, not committed",
    "desk.generate.chunk.stored": "it is committed",
    "desk.generate.ready": "all codes are stored, the batch is not ready",
    "desk.backup.copied": "the vault is copied, there is no archive",
    "desk.backup.archived": "the archive is written, nobody has looked into it",
    "desk.backup.proved": "it is proved and has no name",
    "desk.backup.named": "it has its name, the older ones are not rotated",
    "desk.migrate": "the vault is of an older schema",
    "desk.migrated": "its steps are done",
    "desk.slots": "new key slots lie beside the old ones",
    "endpoint.commit": "a group, just before its commit",
    "endpoint.committed": "just behind it, nobody is answered",
    "endpoint.answer": "before an answer leaves",
    "endpoint.nonce": "a nonce is written, not committed",
    "endpoint.staged": "some of a batch's cards are put in, it is not sealed",
    "endpoint.checkpoint": "half of the log is carried over",
    "endpoint.checkpoint.last": "before all of it is, at the end",
    "endpoint.migrate": "the schema's steps are done, not committed",
    "endpoint.migrated": "they are committed",
    "endpoint.secrets": "pepper and key are written and have no name",
    "endpoint.copied": "a copy of the database is proved and has no name",
}
"""Every durable step of both ends, and where in it the point lies."""
ACTS = ("kill", "raise", "enospc")


class Fault(Exception):
    """What a point raises when it is told to."""


class _Armed:
    """What is to happen: point → how often it must be passed → act."""

    def __init__(self, wanted: dict[str, dict[int, str]]) -> None:
        self._wanted = wanted
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def passed(self, point: str, full: type[Exception]) -> None:
        with self._lock:
            self._passed[point] += 1
            act = self._wanted.get(point, {}).get(self._passed[point])
        if act == "kill":
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows ends a process by either
        elif act == "raise":
            raise Fault(point)
        elif act == "enospc":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full is OSError else full("disk is full")


def read(said: str) -> _Armed | None:
    """None for nothing. Ends the process with a sentence for what cannot be meant."""
    if not said or getattr(sys, "frozen", False):
        return None
    wanted: dict[str, dict[int, str]] = {}
    for one in said.split(","):
        point, n, act = [*one.split(":"), "", ""][:3]
        if point not in POINTS or not n.isdecimal() or int(n) < 1 or act not in ACTS:
            raise SystemExit(f"KAXIA_FAULT: {one!r} is not <point>:<n>:<{'|'.join(ACTS)}>; see sync/points.py.")
        wanted.setdefault(point, {})[int(n)] = act
    return _Armed(wanted)


_armed = read(os.environ.get("KAXIA_FAULT", ""))


def passed(point: str, full: type[Exception] = OSError) -> None:
    """`full`: what a full disk raises at this place."""
    if _armed is not None:
        _armed.passed(point, full)
