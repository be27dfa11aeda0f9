"""Making batches of codes."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app.bootstrap import build_services
from app.config import Config
from app.errors import (
    BatchNotGenerating,
    BatchUnreadable,
    BatchVoided,
    CountMismatch,
    InvalidInput,
    JobCancelled,
    PatternTooWeak,
    QuantityOutOfRange,
)
from app.models.batch import Batch, CodeBlock, card_key
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.sealing import BlindIndex, Sealer, is_blind_of
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync import codes


@pytest.fixture
def product(services: Services) -> int:
    return services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000, valid_days=365))


def all_codes(vault: OpenVault, batch_id: int) -> list[str]:
    with vault.database.read() as session:
        batch = session.get_one(Batch, batch_id)
    reader = CodeReader(vault.database, Sealer(vault.keys))
    return [code for block in reader.blocks(batch) for code in block.codes()]


def stored(vault: OpenVault, what: object) -> int:
    with vault.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(what)) or 0)  # type: ignore[arg-type]


def after(steps: int) -> Callable[[int, int], None]:
    """A progress call that cancels at the n-th report."""
    left = [steps]

    def progress(done: int, total: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise JobCancelled

    return progress


@pytest.mark.parametrize("profile", ["SHORT", "STANDARD", "LONG"])
def test_codes_are_valid_different_and_found_again(
    services: Services, vault: OpenVault, product: int, profile: str
) -> None:
    batch_id = services.batches.generate(BatchSpec(product, 3000, profile))
    made = all_codes(vault, batch_id)
    assert len(set(made)) == 3000
    assert all(codes.is_valid(code) for code in made)
    first = services.cards.ids(CardFilter(batch_id=batch_id), descending=False)[0]
    assert services.cards.find_by_code(codes.format_code(made[0]).lower()) == first
    assert services.cards.find_by_code(made[2999]) == first + 2999


def test_a_ready_batch_is_counted_and_queued_for_the_endpoint(
    services: Services, vault: OpenVault, product: int
) -> None:
    row = services.batches.batch(services.batches.generate(BatchSpec(product, 10)))
    assert (row.state, row.made, row.counts.in_stock, row.face_minor) == ("ready", 10, 10, 20000)
    assert row.valid_until is not None
    with vault.database.read() as session:
        ops = session.scalars(select(OutboxOp.type).order_by(OutboxOp.id)).all()
    assert ops == ["batch.create@1", "batch.seal@1"]


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_a_quantity_out_of_range_makes_nothing(
    services: Services, vault: OpenVault, product: int, quantity: int
) -> None:
    with pytest.raises(QuantityOutOfRange):
        services.batches.generate(BatchSpec(product, quantity))
    assert stored(vault, Batch) == 0


@pytest.mark.parametrize("reports", [0, 1, 2, 3, 4])
def test_a_cancel_leaves_nothing(services: Services, vault: OpenVault, product: int, reports: int) -> None:
    with pytest.raises(JobCancelled):
        services.batches.generate(BatchSpec(product, 50_000), after(reports))
    assert [stored(vault, table) for table in (Batch, CodeBlock, card_key)] == [0, 0, 0]


def interrupted(services: Services, product: int, quantity: int) -> int:
    """A batch whose process died after some chunks: the refusal of our progress call stands for the crash."""

    def die(done: int, total: int) -> None:
        if done > total * 0.8:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        services.batches.generate(BatchSpec(product, quantity), die)
    return services.batches.batches()[0].id


def test_an_interrupted_batch_continues_to_its_full_count(services: Services, vault: OpenVault, product: int) -> None:
    batch_id = interrupted(services, product, 50_000)
    row = services.batches.batch(batch_id)
    assert row.state == "generating"
    assert 0 < row.made < 50_000
    services.batches.resume(batch_id)
    assert services.batches.batch(batch_id).state == "ready"
    made = all_codes(vault, batch_id)
    assert len(set(made)) == 50_000
    assert stored(vault, card_key) == 50_000
    assert services.cards.find_by_code(made[49_999]) is not None


def test_an_interrupted_batch_can_be_discarded(services: Services, vault: OpenVault, product: int) -> None:
    services.batches.discard(interrupted(services, product, 50_000))
    assert [stored(vault, table) for table in (Batch, CodeBlock, card_key)] == [0, 0, 0]


def test_a_finished_batch_is_not_discarded(services: Services, product: int) -> None:
    batch_id = services.batches.generate(BatchSpec(product, 10))
    with pytest.raises(BatchNotGenerating):
        services.batches.discard(batch_id)


def test_a_small_code_space_never_repeats_a_code(
    services: Services, vault: OpenVault, product: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.batches.WEAKEST_BITS", 1)
    first = services.batches.generate(BatchSpec(product, 300, "KX-##|0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
    second = services.batches.generate(BatchSpec(product, 300, "KX-##|0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
    made = all_codes(vault, first) + all_codes(vault, second)
    assert len(set(made)) == 600
    assert services.cards.find_by_code(made[7]) is not None


@pytest.mark.parametrize(
    ("pattern", "refusal"),
    [
        ("KX-####", PatternTooWeak),
        ("KX", InvalidInput),
        ("", InvalidInput),
        ("#" * 65, InvalidInput),
        ("##|AA", InvalidInput),
    ],
)
def test_a_weak_or_broken_pattern_is_refused(
    services: Services, product: int, pattern: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        services.batches.generate(BatchSpec(product, 10, pattern))


def test_odds_follow_the_formula(services: Services) -> None:
    odds = services.batches.odds("KX-##########", 1000)
    assert odds.bits == 50
    assert odds.chance_per_year == pytest.approx(10 * 31_557_600 * 1000 / 2**50)


def test_freeze_jumps_the_queue_and_thaw_undoes_it(services: Services, vault: OpenVault, product: int) -> None:
    batch_id = services.batches.generate(BatchSpec(product, 10))
    services.batches.freeze(batch_id)
    assert services.batches.batch(batch_id).state == "frozen"
    services.batches.thaw(batch_id)
    assert services.batches.batch(batch_id).state == "ready"
    with vault.database.read() as session:
        lanes = session.execute(select(OutboxOp.type, OutboxOp.lane).order_by(OutboxOp.id)).all()
    assert lanes[2:] == [("batch.freeze@1", "freeze"), ("batch.thaw@1", "ops")]


def test_void_needs_the_typed_count_and_ends_the_batch(services: Services, product: int) -> None:
    batch_id = services.batches.generate(BatchSpec(product, 1200))
    with pytest.raises(CountMismatch):
        services.batches.void(batch_id, confirm="1201")
    services.batches.void(batch_id, confirm="1,200")
    assert services.batches.batch(batch_id).counts.voided == 1200
    with pytest.raises(BatchVoided):
        services.batches.freeze(batch_id)


def test_swapped_blocks_do_not_open(services: Services, vault: OpenVault, product: int) -> None:
    batch_id = services.batches.generate(BatchSpec(product, 2048))
    with vault.database.write(Topic.BATCHES) as session:
        blocks = {block.no: block.sealed for block in session.scalars(select(CodeBlock))}
        session.execute(update(CodeBlock).where(CodeBlock.no == 0).values(sealed=blocks[1]))
    with pytest.raises(BatchUnreadable):
        all_codes(vault, batch_id)


def test_codes_are_nowhere_in_the_files(config: Config, services: Services, vault: OpenVault, product: int) -> None:
    batch_id = services.batches.generate(BatchSpec(product, 100))
    made = [code.encode() for code in all_codes(vault, batch_id)]
    contents = [path.read_bytes() for path in config.data.rglob("*") if path.is_file()]
    assert not [code for code in made for content in contents if code in content]


@given(key=st.binary(min_size=32, max_size=32), code=st.binary(max_size=64))
@settings(max_examples=50)
def test_the_quick_blind_index_is_hmac(key: bytes, code: bytes) -> None:
    assert is_blind_of(key, code, BlindIndex(key).one(code))


@given(
    numbers=st.lists(st.integers(0, 31), min_size=14, max_size=23), place=st.integers(0, 15), other=st.integers(1, 31)
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.differing_executors])
def test_one_wrong_symbol_never_passes_the_check(numbers: list[int], place: int, other: int) -> None:
    payload = "".join(codes.ALPHABET[number] for number in numbers)
    code = payload + codes.check_symbols(payload)
    wrong = codes.ALPHABET[codes.ALPHABET.index(code[place]) ^ other]
    assert codes.is_valid(code)
    assert not codes.is_valid(code[:place] + wrong + code[place + 1 :])


def test_a_restart_finds_everything(config: Config, services: Services, vault: OpenVault, product: int) -> None:
    services.batches.generate(BatchSpec(product, 5))
    again = build_services(config, vault)
    assert [row.quantity for row in again.batches.batches()] == [5]
