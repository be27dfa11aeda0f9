"""Work that waits for a writer."""

import threading
from collections.abc import Iterable

from sync.server.group import Job

GROUP = 512


class Waiting:
    """Whoever waited longest is first; the work of a group is done in the order it came.

    `apart` (PostgreSQL): a group is the work of one merchant, and while a writer has some of it no other gets more. It
    would only wait for the first one's lock, and two small groups cost more than a large one.
    """

    def __init__(self, *, apart: bool) -> None:
        self._apart = apart
        self._changed = threading.Condition()
        self._jobs: dict[str, list[Job]] = {}
        self._busy: set[str] = set()
        self._closed = False

    def put(self, jobs: Iterable[Job]) -> None:
        with self._changed:
            for job in jobs:
                self._jobs.setdefault(job.merchant if self._apart else "", []).append(job)
            self._wake_one()

    def take(self) -> list[Job]:
        """The next group, to be followed by `done`; waits for one. Empty at the end."""
        with self._changed:
            while (merchant := self._next()) is None:
                if self._closed and not self._jobs:
                    return []
                self._changed.wait()
            jobs = self._jobs.pop(merchant)
            if len(jobs) > GROUP:
                self._jobs[merchant] = jobs[GROUP:]
            if merchant:
                self._busy.add(merchant)
            self._wake_one()
            return jobs[:GROUP]

    def done(self, jobs: list[Job]) -> None:
        """A group that was taken."""
        with self._changed:
            self._busy.discard(jobs[0].merchant)
            if self._closed:
                self._changed.notify_all()
            else:
                self._wake_one()

    def close(self) -> None:
        """Nothing more comes; what waits is still to be done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self) -> str | None:
        """Whose work can be taken."""
        return next((one for one in self._jobs if one not in self._busy), None)

    def _wake_one(self) -> None:
        """If there is something for it: a thread that wakes in vain holds up the others."""
        if self._next() is not None:
            self._changed.notify()
