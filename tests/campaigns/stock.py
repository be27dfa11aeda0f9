"""Cards and people: made by the thousand, imported by the thousand; whole or to be gone on with after a kill."""

from functools import partial

from sqlalchemy import func, select

from app.models.batch import Batch, CodeBlock, card_key
from app.services import Services
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from tests.campaigns.kill import Job

WINDOW = """
from PySide6.QtCore import QSettings, QTimer
from app.bootstrap.desk import Desk
from app.services.batches import BatchSpec
from app.views.theme import application
running = application("kaxia")
desk = Desk(config, QSettings(str(config.data / "look.ini"), QSettings.Format.IniFormat))
desk.window.show()
desk.enter(vault)
desk.window.go("batches")
"""
"""The window on its page of batches, with everything that goes on behind it."""


def one_product(services: Services) -> None:
    services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


def store_people(services: Services, count: int) -> bool:
    """Store a list; whether anything in it was new."""
    lines = (f"员工{number}\t139{number:08d}\tE{number:05d}\tp{number}@firm.example" for number in range(count))
    roster = services.people.stage("姓名\t手机\t工号\t邮箱\n" + "\n".join(lines))
    return not services.people.store(services.people.check(roster)).is_nothing_new


def generate(cards: int) -> Job:
    return Job(
        one_product,
        f"from app.services.batches import BatchSpec\nservices.batches.generate(BatchSpec(1, {cards}))",
        partial(_batch_is_whole_or_unfinished, cards),
    )


def window(cards: int) -> Job:
    """The same in the real window, which is killed while its job runs."""
    work = f"""
job = desk.window.view.page().generate(BatchSpec(1, {cards}))
job.ended.connect(desk.window.close)
sys.exit(running.exec())
"""
    return Job(one_product, work, partial(_batch_is_whole_or_unfinished, cards), before=WINDOW)


def people_list(rows: int) -> Job:
    return Job(
        lambda services: None,
        f"store_people(services, {rows})",
        partial(_all_people_or_none, rows),
        before="from tests.campaigns.stock import store_people\n",
    )


def codes(rows: int) -> Job:
    work = f"""
text = "\\n".join(f"VIP{{number:08d}}\\tpw{{number:08d}}" for number in range({rows}))
services.supplier_imports.import_text("卡号\\t密码\\n" + text, 1)
"""
    return Job(_supplier_product, work, partial(_all_codes_or_none, rows))


def _supplier_product(services: Services) -> None:
    services.catalog.add(ProductSpec("视频会员", "supplier", "supplier_code"))


def _batch_is_whole_or_unfinished(cards: int, services: Services, vault: OpenVault) -> None:
    """What is stored equals what the batch says it holds; it can be continued to the full count."""
    rows = services.batches.batches()
    assert len(rows) <= 1
    _holds_what_it_says(vault)
    if rows and rows[0].state == "generating":
        services.batches.resume(rows[0].id)
        _holds_what_it_says(vault)
    if rows:
        row = services.batches.batch(rows[0].id)
        assert (row.state, row.made, row.counts.in_stock) == ("ready", cards, cards)


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


def _all_people_or_none(count: int, services: Services, vault: OpenVault) -> None:
    assert len(services.people.ids()) in (0, count)
    store_people(services, count)
    assert len(services.people.ids()) == count
    assert not store_people(services, count)


def _all_codes_or_none(count: int, services: Services, vault: OpenVault) -> None:
    text = "\n".join(f"VIP{number:08d}\tpw{number:08d}" for number in range(count))
    done = services.supplier_imports.import_text("卡号\t密码\n" + text, 1)
    assert (done.imported, done.duplicates) in ((count, 0), (0, count))
    assert sum(batch.made for batch in services.batches.batches()) == count
