"""What one transaction of the endpoint does: single pieces of work, and pieces that are done together.

Each piece of work stands behind a savepoint of its own; what it raises rolls back only itself. Pieces that can be done
together ("lots": redemptions) need only one, or none when they have the transaction to themselves; a lot that fails
falls apart, and each of its pieces is done by itself.
"""

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from sync.server.dialects import Dialect
from sync.server.problems import Refusal
from sync.server.transaction import Transaction, told

T = TypeVar("T")
Work = Callable[[Transaction], Any]
LotSteps = Generator[None, None, list[Any]]
LotWork = Callable[[Transaction, list[Any]], LotSteps]
"""A result for each item, a Refusal as a result, too. Where it yields, what it asked may not be answered yet."""


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


def is_lot(group: list[Job]) -> bool:
    """Whether it is nothing but pieces of one lot."""
    work = group[0].work
    return all(job.work is work and job.item is not None and not job.single for job in group)


def do_all(connection: Any, transaction: Transaction, group: list[Job]) -> None:
    """All but the commit. Raises FellApart."""
    if is_lot(group):
        _at_once(lot_steps(transaction, group))
        return
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
    _put_heads(transaction)


def _put_heads(transaction: Transaction) -> None:
    """Write down how far the feeds moved; the last act before the commit."""
    for merchant, (seq, digest) in sorted(transaction.heads.items()):
        transaction.change("UPDATE merchant SET feed_seq = ?, feed_hash = ? WHERE id = ?", seq, digest, merchant)


def lot_steps(transaction: Transaction, jobs: list[Job]) -> Generator[None]:
    """All of a lot that has the transaction to itself but its beginning and its commit; between two steps PostgreSQL
    answers. Raises FellApart."""
    try:
        results = yield from jobs[0].work(transaction, [job.item for job in jobs])
        _put_heads(transaction)
        transaction.tell()
        yield
        transaction.hear()
    except Exception as error:
        if _is_broken(error, transaction.dialect):
            raise
        transaction.heads.clear()
        for job in jobs:
            job.single = True
        raise FellApart from error
    _give(jobs, results)


def _at_once(steps: Generator[None, None, T]) -> T:
    """What comes of it, if whoever asks waits for the answers."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def _do_lot(connection: Any, transaction: Transaction, jobs: list[Job], work: LotWork) -> None:
    """A lot that fails falls apart: each of its pieces is done by itself and answers for itself."""
    results = _do(connection, transaction, jobs, lambda t: _at_once(work(t, [job.item for job in jobs])))
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
