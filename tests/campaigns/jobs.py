"""The jobs that are killed, and what must hold afterwards."""

from sqlalchemy import func, select

from app.models.batch import Batch, CodeBlock, card_key
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionSpec
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


def _people(services: Services, count: int) -> None:
    rows = "\n".join(f"员工{number}\t139{number:08d}\tE{number:05d}" for number in range(count))
    services.people.store(services.people.check(services.people.stage(f"姓名\t手机\t工号\n{rows}")))


def _nothing(services: Services) -> None:
    """The job brings all it needs."""


def _supplier_product(services: Services) -> None:
    services.catalog.add(ProductSpec("视频会员", "supplier", "supplier_code"))


def _cards_and_people(services: Services) -> None:
    _one_product(services)
    services.batches.generate(BatchSpec(1, GIVEN + 50))
    _people(services, GIVEN)


def _cards(services: Services) -> None:
    _one_product(services)
    services.batches.generate(BatchSpec(1, UPLOADED))


def _all_people_or_none(services: Services, vault: OpenVault) -> None:
    assert len(services.people.ids()) in (0, ROWS)
    _people(services, ROWS)
    assert len(services.people.ids()) == ROWS


def _all_codes_or_none(services: Services, vault: OpenVault) -> None:
    _sound(services)
    text = "\n".join(f"VIP{number:08d}\tpw{number:08d}" for number in range(ROWS))
    done = services.supplier_imports.import_text("卡号\t密码\n" + text, 1)
    assert (done.imported, done.duplicates) in ((ROWS, 0), (0, ROWS))
    assert sum(batch.made for batch in services.batches.batches()) == ROWS
    _sound(services)


def _everybody_has_one_card(services: Services, vault: OpenVault) -> None:
    """A run that was cut goes on; a run that never began is begun; nobody gets two."""
    _sound(services)
    runs = services.distribution.distributions()
    folder = vault.database.path.parent / "out"
    if runs:
        services.distribution.deliver(runs[0].id)
    people = tuple(services.people.ids())
    again = services.distribution.prepare(DistributionSpec(1, people, "file", "中秋", out_folder=folder))
    services.distribution.deliver(again)
    rows = services.distribution.distributions()
    assert sum(row.sent for row in rows) == GIVEN
    assert services.batches.batches()[0].counts.assigned + services.batches.batches()[0].counts.active == GIVEN
    _sound(services)


def _endpoint_agrees(services: Services, vault: OpenVault) -> None:
    """Whatever was cut, the next sync brings both ends together; what was redeemed was redeemed once."""
    try:
        services.cloud.start_embedded()
        done = services.cloud.sync()
        assert (done.rejected, done.pending, done.differences) == (0, 0, ())
        assert services.batches.batches()[0].state == "published"
        _sound(services)
    finally:
        services.cloud.stop_embedded()


def _sound(services: Services) -> None:
    verdict = services.integrity.verify(deep=True)
    assert verdict.ok, [str(finding) for finding in verdict.findings]


ROWS = 10_000
GIVEN = 2_000
UPLOADED = 20_000

JOBS = {
    "generate": Job(
        "generate",
        _one_product,
        f"from app.services.batches import BatchSpec\nservices.batches.generate(BatchSpec(1, {CARDS}))",
        _batch_is_whole_or_unfinished,
    ),
    "people": Job(
        "people",
        _nothing,
        f"""
rows = "\\n".join(f"员工{{number}}\\t139{{number:08d}}\\tE{{number:05d}}" for number in range({ROWS}))
services.people.store(services.people.check(services.people.stage("姓名\\t手机\\t工号\\n" + rows)))
""",
        _all_people_or_none,
    ),
    "codes": Job(
        "codes",
        _supplier_product,
        f"""
text = "\\n".join(f"VIP{{number:08d}}\\tpw{{number:08d}}" for number in range({ROWS}))
services.supplier_imports.import_text("卡号\\t密码\\n" + text, 1)
""",
        _all_codes_or_none,
    ),
    "distribution": Job(
        "distribution",
        _cards_and_people,
        """
from app.services.distribution import DistributionSpec
people, folder = tuple(services.people.ids()), config.data / "out"
run = services.distribution.prepare(DistributionSpec(1, people, "file", "中秋", out_folder=folder))
services.distribution.deliver(run)
""",
        _everybody_has_one_card,
    ),
    "sync": Job(
        "sync",
        _cards,
        """
from app.services.cards import CardFilter
services.cloud.start_embedded()
services.cloud.sync()
for card in services.cards.ids(CardFilter(batch_id=1))[:10]:
    services.redemptions.redeem(services.cards.reveal(card, reason="x").reveal(), 5_000)
services.cloud.sync()
services.cloud.stop_embedded()
""",
        _endpoint_agrees,
    ),
}
