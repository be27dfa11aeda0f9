"""Group commit: nobody is answered before the commit, a lot that fails falls apart, a lost connection is made anew."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlcipher3 import dbapi2 as sqlite

from sync import points
from sync.server import feed
from sync.server.database import Store
from sync.server.group import LotSteps
from sync.server.problems import Refusal
from sync.server.transaction import Transaction
from sync.server.writer import LOT, SLOW_S
from tests.drivers.postgres import new_database
from tests.drivers.shop import AT, Shop

PATIENCE_S = 60
PLACES = ("loop", "thread", "lanes", "postgres")
"""Where lots are done: SQLite on the event loop and on the writer's thread, PostgreSQL on the same two."""


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path, place: str) -> str:
    if place in ("postgres", "lanes"):
        return new_database(request.getfixturevalue("postgres_url"), f"kaxia_{uuid4().hex[:12]}")
    return str(tmp_path / "endpoint.db")


@pytest.fixture
def in_a_shop(place: str, url: str) -> Callable[[Callable[[Shop], object]], None]:
    """Run a coroutine function with an open shop."""

    async def run(story: Callable[[Shop], object]) -> None:
        shop = Shop(Store(url), url)
        shop.open(asyncio.get_running_loop() if place in ("loop", "lanes") else None)
        try:
            await shop.found()
            await story(shop)  # type: ignore[misc]
        finally:
            shop.store.stop()

    return lambda story: asyncio.run(asyncio.wait_for(run(story), 60))


def test_whoever_is_answered_is_stored(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        async def ask(name: str) -> None:
            await shop.ask(name)
            assert name in shop.stored()

        await asyncio.gather(*(ask(f"n{number}") for number in range(3 * LOT)))
        assert len(shop.stored()) == 3 * LOT
        assert len(shop.threads) < 3 * LOT  # together, not one by one

    in_a_shop(story)


def test_a_lot_that_fails_falls_apart_and_hurts_only_whoever_failed(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        answers = await shop.ask_all(["a", "bad", "b", "no", "c"])
        assert [answers[at] for at in (0, 2, 4)] == ["a", "b", "c"]
        assert isinstance(answers[1], ArithmeticError)
        assert isinstance(answers[3], Refusal)
        assert sorted(shop.stored()) == ["a", "b", "c"]
        assert await shop.ask("d") == "d"
        assert sorted(shop.stored()) == ["a", "b", "c", "d"]

    in_a_shop(story)


def test_lots_and_single_works_share_a_group(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def single(transaction: Transaction) -> int:
            return feed.append(transaction, shop.merchant, "told@1", op_id="single", at=AT, body={})

        def failing(transaction: Transaction) -> None:
            single(transaction)
            raise Refusal("forbidden")

        answers = await asyncio.gather(
            *(shop.ask(name) for name in ("a", "bad", "b")),
            *(shop.store.write(work, shop.merchant) for work in (single, failing, single)),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers] == [str, ArithmeticError, str, int, Refusal, int]
        assert sorted(shop.stored()) == ["a", "b", "single", "single"]

    in_a_shop(story)


def test_lots_of_two_kinds_are_done_each_by_its_own(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def loud(transaction: Transaction, items: list[str]) -> LotSteps:
            yield
            return [item.upper() for item in items]

        asked = [shop.store.write_in_lot(loud, name, shop.merchant) for name in ("a", "b")]
        assert await asyncio.gather(shop.ask("c"), *asked, shop.ask("d")) == ["c", "A", "B", "d"]
        assert shop.stored() == ["c", "d"]

    in_a_shop(story)


def test_a_step_that_fails_in_any_way_leaves_nothing_and_the_rest_stands(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def work(transaction: Transaction) -> None:
            def tell(name: str) -> None:
                feed.append(transaction, shop.merchant, "told@1", op_id=name, at=AT, body={})

            tell("a")
            with suppress(ValueError), transaction.step():
                tell("half")
                raise ValueError("half")
            with suppress(*transaction.dialect.twice), transaction.step():
                tell("half")
                transaction.run("INSERT INTO instance (key, value) VALUES ('epoch', '1'), ('epoch', '2')")
            with transaction.step():
                tell("b")

        await shop.store.write(work, shop.merchant)
        assert shop.stored() == ["a", "b"]

    in_a_shop(story)


def test_a_stop_while_groups_are_committed_writes_everything_first(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        asking = [asyncio.ensure_future(shop.ask(f"n{number}")) for number in range(4 * LOT)]
        await asking[0]
        shop.store.stop()
        assert await asyncio.gather(*asking) == [f"n{number}" for number in range(4 * LOT)]
        shop.store = Store(shop.url)
        assert len(shop.stored()) == 4 * LOT
        shop.store.start()

    in_a_shop(story)


@pytest.mark.expects_log("a group of 1 writes failed: ValueError")
def test_a_bug_between_two_pieces_of_work_leaves_nobody_waiting(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def forgetful(transaction: Transaction, items: list[str]) -> LotSteps:
            yield
            return []

        with pytest.raises(Refusal, match="read-only"):
            await shop.store.write_in_lot(forgetful, "x", shop.merchant)
        assert await shop.ask("a") == "a"
        assert shop.stored() == ["a"]

    in_a_shop(story)


@pytest.mark.expects_log("a group of 1 writes failed: (Fault|OperationalError)")
@pytest.mark.parametrize("place", ["loop", "thread", "postgres"], indirect=True)
@pytest.mark.parametrize("act", ["raise", "enospc"])
def test_a_fault_at_a_commit_is_told_and_the_next_one_is_stored(
    in_a_shop: Callable[..., None], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    async def story(shop: Shop) -> None:
        await shop.ask("a")
        monkeypatch.setattr(points, "_armed", points.read(f"endpoint.commit:1:{act}"))
        with pytest.raises(Refusal, match="read-only"):
            await asyncio.wait_for(shop.ask("lost"), PATIENCE_S)
        assert await shop.ask("b") == "b"
        assert shop.stored() == ["a", "b"]

    in_a_shop(story)


@contextmanager
def _terminal(url: str) -> Iterator[psycopg.Connection]:
    """Somebody with the right to end others."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _end_all(terminal: psycopg.Connection) -> int:
    done = terminal.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return len(done.fetchall())


@pytest.mark.parametrize("place", ["postgres", "lanes"], indirect=True)
def test_connections_that_were_lost_meanwhile_are_made_anew_unnoticed(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        await shop.ask_all(["a", "b"])
        shop.stored()
        with _terminal(shop.url) as terminal:
            assert _end_all(terminal) >= 2
        assert shop.stored() == ["a", "b"]
        assert await shop.ask_all(["c", "d"]) == ["c", "d"]
        assert sorted(shop.stored()) == ["a", "b", "c", "d"]

    in_a_shop(story)


@pytest.mark.expects_log("a group of 1 writes failed: AdminShutdown")
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_a_connection_lost_in_the_middle_leaves_nothing_and_is_told(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def cut(transaction: Transaction) -> None:
            feed.append(transaction, shop.merchant, "told@1", op_id="cut", at=AT, body={})
            with _terminal(shop.url) as terminal:
                _end_all(terminal)
            transaction.one("SELECT 1")

        with pytest.raises(Refusal, match="read-only"):
            await shop.store.write(cut, shop.merchant)
        assert await shop.ask("a") == "a"
        assert shop.stored() == ["a"]

    in_a_shop(story)


@pytest.mark.expects_log("a group of 2 writes failed: OperationalError")
@pytest.mark.parametrize("place", ["loop"], indirect=True)
def test_a_database_that_breaks_under_a_lot_is_told_to_everybody(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def broken(transaction: Transaction, items: list[str]) -> LotSteps:
            yield from shop.put_down(transaction, items)
            transaction.one("SELECT 1 FROM nowhere")
            return items

        await shop.ask("a")
        asked = (shop.store.write_in_lot(broken, name, shop.merchant) for name in ("x", "y"))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(answer) for answer in answers] == ["read-only", "read-only"]
        assert await shop.ask("b") == "b"
        assert shop.stored() == ["a", "b"]

    in_a_shop(story)


@pytest.mark.parametrize("place", ["loop"], indirect=True)
def test_after_a_slow_lot_the_thread_does_them_and_the_loop_stays_free(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def slow(transaction: Transaction, items: list[str]) -> LotSteps:
            yield
            until = time.monotonic() + SLOW_S
            while time.monotonic() <= until:
                transaction.one("SELECT 1")
            return items

        await shop.ask("a")
        await shop.store.write_in_lot(slow, "slow", shop.merchant)
        await shop.ask("b")
        assert shop.threads == [threading.main_thread().name, "write_for_ever"]

    in_a_shop(story)


@pytest.mark.parametrize("place", ["loop"], indirect=True)
def test_a_lot_waits_on_the_thread_for_another_process(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        await shop.ask("a")
        with closing(sqlite.connect(shop.url, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asking = [asyncio.ensure_future(shop.ask(name)) for name in ("b", "c")]
            await shop.store.read(lambda t: t.one("SELECT 1"))
            assert not any(one.done() for one in asking), "the loop went on, it did not wait until they gave up"
            assert shop.stored() == ["a"]
            other.execute("ROLLBACK")
        assert await asyncio.gather(*asking) == ["b", "c"]
        assert sorted(shop.stored()) == ["a", "b", "c"]

    in_a_shop(story)
