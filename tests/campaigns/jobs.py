"""The jobs that are killed, and what must hold afterwards."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app.models.batch import Batch, CodeBlock, card_key
from app.models.redemption import Redemption
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionSpec
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from tests.app.services.mail_peer import mail_peer
from tests.campaigns.kill import Job

CARDS = 100_000
ROWS = 10_000
GIVEN = 2_000
MAILED = 40
UPLOADED = 20_000
CODE_COLUMN = 7
ARRIVED = "arrived.txt"
SELL = """
from app.services.cards import CardFilter
def sell():
    services.cloud.sync()
    for card in services.cards.ids(CardFilter(batch_id=1))[:10]:
        services.redemptions.redeem(services.cards.reveal(card, reason="x").reveal(), 5_000)
        with (config.data / "told.txt").open("a") as told:
            told.write(f"{card}\\n")
    services.cloud.sync()
"""
"""Upload, seal, ten redemptions at the counter, the feed. A confirmed redemption is written down."""


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


def people(services: Services, count: int) -> bool:
    """Store a list; whether anything in it was new."""
    lines = (f"员工{number}\t139{number:08d}\tE{number:05d}\tp{number}@firm.example" for number in range(count))
    roster = services.people.stage("姓名\t手机\t工号\t邮箱\n" + "\n".join(lines))
    return not services.people.store(services.people.check(roster)).is_nothing_new


def _nothing(services: Services) -> None:
    """The job brings all it needs."""


def _supplier_product(services: Services) -> None:
    services.catalog.add(ProductSpec("视频会员", "supplier", "supplier_code"))


def _cards_and_people(services: Services) -> None:
    _one_product(services)
    services.batches.generate(BatchSpec(1, GIVEN + 50))
    people(services, GIVEN)


def _endpoint_cards_and_people(services: Services) -> None:
    _one_product(services)
    services.batches.generate(BatchSpec(1, MAILED + 50))
    people(services, MAILED)
    with _endpoint_on(services):
        services.cloud.sync()


def _cards(services: Services) -> None:
    _one_product(services)
    services.batches.generate(BatchSpec(1, UPLOADED))


def _all_people_or_none(services: Services, vault: OpenVault) -> None:
    assert len(services.people.ids()) in (0, ROWS)
    people(services, ROWS)
    assert len(services.people.ids()) == ROWS
    assert not people(services, ROWS)


def _all_codes_or_none(services: Services, vault: OpenVault) -> None:
    text = "\n".join(f"VIP{number:08d}\tpw{number:08d}" for number in range(ROWS))
    done = services.supplier_imports.import_text("卡号\t密码\n" + text, 1)
    assert (done.imported, done.duplicates) in ((ROWS, 0), (0, ROWS))
    assert sum(batch.made for batch in services.batches.batches()) == ROWS


def _everybody_has_one_card(services: Services, vault: OpenVault) -> None:
    """A run that was cut goes on; a run that never began is begun; nobody gets two; one whole file is left."""
    folder = vault.database.path.parent / "out"
    runs = services.distribution.distributions()
    first = runs[0].id if runs else services.distribution.prepare(_spec(services, "file", folder))
    services.distribution.deliver(first)
    again = services.distribution.prepare(_spec(services, "file", folder))
    assert services.distribution.deliver(again).files == ()
    assert services.distribution.distribution(first).sent == GIVEN
    cards = _cards_of(services, GIVEN)
    (sheet,) = folder.iterdir()
    with sheet.open("rb") as file:
        rows = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()
    assert [services.cards.find_by_code(str(row[CODE_COLUMN])) for row in rows[1:]] == cards


def _everybody_has_one_mail(services: Services, vault: OpenVault) -> None:
    """What was cut on its way may have arrived: it is asked about, never sent twice by itself."""
    folder = vault.database.path.parent
    with _endpoint_on(services):
        assert max(_arrived(folder).values(), default=0) <= 1
        runs = services.distribution.distributions()
        first = runs[0].id if runs else services.distribution.prepare(_spec(services, "email"))
        services.distribution.deliver(first)
        row = services.distribution.distribution(first)
        assert (row.sent + row.uncertain, row.uncertain <= 1) == (MAILED, True)
        assert max(_arrived(folder).values()) == 1
        assert len(_arrived(folder)) >= row.sent
        services.distribution.resend_uncertain(first)
        services.distribution.deliver(first)
        again = services.distribution.prepare(_spec(services, "email"))
        services.distribution.deliver(again)
        assert services.distribution.distribution(first).sent == MAILED
        assert len(_arrived(folder)) == MAILED
        assert sum(_arrived(folder).values()) - MAILED in (0, row.uncertain)
        _cards_of(services, MAILED)
        done = services.cloud.sync()
        assert (done.rejected, done.pending, done.differences) == (0, 0, ())


def _endpoint_agrees(services: Services, vault: OpenVault) -> None:
    """Whatever was cut, the next sync brings both ends together; what was redeemed was redeemed once."""
    with _endpoint_on(services):
        done = services.cloud.sync()
        assert (done.rejected, done.pending, done.differences) == (0, 0, ())
        assert services.batches.batches()[0].state == "published"
    with vault.database.read() as session:
        redeemed = list(session.scalars(select(Redemption.card_id)))
    assert len(set(redeemed)) == len(redeemed), "a card was redeemed twice"
    told = vault.database.path.parent / "told.txt"
    promised = [int(line) for line in told.read_text().splitlines()] if told.exists() else []
    assert set(promised) <= set(redeemed), "a redemption that was confirmed is gone"


@contextmanager
def _endpoint_on(services: Services) -> Iterator[None]:
    try:
        services.cloud.start_embedded()
        yield
    finally:
        services.cloud.stop_embedded()


def _spec(services: Services, channel: str, folder: Path | None = None) -> DistributionSpec:
    return DistributionSpec(1, tuple(services.people.ids()), channel, "中秋", out_folder=folder)


def _cards_of(services: Services, people: int) -> list[int]:
    """Cards in the order of the first distribution's list: one each, and no other card has left the stock."""
    first = min(row.id for row in services.distribution.distributions())
    rows = services.distribution.deliveries_of(services.distribution.delivery_ids(first))
    cards = [row.card_id for row in rows if row.card_id is not None]
    counts = services.batches.batches()[0].counts
    assert (len(rows), len(set(cards)), counts.assigned + counts.active) == (people, people, people)
    return cards


@contextmanager
def _mail_server(folder: Path) -> Iterator[None]:
    """A mail server that writes down who got a mail; at the end nobody got two different ones."""
    with mail_peer(folder, tls="none") as (peer, setting, _):

        def write_down(receiver: str) -> None:
            with (folder / ARRIVED).open("a") as file:
                file.write(f"{receiver}\n")

        peer.on_data = write_down
        (folder / "mail.json").write_text(json.dumps(setting), "utf-8")
        yield
        mails = {(receiver, mail["Message-ID"]) for receiver, mail in zip(peer.receivers, peer.arrived, strict=True)}
        assert len(mails) == len(_arrived(folder)), "somebody got two different mails"


def _arrived(folder: Path) -> Counter[str]:
    """Receiver → mails."""
    path = folder / ARRIVED
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


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
        f"people(services, {ROWS})",
        _all_people_or_none,
        before="from tests.campaigns.jobs import people\n",
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
    "mail": Job(
        "mail",
        _endpoint_cards_and_people,
        """
run = services.distribution.prepare(DistributionSpec(1, tuple(services.people.ids()), "email", "中秋"))
services.distribution.deliver(run)
""",
        _everybody_has_one_mail,
        before="""
import json
from app.services.distribution import DistributionSpec
services.settings.put("mail.server", json.loads((config.data / "mail.json").read_text("utf-8")))
services.cloud.start_embedded()
""",
        scene=_mail_server,
    ),
    "sync": Job(
        "sync",
        _cards,
        "services.cloud.start_embedded()\n" + SELL + "sell()\nservices.cloud.stop_embedded()",
        _endpoint_agrees,
    ),
    "endpoint": Job(
        "endpoint",
        _cards,
        """
from contextlib import suppress
from app.errors import EndpointRefused, EndpointUnreachable, RedemptionUncertain
with suppress(EndpointRefused, EndpointUnreachable, RedemptionUncertain):
    sell()
""",
        _endpoint_agrees,
        before="services.cloud.start_embedded()\n" + SELL,
        kills_endpoint=True,
    ),
}
