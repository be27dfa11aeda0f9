"""A real endpoint process and a desktop's client for it."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.client import Identity, SyncClient, new_incarnation
from sync.codes import check_symbols, digest
from sync.merkle import merkle_root
from sync.protocol import CHUNK_RECORDS, RECORD, Op, SealAnswer, SealRequest, b64, new_op_id
from sync.server import access
from sync.server.database import Store
from sync.server.endpoint import now_ms
from tests.drivers.quick import quick_python

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-11-24T00:00:00Z"
FAULT = re.compile(r'Traceback|^ +\S+:\d+ [\w<]|"exception":', re.MULTILINE)
"""Python's own words for one, and ours."""


@dataclass
class Served:
    """A running endpoint."""

    database: str
    url: str
    secrets: Path


@contextmanager
def running(database: str, secrets: Path, *more: str, plant: str = "", anew: bool = False) -> Iterator[str]:
    """URL of an endpoint on a free port; its stderr must stay empty of faults. `plant`: Python that runs first, a
    mistake that a harness must find. `anew`: not forked from a process that has loaded it."""
    program = ["-c", f"{plant}\nimport sys\nfrom sync.server.__main__ import main\nsys.exit(main())"]
    python = sys.executable if plant or anew else quick_python()
    command = [python, *(program if plant else ["-m", "sync.server"]), "serve", "--database", database]
    with tempfile.TemporaryFile("w+") as log:  # a pipe that nobody reads would hold it up once it is full
        process = subprocess.Popen(
            [*command, "--secrets", str(secrets), "--port", "0", *more],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("listening on "), _read(log)
            yield line.removeprefix("listening on ").strip()
        finally:
            process.terminate()
            process.communicate(timeout=60)
            said = _read(log)
    assert not FAULT.search(said), said


def _read(log: IO[str]) -> str:
    log.seek(0)
    return log.read()


def new_merchant(database: str, name: str = "某某商户", merchant_id: UUID | None = None) -> dict[str, str]:
    """What `merchant add` does, without the start of another process."""
    wanted = str(merchant_id) if merchant_id else ""
    store = Store(database)
    store.start()
    try:
        made = store.write_now(lambda t: access.add_merchant(t, name=name, merchant_id=wanted, at_ms=now_ms()))
    finally:
        store.stop()
    return {"merchant_id": made.merchant_id, "slug": made.slug, "pairing_code": made.code}


@dataclass
class Desktop:
    """One paired device with what it needs to make batches."""

    client: SyncClient
    merchant_id: UUID
    slug: str
    url: str

    def push(self, type_: str, body: dict[str, object], op_id: str = "") -> object:
        (result,) = self.client.push([Op(op_id or new_op_id(), type_, NOW, body)]).results
        return result

    def batch(
        self, count: int = 3, *, face_minor: int | None = 10_000, seal: bool = True, **more: object
    ) -> "MadeBatch":
        """A batch at the endpoint with fresh codes."""
        uid = str(uuid4())
        codes = [_code(number) for number in range(count)]
        money = {"kind": "money", "amount_minor": face_minor, "currency": "CNY"}
        face = {"kind": "uses"} if face_minor is None else money
        self.push(
            "batch.create@1", {"batch_id": uid, "name": "卡", "face": face, "max_uses": 3, "count": count, **more}
        )
        made = MadeBatch(uid, [digest(self.merchant_id, code) for code in codes], codes)
        if seal:
            made.upload(self.client)
            made.seal(self.client)
        return made

    def redeem(self, d: bytes, amount_minor: int | None = None, **more: object) -> requests.Response:
        body = {"op_id": new_op_id(), "merchant_id": str(self.merchant_id), "d": b64(d), "amount_minor": amount_minor}
        return requests.post(self.url + "/h5/v1/redeem", json=body | more, timeout=60)


@dataclass
class MadeBatch:
    uid: str
    records: list[bytes]
    codes: list[str]

    def upload(self, client: SyncClient) -> None:
        raw, size = b"".join(self.records), CHUNK_RECORDS * RECORD
        for n in range(-(-len(raw) // size)):
            client.put_chunk(self.uid, n, raw[n * size : (n + 1) * size])

    def seal(self, client: SyncClient, op_id: str = "") -> SealAnswer:
        root = b64(merkle_root(sorted(self.records)))
        return client.seal(self.uid, SealRequest(op_id or new_op_id(), len(self.records), root))


def paired(url: str, made: dict[str, str]) -> Desktop:
    key, incarnation = Ed25519PrivateKey.generate(), new_incarnation()
    answer = SyncClient(url).enroll(made["pairing_code"], device_name="测试", key=key, incarnation=incarnation)
    client = SyncClient(url, Identity(answer.device_id, incarnation, key))
    return Desktop(client, UUID(answer.merchant_id), made["slug"], url)


def _code(number: int) -> str:
    payload = uuid4().hex.upper()[:18].replace("I", "1")
    return payload + check_symbols(payload)
