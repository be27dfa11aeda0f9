"""Lots of PostgreSQL on the event loop: what goes wrong there is made good by the writers, and nobody is told twice."""

import asyncio
import threading
from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
import uvloop

from sync import points
from sync.server import feed, lanes, limits
from sync.server.database import Store
from sync.server.group import LotSteps, LotWork
from sync.server.lanes import LANES, LOT
from sync.server.problems import Refusal
from sync.server.transaction import Transaction
from tests.drivers.cable import Cable
from tests.drivers.outsider import cut_again_and_again, is_blocked, is_free, of_all, other_at
from tests.drivers.postgres import new_database
from tests.drivers.shop import AT, Shop

PATIENCE_S = 60
CUTS = 40
HERE, THERE = "MainThread", "write_for_ever"


@pytest.fixture
def url(postgres_url: str) -> str:
    return new_database(postgres_url, f"kaxia_{uuid4().hex[:12]}")


@pytest.fixture
def in_a_shop(url: str) -> Callable[[Callable[[Shop], object]], None]:
    """Run a coroutine function with an open shop, whose loop the lots run on."""

    async def run(story: Callable[[Shop], object]) -> None:
        shop = Shop(Store(url), url)
        shop.open(asyncio.get_running_loop())
        try:
            await shop.found()
            await story(shop)  # type: ignore[misc]
        finally:
            shop.store.stop()

    return lambda story: asyncio.run(asyncio.wait_for(run(story), PATIENCE_S))


def test_lots_run_on_the_loop(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        first, refused, last = await shop.ask_all(["a", "no", "b"])
        assert (first, str(refused), last) == ("a", "card-unknown", "b")
        assert shop.threads == [HERE]
        assert shop.stored() == ["a", "b"]

    in_a_shop(story)


@pytest.mark.parametrize("act", ["raise", "enospc"])
def test_a_fault_before_a_commit_is_made_good_by_the_writers(
    in_a_shop: Callable[..., None], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    async def story(shop: Shop) -> None:
        await shop.ask("a")
        monkeypatch.setattr(points, "_armed", points.read(f"endpoint.commit:1:{act}"))
        assert await shop.ask_all(["b", "c"]) == ["b", "c"]
        assert shop.threads == [HERE, HERE, THERE]
        assert shop.stored() == ["a", "b", "c"]

    in_a_shop(story)


@pytest.mark.expects_log("a lot of 1 failed: Fault")
def test_when_it_is_not_known_whether_it_was_stored_nobody_is_told_that_it_was(
    in_a_shop: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await shop.ask("a")
        monkeypatch.setattr(points, "_armed", points.read("endpoint.committed:1:raise"))
        with pytest.raises(Refusal, match="read-only"):
            await shop.ask("perhaps")
        assert await shop.ask("b") == "b"
        assert shop.stored() == ["a", "perhaps", "b"]

    in_a_shop(story)


def test_a_lane_that_was_lost_is_opened_again(in_a_shop: Callable[..., None], url: str) -> None:
    async def story(shop: Shop) -> None:
        await shop.ask("a")
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        names = [f"n{number}" for number in range(20)]
        for name in names:
            assert await shop.ask(name) == name
        while shop.threads[-1] != HERE:  # in a second at most there is a new one
            await shop.ask(name := f"m{len(shop.threads)}")
            names.append(name)
        assert shop.stored() == ["a", *names]

    in_a_shop(story)


def test_while_one_merchant_is_locked_the_loop_and_the_others_go_on(in_a_shop: Callable[..., None], url: str) -> None:
    async def story(shop: Shop) -> None:
        other = Shop(shop.store, url)
        await other.found()
        with other_at(url) as holder:
            holder.execute("SELECT 1 FROM merchant WHERE id = %s FOR UPDATE", (shop.merchant,))
            waiting = asyncio.ensure_future(shop.ask("late"))
            for name in ("a", "b", "c"):
                assert await other.ask(name) == name
            assert not waiting.done()
        assert await waiting == "late"
        assert shop.stored() == ["late"]
        assert other.stored() == ["a", "b", "c"]

    in_a_shop(story)


def test_more_merchants_than_lanes_all_get_their_turn(in_a_shop: Callable[..., None], url: str) -> None:
    async def story(shop: Shop) -> None:
        shops = [shop] + [Shop(shop.store, url) for _ in range(2 * LANES)]
        for one in shops[1:]:
            await one.found()
        names = [f"n{number}" for number in range(30)]
        assert await asyncio.gather(*(one.ask_all(names) for one in shops)) == [names] * len(shops)
        assert all(one.stored() == names for one in shops)

    in_a_shop(story)


def test_a_lot_larger_than_what_a_line_takes_at_once(in_a_shop: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        def long(transaction: Transaction, items: list[str]) -> LotSteps:
            yield
            for name in items:
                feed.append(transaction, shop.merchant, "told@1", op_id=name, at=AT, body={"words": "卡" * 20_000})
            return items

        names = [f"n{number}" for number in range(LOT + 40)]
        asked = (shop.store.write_in_lot(long, name, shop.merchant) for name in names)
        assert await asyncio.gather(*asked) == names
        assert shop.stored() == names

    in_a_shop(story)


@pytest.mark.expects_log("a (lot|group) of .* failed|no connection for lots")
def test_whenever_connections_are_cut_each_answer_is_true_and_nothing_is_stored_twice(
    in_a_shop: Callable[..., None], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "PAUSE_S", 0.01)

    async def story(shop: Shop) -> None:
        loop, stored, refused = asyncio.get_running_loop(), set[str](), set[str]()
        cutting = loop.run_in_executor(None, cut_again_and_again, url, CUTS)

        async def phone(number: int) -> None:
            turn = 0
            while not cutting.done():
                name = f"p{number} {(turn := turn + 1)}"
                try:
                    stored.add(await shop.ask(name))
                except Refusal:
                    refused.add(name)

        await asyncio.gather(*(phone(number) for number in range(12)))
        found = shop.stored()
        assert len(set(found)) == len(found)
        assert stored <= set(found) <= stored | refused
        assert shop.threads.count(HERE) > CUTS

    in_a_shop(story)


def test_who_waits_for_an_answer_there_is_sent_to_the_writers(in_a_shop: Callable[..., None]) -> None:
    """A database that does not answer must not hold up the loop."""

    async def story(shop: Shop) -> None:
        def impatient(transaction: Transaction, items: list[str]) -> LotSteps:
            yield from shop.put_down(transaction, items)
            assert transaction.one("SELECT 1") == (1,)
            return items

        assert await shop.store.write_in_lot(impatient, "a", shop.merchant) == "a"
        assert shop.threads == [HERE, THERE]
        assert shop.stored() == ["a"]

    in_a_shop(story)


def test_a_stop_finishes_what_is_on_its_way(in_a_shop: Callable[..., None], url: str) -> None:
    async def story(shop: Shop) -> None:
        asking = [asyncio.ensure_future(shop.ask(f"n{number}")) for number in range(2 * LOT)]
        while not shop.threads:
            await shop.store.read(lambda t: t.one("SELECT 1"))
        shop.store.stop()
        assert await asyncio.gather(*asking) == [f"n{number}" for number in range(2 * LOT)]
        shop.store = Store(url)
        assert sorted(shop.stored()) == sorted(f"n{number}" for number in range(2 * LOT))
        shop.store.start()

    in_a_shop(story)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("is_waiting", [False, True])
def test_a_line_that_is_cut_without_a_word_leaves_nobody_waiting(
    url: str, new_loop: Callable[[], asyncio.AbstractEventLoop], is_waiting: bool
) -> None:
    """libpq closes the socket of a connection it finds lost: the loop must know nothing of it by then."""
    cable = Cable(url)

    async def story() -> None:
        shop = Shop(Store(cable.url), cable.url)
        shop.open(asyncio.get_running_loop())
        await shop.found()
        await shop.ask("a")
        with other_at(url) as holder:
            if is_waiting:
                holder.execute("SELECT 1 FROM merchant FOR UPDATE")
            asked = asyncio.ensure_future(shop.ask("b"))
            while is_waiting and not is_blocked(holder):
                await asyncio.to_thread(int)
            cable.pull()
        assert await asked == "b"
        names = ["a", "b"]
        while shop.threads[-1] != HERE:
            await shop.ask(name := f"n{len(names)}")
            names.append(name)
        assert shop.stored() == names
        shop.store.stop()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(story(), PATIENCE_S))
    cable.close()


def test_a_stop_when_one_lot_waits_for_a_row_of_another(url: str) -> None:
    """Two merchants, one address that guesses."""
    url += "?options=-clock_timeout%3D9s"  # who waits in vain goes to the writers
    tried = limits.attempt(b"pepper", address="203.0.113.9")

    async def story() -> None:
        shops = [Shop(Store(url), url)]
        shops[0].open(asyncio.get_running_loop())
        shops.append(Shop(shops[0].store, url))
        for shop in shops:
            await shop.found()
        await shops[0].store.write(lambda t: limits.count_failure(t, tried, 1))
        first, last = shops

        def lot_of(shop: Shop) -> LotWork:
            def guess(transaction: Transaction, items: list[str]) -> LotSteps:
                failures = limits.Failures(transaction, [tried])
                results = yield from shop.put_down(transaction, items)
                failures.count(tried, 2)
                failures.write()
                if shop is last:  # its row is changed and not committed when the loop comes to this
                    asyncio.get_running_loop().call_soon(stop)
                return results

            return guess

        with other_at(url) as holder:
            holder.execute("SELECT 1 FROM merchant WHERE id = %s FOR UPDATE", (first.merchant,))

            def stop() -> None:
                while is_free(url):
                    pass
                holder.rollback()
                first.store.stop()

            asked = [shop.store.write_in_lot(lot_of(shop), "a", shop.merchant) for shop in shops]
            assert await asyncio.gather(*asked) == ["a", "a"]
        assert [first.threads, last.threads] == [[HERE], [HERE]]

    asyncio.run(story())


def test_what_a_lot_was_refused_is_forgotten_when_the_writers_do_it_anew(
    in_a_shop: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        def not_at_once(transaction: Transaction, items: list[str]) -> LotSteps:
            results = yield from shop.put_down(transaction, items if len(shop.threads) else ["no"])
            return results

        monkeypatch.setattr(points, "_armed", points.read("endpoint.commit:1:raise"))
        assert await shop.store.write_in_lot(not_at_once, "a", shop.merchant) == "a"
        assert shop.threads == [HERE, THERE]
        assert shop.stored() == ["a"]

    in_a_shop(story)


@pytest.mark.expects_log("no connection for lots: OperationalError")
def test_while_a_lane_cannot_be_opened_the_writers_do_what_it_would(in_a_shop: Callable[..., None], url: str) -> None:
    """The other lane may be busy for a long time."""

    async def story(shop: Shop) -> None:
        def whose(transaction: Transaction, items: list[str]) -> LotSteps:
            asked = transaction.ask_among("SELECT pg_backend_pid() WHERE 1 = 1 AND 1 IN (…)", [1])
            yield
            return [asked()[0][0]]

        others = [Shop(shop.store, url) for _ in range(2)]
        for other in others:
            await other.found()
        both = threading.Barrier(2, timeout=PATIENCE_S)  # writers have their connections now
        await asyncio.gather(*(shop.store.write(lambda t: both.wait(), other.merchant) for other in others))
        with other_at(url) as holder, psycopg.connect(of_all(url), autocommit=True) as master:
            holder.execute("SELECT 1 FROM merchant WHERE id = %s FOR UPDATE", (shop.merchant,))
            waiting = asyncio.ensure_future(shop.ask("late"))
            lane = await shop.store.write_in_lot(whose, "x", others[0].merchant)
            master.execute(f'ALTER DATABASE "{url.rpartition("/")[2]}" ALLOW_CONNECTIONS false')
            master.execute("SELECT pg_terminate_backend(%s, 10000)", (lane,))
            assert await others[0].ask("a") == "a"
            assert await others[1].ask("b") == "b"
            assert not waiting.done()
        assert await waiting == "late"
        assert [other.threads[-1] for other in others] == [THERE, THERE]

    in_a_shop(story)


@pytest.mark.parametrize("on_loop", [True, False])
def test_a_database_of_another_encoding_keeps_every_word(postgres_url: str, on_loop: bool) -> None:
    name = f"kaxia_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as master:
        master.execute(f"CREATE DATABASE {name} ENCODING 'EUC_CN' LOCALE 'C' TEMPLATE template0")
    url = postgres_url.rpartition("/")[0] + "/" + name

    async def story() -> None:
        shop = Shop(Store(url), url)
        shop.open(asyncio.get_running_loop() if on_loop else None)
        await shop.found()
        assert await shop.ask_all(["金库", "卡"]) == ["金库", "卡"]
        assert shop.stored() == ["金库", "卡"]
        shop.store.stop()

    asyncio.run(asyncio.wait_for(story(), PATIENCE_S))


@pytest.mark.parametrize("on_loop", [True, False])
@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_a_lot_sees_all_that_was_done_before_it_got_its_merchant(url: str, on_loop: bool, level: str) -> None:
    """It was asked for before; whatever the database has been set to."""

    async def story() -> None:
        set_to = f"?options=-cdefault_transaction_isolation%3D{level.replace(' ', '%5C%20')}"
        shop = Shop(Store(url + set_to), url)
        shop.open(asyncio.get_running_loop() if on_loop else None)
        await shop.found()

        def look(transaction: Transaction, items: list[str]) -> LotSteps:
            shop.threads.append(threading.current_thread().name)
            asked = transaction.ask_among("SELECT value FROM instance WHERE key IN (…)", items)
            yield
            return asked()

        with other_at(url) as holder:
            holder.execute("INSERT INTO instance (key, value) VALUES ('state', 'whole')")
            holder.commit()
            holder.execute("SELECT 1 FROM merchant FOR UPDATE")
            holder.execute("UPDATE instance SET value = 'used up' WHERE key = 'state'")
            seen = asyncio.ensure_future(shop.store.write_in_lot(look, "state", shop.merchant))
            while not is_blocked(holder):
                await asyncio.to_thread(int)
        assert await seen == ("used up",)
        assert shop.threads == [HERE if on_loop else THERE]
        shop.store.stop()

    asyncio.run(asyncio.wait_for(story(), PATIENCE_S))
