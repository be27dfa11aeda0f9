"""Redeeming and uploading over HTTP, on real endpoint processes."""

import gc
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
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from build_scripts.benches import ROOT, Figure, Size, against, fresh, python, seconds
from build_scripts.benches.http_load import BARE, CONNECTIONS, NOTHING, Answered, doing, load, own_core
from sync.client import Identity, SyncClient, new_incarnation
from sync.codes import digests
from sync.merkle import merkle_root
from sync.protocol import CHUNK_RECORDS, RECORD, Op, SealRequest, b64, new_op_id
from sync.server import access
from sync.server.database import Store
from sync.server.endpoint import now_ms
from sync.server.issue import LARGEST
from tests.drivers.postgres import new_database
from tests.drivers.postgres import postgres as postgres_server

PER_ROUND, WARM = 5_000, 1_000
STOCK = 100_000
FEW, TIMES = 10_000, 10
PULLED = 20_000


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
    with embedded() as (vault, services, product):
        services.batches.generate(BatchSpec(product, size.part(STOCK)))
        services.cloud.sync()
        status = services.cloud.status()
        stock = _stock_of(vault, status.url, status.merchant_id)
        with doing(NOTHING) as floor_url, doing(BARE) as bare_url:
            ours, floors, bares = _alternate((status.url, floor_url, bare_url), stock, size)
    pairs = [(own.rate, bare.rate) for own, bare in zip(ours, bares, strict=True)]
    bare = against("redeem, against a bare app", pairs, None, unit="/s", context="an app without a framework")
    return [*_figures("redeem", ours, floors, bar=0.3, wanted=0.45), bare]


def postgres(size: Size) -> list[Figure]:
    """The same endpoint on PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="kaxia-pg-"))
    with postgres_server(folder) as server:
        database = new_database(server, "bench")
        with serving(database, folder / "secrets.json") as url, doing(NOTHING) as floor_url:
            stock = stocked(url, merchant_at(database), size.part(STOCK))
            ours, floors = _alternate((url, floor_url), stock, size)
    return _figures("redeem on PostgreSQL", ours, floors, bar=0.3, wanted=0.45)


def flat(size: Size) -> list[Figure]:
    """The rate with ten millions of cards against the rate with ten thousand."""
    counts = size.part(FEW), size.cards * TIMES
    with tempfile.TemporaryDirectory() as name:
        few, many = (Path(name) / "few.db", Path(name) / "many.db")
        with serving(str(few), Path(name) / "few.json") as few_url, serving(str(many), Path(name) / "many.json") as url:
            places = ((few_url, few, counts[0]), (url, many, counts[1]))
            stocks = [stocked(one, merchant_at(str(database)), count) for one, database, count in places]
            runs: list[list[Answered]] = [[], []]
            with own_core():
                for stock in stocks:
                    load(stock.url, stock.bodies(size.part(WARM)))
                for _ in range(size.rounds):
                    for at, stock in enumerate(stocks):
                        runs[at].append(load(stock.url, stock.bodies(size.part(PER_ROUND))))
    pairs = [(own.rate, fewer.rate) for fewer, own in zip(*runs, strict=True)]
    context = f"{counts[1]:,} cards at the endpoint; {counts[0]:,}"
    return [against("redeem, flat", pairs, 0.8, unit="/s", context=context, least=True)]


def upload(size: Size) -> list[Figure]:
    """A batch of the vault published: digests, chunks and seal, on loopback, into the embedded endpoint."""
    took: list[float] = []
    for _ in range(size.rounds):
        with embedded() as (_, services, product):
            services.batches.generate(BatchSpec(product, size.cards))
            took.append(seconds(services.cloud.sync))
            assert services.batches.batches()[0].state == "published"
    return [Figure("upload and seal", statistics.median(took), "s", 8, f"{size.cards:,} cards, one whole sync")]


def pull(size: Size) -> list[Figure]:
    """Redemptions of the feed checked, booked and added up in the vault; wanted is a million a minute."""
    events = size.part(PULLED)
    with embedded() as (vault, services, product):
        services.batches.generate(BatchSpec(product, events))
        services.cloud.sync()
        status = services.cloud.status()
        load(status.url, _stock_of(vault, status.url, status.merchant_id).bodies(events))
        gc.freeze()  # as the commands do; the window looks for garbage beside it
        took = seconds(services.cloud.pull)
        services.cloud.sync()
        agrees = services.cloud.status().differences == ()
    context = f"{events:,} redemptions; books agree: {agrees}"
    return [Figure("feed pulled", events / took, "/s", 5_000, context, least=True, wanted=17_000)]


# --- the parts ---


def _stock_of(vault: OpenVault, url: str, merchant_id: str) -> Stock:
    """What the codes of the vault's only batch are to the endpoint."""
    with vault.database.read() as session:
        batch = session.scalars(select(Batch)).one()
    blocks = CodeReader(vault.database, Sealer(vault.keys)).blocks(batch)
    return Stock(url, merchant_id, [d for block in blocks for d in digests(UUID(merchant_id), block.codes())])


def _alternate(urls: Sequence[str], stock: Stock, size: Size) -> list[list[Answered]]:
    """One run after the other, the same for all; a first one each to warm up."""
    runs: list[list[Answered]] = [[] for _ in urls]
    with own_core():
        for url in urls:
            load(url, stock.bodies(size.part(WARM)))
        for _ in range(size.rounds):
            for at, url in enumerate(urls):
                runs[at].append(load(url, stock.bodies(size.part(PER_ROUND))))
    return runs


def _figures(
    name: str, ours: Sequence[Answered], floors: Sequence[Answered], *, bar: float, wanted: float
) -> list[Figure]:
    pairs = [(own.rate, floor.rate) for own, floor in zip(ours, floors, strict=True)]
    share = max(run.share for run in (*ours, *floors))
    context = f"Starlette, idle; {CONNECTIONS} connections; the generator took {share:.0%} of its core"
    longest = max(max(run.waits) for run in ours) * 1000
    middle, waits = (statistics.median(run.wait_ms(percent) for run in ours) for percent in (50, 99))
    idle = statistics.median(run.wait_ms(99) for run in floors)
    return [
        against(name, pairs, bar, unit="/s", context=context, least=True, wanted=wanted),
        Figure(f"{name}, p99", waits, "ms", 50, f"p50 {middle:.1f} ms; the floor's p99 {idle:.1f} ms"),
        Figure(f"{name}, longest", longest, "ms", 500),
    ]


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
    for at in range(0, cards, LARGEST):
        desktop.publish(records[at : at + LARGEST])
    return Stock(url, desktop.merchant_id, records)


@contextmanager
def embedded() -> Iterator[tuple[OpenVault, Services, int]]:
    """A new vault with one product, paired with an endpoint of its own."""
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        services.cloud.start_embedded()
        try:
            yield vault, services, product
        finally:
            services.cloud.stop_embedded()
            vault.close()


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
