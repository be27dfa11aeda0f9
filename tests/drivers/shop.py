"""A store of the endpoint with one merchant, and lots that put events into its feed."""

import asyncio
import threading

from sync.protocol import feed_hash, feed_row
from sync.server import access, feed
from sync.server.database import Store
from sync.server.group import LotSteps
from sync.server.problems import Refusal
from sync.server.transaction import Row, Transaction

AT = "2026-11-24T00:00:00.000Z"


class Shop:
    """A store with one merchant, and lots that put events into its feed."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.url = url
        self.merchant = ""
        self.threads: list[str] = []
        self.lot = self.put_down
        """One and the same object: pieces of the same work are done together."""

    def open(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.store.migrate()
        self.store.start(loop=loop)

    async def found(self) -> None:
        made = await self.store.write(lambda t: access.add_merchant(t, name="店", at_ms=1))
        self.merchant = made.merchant_id

    def put_down(self, transaction: Transaction, names: list[str]) -> LotSteps:
        """An event for each name; `no` is refused, `bad` fails after its event, and so does whoever came with it."""
        yield
        self.threads.append(threading.current_thread().name)
        results: list[str | Refusal] = []
        for name in names:
            if name == "no":
                results.append(Refusal("card-unknown"))
                continue
            feed.append(transaction, self.merchant, "told@1", op_id=name, at=AT, body={})
            results.append(name)
        if "bad" in names:
            raise ArithmeticError
        return results

    async def ask(self, name: str) -> str:
        answer = await self.store.write_in_lot(self.lot, name, self.merchant)
        return str(answer)

    async def ask_all(self, names: list[str]) -> list[object]:
        """Their answers, or what was raised instead."""
        return list(await asyncio.gather(*(self.ask(name) for name in names), return_exceptions=True))

    def _feed(self, transaction: Transaction) -> tuple[list[Row], Row]:
        wanted = "SELECT seq, op_id, hash, body FROM feed WHERE merchant_id = ? ORDER BY seq"
        head = transaction.one("SELECT feed_seq, feed_hash FROM merchant WHERE id = ?", self.merchant)
        assert head is not None
        return transaction.all(wanted, self.merchant), head

    def has(self, name: str) -> bool:
        return self.store.read_now(lambda t: t.one("SELECT 1 FROM feed WHERE op_id = ?", name)) is not None

    def stored(self) -> list[str]:
        """Op ids of the feed by another connection; its chain and its head must hold."""
        rows, head = self.store.read_now(self._feed)
        _assert_chained(rows, head)
        return [str(row[1]) for row in rows]


def _assert_chained(rows: list[Row], head: Row) -> None:
    digest = b"\0" * 32
    for number, row in enumerate(rows, 1):
        assert row[0] == number
        digest = feed_hash(digest, number, feed_row("told@1", row[1], AT, row[3].encode()))
        assert bytes(row[2]) == digest
    assert (head[0], bytes(head[1])) == (len(rows), digest)
