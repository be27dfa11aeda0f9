"""Digests that wait for the seal: nobody who takes the database away can redeem with them."""

from pathlib import Path

import pytest

from sync.protocol import RECORD
from sync.server import uploads
from sync.server.database import Store
from sync.server.problems import Refusal
from tests.drivers.endpoint import Desktop, Served

PEPPER, OTHER = b"p" * 32, b"o" * 32
RECORDS = bytes(range(RECORD)) * 3


def test_the_database_holds_no_digest_before_or_after_the_seal(served: Served, desktop: Desktop) -> None:
    made = desktop.batch(5, seal=False)
    made.upload(desktop.client)
    assert not any(d in kept for d in made.records for kept in stored(served))
    made.seal(desktop.client)
    assert not any(d in kept for d in made.records for kept in stored(served))
    assert desktop.redeem(made.records[0]).status_code == 200


def test_a_chunk_opens_only_in_its_place_and_with_its_pepper() -> None:
    kept = uploads.packed(PEPPER, 7, 0, records=RECORDS)
    assert uploads.unpacked(PEPPER, 7, 0, kept=kept) == RECORDS
    for pepper, batch_id, n in ((OTHER, 7, 0), (PEPPER, 8, 0), (PEPPER, 7, 1)):
        with pytest.raises(Refusal):
            uploads.unpacked(pepper, batch_id, n, kept=kept)


def test_what_an_older_endpoint_stored_can_still_be_sealed() -> None:
    assert uploads.unpacked(PEPPER, 7, 0, kept=RECORDS) == RECORDS


def stored(served: Served) -> list[bytes]:
    """Uploads as the database has them; on SQLite the files themselves, too."""
    store = Store(served.database)
    rows = store.read_now(lambda transaction: transaction.all("SELECT records FROM chunk"))
    store._reader().close()
    store.stop()
    files = () if store.on_postgres else Path(served.database).parent.glob("*.db*")
    return [*(bytes(row[0]) for row in rows), *(file.read_bytes() for file in files)]
