"""What one transaction of the endpoint does: single pieces of work, and pieces that are done together.

Each piece of work stands behind a savepoint of its own; what it raises rolls back only itself. Pieces that can be done
together ("lots": redemptions) need only one, or none when they have the transaction to themselves; a lot that fails
falls apart, and each of its pieces is done by itself.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from sync.server.dialects import Dialect
from sync.server.problems import Refusal
from sync.server.transaction import Transaction, told

Work = Callable[[Transaction], Any]
LotWork = Callable[[Transaction, list[Any]], list[Any]]


class Waiter(Protocol):
    """Who waits for a piece of work: as a rule an `asyncio.Future`. It hears on its event loop."""

    def get_loop(self) -> asyncio.AbstractEventLoop: ...
    def done(self) -> bool: ...
    def set_result(self, result: Any, /) -> object: ...
    def set_exception(self, error: Any, /) -> object: ...


class Job:
    """One piece of work and who waits for it. `item` is given for work that is done in lots, unless `single`."""

    __slots__ = ("done", "error", "item", "merchant", "result", "single", "waiter", "work")

    def __init__(
        self,
        work: Callable[..., Any],
        merchant: str,
        *,
        item: Any = None,
        waiter: Waiter | None = None,
        done: "Future[Any] | None" = None,
    ) -> None:
        self.work, self.merchant, self.item, self.waiter, self.done = work, merchant, item, waiter, done
        self.single = False
        self.result: Any = None
        self.error: BaseException | None = None


class FellApart(Exception):
    """A lot that had the transaction to itself failed: roll back, its pieces are single ones now."""


def do_all(connection: Any, transaction: Transaction, group: list[Job]) -> None:
    """Raises FellApart."""
    work = group[0].work
    if all(job.work is work and job.item is not None and not job.single for job in group):
        _do_lot_alone(transaction, group, work)
    else:
        lots: dict[LotWork, list[Job]] = {}
        for job in group:
            if job.item is None:
                _do(connection, transaction, [job], job.work)
            elif job.single:
                _do_lot(connection, transaction, [job], job.work)
            else:
                lots.setdefault(job.work, []).append(job)
        for work, jobs in lots.items():
            _do_lot(connection, transaction, jobs, work)


def put_heads(transaction: Transaction) -> None:
    """Write down how far the feeds moved; the last act before the commit."""
    for merchant, (seq, digest) in sorted(transaction.heads.items()):
        transaction.run("UPDATE merchant SET feed_seq = ?, feed_hash = ? WHERE id = ?", seq, digest, merchant)


def _do_lot_alone(transaction: Transaction, jobs: list[Job], work: LotWork) -> None:
    """Raises FellApart."""
    try:
        results = work(transaction, [job.item for job in jobs])
    except Exception as error:
        if _is_broken(error, transaction.dialect):
            raise
        transaction.heads.clear()
        for job in jobs:
            job.single = True
        raise FellApart from error
    _give(jobs, results)


def _do_lot(connection: Any, transaction: Transaction, jobs: list[Job], work: LotWork) -> None:
    """A lot that fails falls apart: each of its pieces is done by itself and answers for itself."""
    results = _do(connection, transaction, jobs, lambda t: work(t, [job.item for job in jobs]))
    if jobs[0].error is None:
        _give(jobs, results)
    elif len(jobs) > 1:
        for job in jobs:
            job.error = None
            _do_lot(connection, transaction, [job], work)


def _give(jobs: list[Job], results: list[Any]) -> None:
    for job, result in zip(jobs, results, strict=True):
        if isinstance(result, Refusal):
            job.error = result
        else:
            job.result = result


def _do(connection: Any, transaction: Transaction, jobs: list[Job], work: Work) -> Any:
    """What `work` gives; what it raises is the jobs' error and leaves no trace. Raises when the database is broken."""
    heads = dict(transaction.heads)
    connection.execute("SAVEPOINT work")
    try:
        result = work(transaction)
        connection.execute("RELEASE SAVEPOINT work")
    except Exception as error:
        if _is_broken(error, transaction.dialect):
            raise
        connection.execute("ROLLBACK TO SAVEPOINT work")  # it belongs to whoever asked; the others' work goes on
        connection.execute("RELEASE SAVEPOINT work")
        transaction.heads = heads
        for job in jobs:
            job.error = told(error, transaction.dialect)
        return None
    jobs[0].result = result
    return result


def _is_broken(error: Exception, dialect: Dialect) -> bool:
    return isinstance(error, dialect.broken) and not isinstance(error, dialect.twice)


def forget(jobs: list[Job]) -> None:
    """What came of them counts no longer: they are done once more."""
    for job in jobs:
        job.result, job.error = None, None


def resolve(jobs: list[Job]) -> None:
    for job in jobs:
        if job.waiter is None or job.waiter.done():  # whoever asked has gone; the write stands
            continue
        if job.error is not None:
            job.waiter.set_exception(job.error)
        else:
            job.waiter.set_result(job.result)
