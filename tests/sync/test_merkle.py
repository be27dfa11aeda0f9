"""The Merkle root: the protocol's tree, and no memory for a million records at once."""

import hashlib
import random
import tracemalloc

import pytest

from sync.merkle import BLOCK, merkle_root, sorted_records


def drawn(count: int) -> bytes:
    return random.Random(count).randbytes(32 * count)


def level_by_level(records: list[bytes]) -> bytes:
    """As the protocol says it: every level over the whole width."""
    level = [hashlib.sha256(b"\0" + record).digest() for record in records]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def test_the_merkle_root_by_hand() -> None:
    def leaf(record: bytes) -> bytes:
        return hashlib.sha256(b"\0" + record).digest()

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\1" + left + right).digest()

    a, b, c = (bytes([number]) * 32 for number in (1, 2, 3))
    assert merkle_root([a]) == leaf(a)
    assert merkle_root([a, b, c]) == node(node(leaf(a), leaf(b)), leaf(c))
    assert merkle_root([a, b]) != merkle_root([b, a])
    assert merkle_root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("count", [2, 7, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3, 5 * BLOCK, 5 * BLOCK + 1])
def test_folding_in_blocks_gives_the_same_tree(count: int) -> None:
    raw = drawn(count)
    records = [raw[at : at + 32] for at in range(0, len(raw), 32)]
    assert merkle_root(records) == level_by_level(records)
    assert list(sorted_records([raw[: 32 * 3], b"", raw[32 * 3 :]])) == sorted(records)


def test_a_large_batch_costs_little_more_than_its_own_bytes() -> None:
    raw = drawn(100_000)
    tracemalloc.start()
    merkle_root(sorted_records([raw]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * len(raw)
