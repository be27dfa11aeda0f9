"""Redeeming and uploading over HTTP, on real endpoint processes."""

import json
import os
import random
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from app.models.batch import Batch
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from build_scripts.benches import ROOT, Figure, Size, fresh, python, seconds
from build_scripts.benches.http_load import BARE, NOTHING, Answered, doing, load, own_core
from sync.client import Identity, SyncClient, new_incarnation
from sync.codes import digests
from sync.merkle import merkle_root
from sync.protocol import CHUNK_RECORDS, RECORD, Op, SealRequest, b64, new_op_id
from sync.server import access
from sync.server.database import Store
from sync.server.endpoint import now_ms
from tests.drivers.postgres import new_database
from tests.drivers.postgres import postgres as postgres_server

PER_ROUND = 10_000
STOCK = 100_000
FLAT = 10_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Stock:
    """An endpoint with one sealed batch: enough to redeem from it."""

    url: str
    merchant_id: str
    records: Sequence[bytes]

    def bodies(self, count: int) -> list[bytes]:
        """Requests that take a little of cards at random: a card has money for more of them than will come."""
        chosen = random.choices(self.records, k=count)
        told = {"merchant_id": self.merchant_id, "amount_minor": 1}
        return [json.dumps(told | {"op_id": new_op_id(), "d": b64(d)}).encode() for d in chosen]


def redeem(size: Size) -> list[Figure]:
    """On the embedded endpoint, against a route of Starlette that does nothing."""
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        services.batches.generate(BatchSpec(product, STOCK))
        url = services.cloud.start_embedded().url
        services.cloud.sync()
        stock = _stock_of(vault, url, services.settings.merchant().id)
        with doing(NOTHING) as floor_url, doing(BARE) as bare_url:
            ours, floors, bares = _alternate((url, floor_url, bare_url), stock, size.rounds)
        outcome = services.cloud.sync()
        agrees = services.cloud.status().differences == ()
        services.cloud.stop_embedded()
        vault.close()
    figures = _figures("redeem", ours, floors, bar=0.2)
    context = f"{_rate(bares):,.0f}/s without a framework; {outcome.pulled:,} events pulled, books agree: {agrees}"
    return [*figures, Figure("redeem, against a bare app", _rate(ours) / _rate(bares), None, "× bare ASGI", context)]


def postgres(size: Size) -> list[Figure]:
    """The same endpoint on PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="kaxia-pg-"))
    with postgres_server(folder) as server:
        database = new_database(server, "bench")
        with serving(database, folder / "secrets.json") as url, doing(NOTHING) as floor_url:
            stock = stocked(url, merchant_at(database), STOCK)
            ours, floors = _alternate((url, floor_url), stock, size.rounds)
    return _figures("redeem on PostgreSQL", ours, floors, bar=None)


def flat(size: Size) -> list[Figure]:
    """The rate with a million cards against the rate with ten thousand."""
    with tempfile.TemporaryDirectory() as name:
        few, many = (Path(name) / "few.db", Path(name) / "many.db")
        with serving(str(few), Path(name) / "few.json") as few_url, serving(str(many), Path(name) / "many.json") as url:
            stocks = [
                stocked(one, merchant_at(str(database)), count)
                for one, database, count in ((few_url, few, FLAT[0]), (url, many, FLAT[1]))
            ]
            runs: list[list[Answered]] = [[], []]
            with own_core():
                for _ in range(size.rounds):
                    for at, stock in enumerate(stocks):
                        runs[at].append(load(stock.url, stock.bodies(PER_ROUND)))
    context = f"{_rate(runs[1]):,.0f}/s with {FLAT[1]:,}, {_rate(runs[0]):,.0f}/s with {FLAT[0]:,} cards"
    return [Figure("redeem, flat", _rate(runs[1]) / _rate(runs[0]), 0.8, "× of few cards", context, least=True)]


def upload(size: Size) -> list[Figure]:
    """Chunks and seal of all cards on loopback, from ready-made digests."""
    took: list[float] = []
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name:
            database = str(Path(name) / "endpoint.db")
            with serving(database, Path(name) / "secrets.json") as url:
                desktop = _Desktop(url, merchant_at(database))
                records = [os.urandom(RECORD) for _ in range(size.cards)]
                took.append(seconds(lambda: desktop.publish(records)))  # noqa: B023
    context = f"{size.cards:,} cards; the bar of a later step is 8 s"
    return [Figure("upload and seal", statistics.median(took), None, "s", context)]


# --- the parts ---


def _stock_of(vault: OpenVault, url: str, merchant_id: str) -> Stock:
    """What the codes of the vault's only batch are to the endpoint."""
    with vault.database.read() as session:
        batch = session.scalars(select(Batch)).one()
    blocks = CodeReader(vault.database, Sealer(vault.keys)).blocks(batch)
    return Stock(url, merchant_id, [d for block in blocks for d in digests(UUID(merchant_id), block.codes())])


def _alternate(urls: Sequence[str], stock: Stock, rounds: int) -> list[list[Answered]]:
    """One run after the other, the same for all; a first one each to warm up."""
    runs: list[list[Answered]] = [[] for _ in urls]
    with own_core():
        for url in urls:
            load(url, stock.bodies(2_000))
        for _ in range(rounds):
            for at, url in enumerate(urls):
                runs[at].append(load(url, stock.bodies(PER_ROUND)))
    return runs


def _figures(name: str, ours: Sequence[Answered], floors: Sequence[Answered], *, bar: float | None) -> list[Figure]:
    ratio = statistics.median(own.rate / floor.rate for own, floor in zip(ours, floors, strict=True))
    share = max(run.share for run in (*ours, *floors))
    context = f"{_rate(ours):,.0f}/s against {_rate(floors):,.0f}/s; the generator took {share:.0%} of its core"
    slowest = max(max(run.waits) for run in ours) * 1000
    waits = statistics.median(run.wait_ms(99) for run in ours)
    return [
        Figure(name, ratio, bar, "× Starlette, idle", context, least=True),
        Figure(f"{name}, p99", waits, None if bar is None else 50, "ms", "64 connections"),
        Figure(f"{name}, longest", slowest, None if bar is None else 500, "ms", "64 connections"),
    ]


def _rate(runs: Sequence[Answered]) -> float:
    return statistics.median(run.rate for run in runs)


class _Desktop:
    """A paired device that makes batches of ready-made digests."""

    def __init__(self, url: str, pairing_code: str) -> None:
        key, incarnation = Ed25519PrivateKey.generate(), new_incarnation()
        made = SyncClient(url).enroll(pairing_code, device_name="bench", key=key, incarnation=incarnation)
        self.merchant_id = made.merchant_id
        self._client = SyncClient(url, Identity(made.device_id, incarnation, key))

    def publish(self, records: Sequence[bytes]) -> None:
        uid, raw, step = new_op_id(), b"".join(records), CHUNK_RECORDS * RECORD
        face = {"kind": "money", "amount_minor": 1_000_000, "currency": "CNY"}
        body = {"batch_id": uid, "name": "卡", "face": face, "count": len(records)}
        self._client.push([Op(new_op_id(), "batch.create@1", "2026-11-24T00:00:00Z", body)])
        for n in range(-(-len(raw) // step)):
            self._client.put_chunk(uid, n, raw[n * step : (n + 1) * step])
        root = b64(merkle_root(sorted(records)))
        self._client.seal(uid, SealRequest(new_op_id(), len(records), root))


def stocked(url: str, pairing_code: str, cards: int) -> Stock:
    desktop = _Desktop(url, pairing_code)
    records = [os.urandom(RECORD) for _ in range(cards)]
    desktop.publish(records)
    return Stock(url, desktop.merchant_id, records)


@contextmanager
def serving(database: str, secrets: Path) -> Iterator[str]:
    """URL of an endpoint of its own."""
    command = python("from sync.server.__main__ import main\nsys.exit(main())", "serve", "--database", database)
    child = subprocess.Popen(
        [*command, "--secrets", str(secrets), "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield child.stdout.readline().removeprefix("listening on ").strip()
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def merchant_at(database: str) -> str:
    """Pairing code of a new merchant."""
    store = Store(database)
    store.start()
    try:
        return store.write_now(lambda t: access.add_merchant(t, name="商户", at_ms=now_ms())).code
    finally:
        store.stop()
