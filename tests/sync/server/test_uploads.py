"""Digests that wait for the seal: nobody who takes the database away can redeem with them."""

from pathlib import Path

import pytest

from sync.client import Refused
from sync.merkle import merkle_root
from sync.protocol import RECORD, SealRequest, b64, new_op_id
from sync.server import blobs, uploads
from sync.server.access import Device
from sync.server.database import Store, opened
from sync.server.problems import Refusal
from sync.server.secret_files import load_or_make
from tests.drivers.endpoint import Desktop, Served, new_merchant, paired

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


def test_a_seal_that_was_cut_off_goes_on_and_puts_no_card_in_twice(
    served: Served, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LOT", 100)
    made = desktop.batch(700, seal=False)
    made.upload(desktop.client)
    asked = SealRequest(new_op_id(), 700, b64(merkle_root(sorted(made.records))))
    half, device = uploads.Uploads(load_or_make(served.secrets)), Device("d", str(desktop.merchant_id), "owner")
    with opened(served.database) as store:
        steps = store.read_now(lambda transaction: half.steps_to_seal(transaction, device, made.uid, asked))
        assert len(steps) == 8
        for step in (*steps[:3], steps[1]):
            store.write_now(step)
        with pytest.raises(Refusal, match="batch-incomplete"):
            store.write_now(lambda transaction: half.seal(transaction, device, made.uid, asked, at_ms=1))
    assert desktop.redeem(made.records[0]).status_code == 404
    made.seal(desktop.client)
    assert [desktop.redeem(d).status_code for d in made.records[::100]] == [200] * 7
    assert desktop.redeem(made.records[0]).status_code == 409


def test_a_card_is_found_by_its_number(desktop: Desktop) -> None:
    made = desktop.batch(1_001)
    for number in (0, 499, 500, 1_000):
        desktop.push("card.freeze@1", {"batch_id": made.uid, "card_no": number})
    states = {number: desktop.redeem(made.records[number]).status_code for number in (0, 1, 498, 499, 500, 501, 1_000)}
    assert states == {0: 409, 1: 200, 498: 200, 499: 409, 500: 409, 501: 200, 1_000: 409}
    for number in (1_001, 1_500, 2**53):
        assert "card-unknown" in str(desktop.push("card.freeze@1", {"batch_id": made.uid, "card_no": number}))


def test_a_code_that_is_uploaded_twice_is_refused_at_the_seal(desktop: Desktop) -> None:
    first, again = desktop.batch(2), desktop.batch(2, seal=False)
    again.records[1] = first.records[1]
    again.upload(desktop.client)
    with pytest.raises(Refused, match="stale-version"):
        again.seal(desktop.client)
    assert desktop.redeem(first.records[1]).status_code == 200


def test_a_blob_is_given_back_as_it_came_and_the_first_stays(desktop: Desktop, served: Served) -> None:
    content = bytes(range(256)) * 4_000
    desktop.client.put_blob("batch.0", content)
    desktop.client.put_blob("batch.0", b"something else")
    assert desktop.client.get_blob("batch.0") == content
    other = paired(served.url, new_merchant(served.database))
    for client, name in ((desktop.client, "batch.1"), (other.client, "batch.0")):
        with pytest.raises(Refused, match="not-found"):
            client.get_blob(name)
    other.client.close()


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [("batch.0", b"", "invalid"), ("batch.0", bytes(2**20 + 1), "too-large"), ("b" * 65, b"x", "invalid")],
)
def test_what_is_no_blob_is_refused(desktop: Desktop, name: str, content: bytes, key: str) -> None:
    with pytest.raises(Refused, match=key):
        desktop.client.put_blob(name, content)


def test_a_clerk_neither_leaves_nor_fetches_a_blob(served: Served) -> None:
    with opened(served.database) as store:
        clerk = Device("d", "m", "clerk")
        for act in (
            lambda t: blobs.put(t, clerk, "batch.0", content=b"x", at_ms=1),
            lambda t: blobs.get(t, clerk, "batch.0"),
        ):
            with pytest.raises(Refusal, match="forbidden"):
                store.write_now(act)


def stored(served: Served) -> list[bytes]:
    """Uploads as the database has them; on SQLite the files themselves, too."""
    store = Store(served.database)
    rows = store.read_now(lambda transaction: transaction.all("SELECT records FROM chunk"))
    store._reader().close()
    store.stop()
    files = () if store.on_postgres else Path(served.database).parent.glob("*.db*")
    return [*(bytes(row[0]) for row in rows), *(file.read_bytes() for file in files)]
