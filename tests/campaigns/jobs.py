"""The jobs that are killed, and what must hold afterwards."""

from sqlalchemy import func, select

from app.models.batch import Batch, CodeBlock, card_key
from app.services import Services
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from tests.campaigns.kill import Job

CARDS = 100_000


def _one_product(services: Services) -> None:
    services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


def _batch_is_whole_or_unfinished(services: Services, vault: OpenVault) -> None:
    """What is stored equals what the batch says it holds; it can be continued to the full count."""
    rows = services.batches.batches()
    assert len(rows) <= 1
    _holds_what_it_says(vault)
    if rows and rows[0].state == "generating":
        services.batches.resume(rows[0].id)
        _holds_what_it_says(vault)
    if rows:
        row = services.batches.batch(rows[0].id)
        assert (row.state, row.made, row.counts.in_stock) == ("ready", CARDS, CARDS)


def _holds_what_it_says(vault: OpenVault) -> None:
    with vault.database.read() as session:
        batches = list(session.scalars(select(Batch)))
        keys = session.scalar(select(func.count()).select_from(card_key))
        sealed = session.scalar(select(func.coalesce(func.sum(CodeBlock.count), 0)))
    made = sum(batch.made for batch in batches)
    assert (keys, sealed) == (made, made)
    reader = CodeReader(vault.database, Sealer(vault.keys))
    codes = [code for batch in batches for block in reader.blocks(batch) for code in block.codes()]
    assert len(set(codes)) == made


JOBS = {
    "generate": Job(
        "generate",
        _one_product,
        f"from app.services.batches import BatchSpec\nservices.batches.generate(BatchSpec(1, {CARDS}))",
        _batch_is_whole_or_unfinished,
    ),
}
