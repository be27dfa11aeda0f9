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
            self._changed.notify()

    def take(self) -> list[Job]:
        """The next group, to be followed by `done`; waits for one. Empty at the end."""
        with self._changed:
            while (merchant := next((one for one in self._jobs if one not in self._busy), None)) is None:
                if self._closed and not self._jobs:
                    return []
                self._changed.wait()
            jobs = self._jobs.pop(merchant)
            if len(jobs) > GROUP:
                self._jobs[merchant] = jobs[GROUP:]
            if merchant:
                self._busy.add(merchant)
            if self._jobs:
                self._changed.notify()
            return jobs[:GROUP]

    def done(self, jobs: list[Job]) -> None:
        """A group that was taken."""
        with self._changed:
            self._busy.discard(jobs[0].merchant)
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes; what waits is still to be done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
