"""Exports: masked unless released, every file in the audit log with its hash, nothing of somebody's in a release."""

import csv
import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
import pyzipper
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.errors import (
    BatchUnfinished,
    BatchVoided,
    InvalidInput,
    JobCancelled,
    NotEnoughCards,
    NotFound,
    ReasonMissing,
    WrongPassphrase,
)
from app.models.batch import Batch, CodeBlock
from app.models.catalog import Product
from app.models.database import Database
from app.services import Services
from app.services.batches import BatchSpec, new_batch
from app.services.cards import CardFilter
from app.services.cards.codes import CodeReader, OpenBlock, pack_fields
from app.services.catalog import ProductSpec
from app.services.exports import FORMATS, Exported, ExportOrder, ExportService
from app.services.sealing import Sealer
from app.services.secret import Secret
from app.services.stock import stock_of, take
from app.services.vault.vaults import OpenVault, Vaults
from app.topics import Topic
from sync.codes import canonical, format_code, is_valid
from tests.app.conftest import PASSPHRASE
from tests.app.services.test_cards import people

Export = Callable[..., Exported]


@pytest.fixture
def reader(vault: OpenVault) -> CodeReader:
    return CodeReader(vault.database, Sealer(vault.keys))


@pytest.fixture
def exports(services: Services, vault: OpenVault, vaults: Vaults, reader: CodeReader) -> ExportService:
    return ExportService(
        vault.database,
        services.audit,
        reader=reader,
        check_passphrase=vaults.check_passphrase,
        settings=services.settings,
    )


@pytest.fixture
def product(services: Services) -> int:
    return services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


@pytest.fixture
def batch(services: Services, product: int) -> int:
    return services.batches.generate(BatchSpec(product, 1500))


@pytest.fixture
def export(exports: ExportService, batch: int, tmp_path: Path) -> Export:
    def run(format_: str = "csv", *, plain: bool = False, reason: str = "卖给客户", **other: object) -> Exported:
        order = ExportOrder(
            batch_id=batch,
            format=format_,
            out=tmp_path / f"cards.{format_}",
            plain=plain,
            reason=reason if plain else "",
            passphrase=Secret(str(other.get("passphrase", PASSPHRASE))),
        )
        return exports.export(order)

    return run


def codes_of(database: Database, reader: CodeReader, batch_id: int) -> list[str]:
    with database.read() as session:
        batch = session.get_one(Batch, batch_id)
    return [format_code(code) for block in reader.blocks(batch) for code in block.codes()]


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def content(made: Exported) -> str:
    """Everything a reader finds in a file, whatever its format."""
    path = Path(made.file)
    if path.suffix == ".zip":
        assert made.zip_password is not None
        with pyzipper.AESZipFile(path) as bundle:
            bundle.setpassword(made.zip_password.reveal().encode())
            return "".join(bundle.read(name).decode() for name in bundle.namelist())
    if path.suffix == ".xlsx":
        book = CalamineWorkbook.from_path(path)
        return "\n".join(str(row) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python())
    if path.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_masked_by_default_and_known_to_the_audit_log(
    services: Services, vault: OpenVault, reader: CodeReader, export: Export, batch: int, format_: str
) -> None:
    made = export(format_)
    text = re.sub(r"[\s-]", "", content(made))
    codes = codes_of(vault.database, reader, batch)
    for code in codes:
        assert code.replace("-", "")[:-4] not in text
        assert code[-4:] in text
    entry = services.audit.rows(limit=1)[0]
    assert (entry.action, entry.details["format"], entry.details["rows"]) == ("codes.exported", format_, 1500)
    assert entry.details["sha256"] == made.sha256 == hashlib.sha256(Path(made.file).read_bytes()).hexdigest()
    assert services.batches.batch(batch).released_at is None


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_holds_the_very_codes_once_released(
    vault: OpenVault, reader: CodeReader, export: Export, batch: int, format_: str
) -> None:
    text = content(export(format_, plain=True))
    assert all(code in text for code in codes_of(vault.database, reader, batch))


def test_a_csv_reads_back_byte_for_byte(vault: OpenVault, reader: CodeReader, export: Export, batch: int) -> None:
    made = export("csv", plain=True)
    raw = Path(made.file).read_bytes()
    rows = table(made.file)
    assert [row["卡密"] for row in rows] == codes_of(vault.database, reader, batch)
    assert all(is_valid(canonical(row["卡密"])) for row in rows)
    serial = rows[0]["卡号"].removesuffix("-000001")
    assert [row["卡号"] for row in rows] == [f"{serial}-{number:06d}" for number in range(1, 1501)]
    assert {(row["面值（元）"], row["状态"], row["商品"]) for row in rows} == {("200.00", "可用", "中秋福利卡")}
    again = io.StringIO()
    writer = csv.writer(again, lineterminator="\r\n")
    writer.writerow(rows[0].keys())
    writer.writerows(row.values() for row in rows)
    assert b"\xef\xbb\xbf" + again.getvalue().encode() == raw


def test_a_release_takes_the_batch_out_of_the_stock(
    services: Services, vault: OpenVault, export: Export, product: int, batch: int
) -> None:
    export("txt", plain=True, reason=" 卖给天猫 ")
    with vault.database.read() as session:
        assert stock_of(session, product) == 0
        assert session.scalars(select(Batch.taken)).all() == [1500]
    row = services.batches.batch(batch)
    assert row.released_at is not None
    assert (row.counts.active, row.counts.in_stock) == (1500, 0)
    exported, released = services.audit.rows(limit=2)
    assert (released.action, released.details["reason"], released.details["cards"]) == (
        "codes.released",
        "卖给天猫",
        1500,
    )
    assert exported.action == "codes.exported"
    assert services.audit.verify().ok
    export("csv", plain=True)
    assert services.batches.batch(batch).released_at == row.released_at


def test_a_release_needs_a_reason_and_the_passphrase(
    services: Services, export: Export, batch: int, tmp_path: Path
) -> None:
    with pytest.raises(ReasonMissing):
        export("csv", plain=True, reason="  ")
    with pytest.raises(WrongPassphrase):
        export("csv", plain=True, passphrase="wrong")
    assert services.batches.batch(batch).released_at is None
    assert not list(tmp_path.glob("*cards*"))


def test_what_is_somebodys_spent_or_voided_is_not_released(
    services: Services, vault: OpenVault, export: Export, product: int, batch: int
) -> None:
    holders = people(vault, 3)
    with vault.database.write(Topic.CARDS) as session:
        assigned = take(session, product, holders)
    ids = services.cards.ids(CardFilter(batch_id=batch), descending=False)
    services.cards.void(ids[10], reason="印坏了")
    services.cards.freeze(ids[11])
    rows = table(export("csv", plain=True).file)
    numbers = {int(row["卡号"][-6:]) for row in rows}
    assert numbers == set(range(1, 1501)) - {ids.index(card) + 1 for card in assigned} - {11}
    assert [row["状态"] for row in rows if row["卡号"].endswith("000012")] == ["已冻结"]
    released = services.audit.rows(limit=2)[1]
    assert (released.details["cards"], released.details["left_out"]) == (1496, 4)
    counts = services.batches.batch(batch).counts
    assert (counts.assigned, counts.voided, counts.active, counts.in_stock) == (3, 1, 1496, 0)
    everything = table(export("csv").file)
    assert len(everything) == 1500


def test_cards_handed_out_while_the_file_is_written_do_not_stand_in_it(
    vault: OpenVault, exports: ExportService, product: int, batch: int, tmp_path: Path
) -> None:
    holders = people(vault, 2)
    order = ExportOrder(batch, "csv", tmp_path / "cards.csv", True, "卖给客户", Secret(PASSPHRASE))
    taken: list[int] = []

    def meanwhile(done: int, total: int) -> None:
        if not taken:
            with vault.database.write(Topic.CARDS) as session:
                taken.extend(take(session, product, holders))

    made = exports.export(order, meanwhile)
    assert (made.rows, len(table(made.file))) == (1498, 1498)


def test_a_cancel_leaves_no_file_and_no_release(
    services: Services, exports: ExportService, batch: int, tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        raise JobCancelled

    for format_ in FORMATS:
        order = ExportOrder(batch, format_, tmp_path / f"cards.{format_}", True, "卖给客户", Secret(PASSPHRASE))
        with pytest.raises(JobCancelled):
            exports.export(order, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert services.batches.batch(batch).released_at is None
    assert services.audit.rows(limit=1)[0].action == "batch.ready"


def test_a_zip_opens_with_the_password_given_and_with_no_other(
    exports: ExportService, batch: int, tmp_path: Path
) -> None:
    order = ExportOrder(batch, "zip", tmp_path / "中秋.zip", False, "", Secret(""), Secret("我的密码 1"))
    made = exports.export(order)
    assert made.zip_password == Secret("我的密码 1")
    assert "卡号" in content(made)
    with pyzipper.AESZipFile(made.file) as bundle:
        bundle.setpassword(b"other")
        with pytest.raises(RuntimeError):
            bundle.read("中秋.csv")


def test_orders_that_cannot_be_met_are_refused(
    services: Services, exports: ExportService, product: int, batch: int, tmp_path: Path
) -> None:
    def order(**changes: object) -> ExportOrder:
        values: dict[str, object] = {
            "batch_id": batch,
            "format": "csv",
            "out": tmp_path / "cards.csv",
            "plain": True,
            "reason": "卖给客户",
            "passphrase": Secret(PASSPHRASE),
        }
        return ExportOrder(**{**values, **changes})  # type: ignore[arg-type]

    for changes, field in (
        ({"format": "docx"}, "format"),
        ({"out": tmp_path / "nowhere" / "cards.csv"}, "out"),
        ({"out": tmp_path}, "out"),
        ({"zip_password": Secret("x")}, "zip_password"),
    ):
        with pytest.raises(InvalidInput) as refused:
            exports.export(order(**changes))
        assert refused.value.field == field
    with pytest.raises(NotFound):
        exports.export(order(batch_id=99))
    services.batches.void(batch, confirm="1500")
    with pytest.raises(BatchVoided):
        exports.export(order())
    assert {row["状态"] for row in table(exports.export(order(plain=False)).file)} == {"已作废"}


def test_an_unfinished_batch_is_not_exported(
    services: Services, vault: OpenVault, exports: ExportService, product: int, batch: int, tmp_path: Path
) -> None:
    with vault.database.write(Topic.BATCHES) as session:
        session.get_one(Batch, batch).state = "generating"
    with pytest.raises(BatchUnfinished):
        exports.export(ExportOrder(batch, "csv", tmp_path / "cards.csv", False, "", Secret("")))


def test_a_batch_with_nothing_left_is_not_released(
    services: Services, vault: OpenVault, exports: ExportService, product: int, tmp_path: Path
) -> None:
    single = services.batches.generate(BatchSpec(product, 1))
    card = services.cards.ids(CardFilter(batch_id=single))[0]
    services.cards.void(card, reason="丢失")
    with pytest.raises(NotEnoughCards):
        exports.export(ExportOrder(single, "csv", tmp_path / "c.csv", True, "卖", Secret(PASSPHRASE)))


@pytest.mark.parametrize(
    ("pattern", "begins"),
    [("=1+########", "'="), ("KX-####-####", "KX-"), ("@##########", "'@")],
)
def test_codes_that_need_quoting_come_back_whole(
    services: Services,
    vault: OpenVault,
    exports: ExportService,
    reader: CodeReader,
    tmp_path: Path,
    product: int,
    pattern: str,
    begins: str,
) -> None:
    odd = services.batches.generate(BatchSpec(product, 5, pattern))
    made = exports.export(ExportOrder(odd, "csv", tmp_path / "c.csv", True, "卖", Secret(PASSPHRASE)))
    with vault.database.read() as session:
        batch = session.get_one(Batch, odd)
    codes = [code for block in reader.blocks(batch) for code in block.codes()]
    found = [row["卡密"] for row in table(made.file)]
    assert all(code.startswith(begins) for code in found)
    assert [code.removeprefix("'") for code in found] == codes


@pytest.mark.parametrize("pattern", ["LONG", "KX-####-####", "=1+########", "abc##########|0123456789abcdef"])
@pytest.mark.parametrize("format_", ["csv", "xlsx", "txt"])
def test_what_went_out_comes_in_again_as_it_was(
    services: Services,
    exports: ExportService,
    reader: CodeReader,
    vault: OpenVault,
    tmp_path: Path,
    format_: str,
    pattern: str,
) -> None:
    fixed = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
    bought = services.catalog.add(ProductSpec("买", "supplier"))
    made = services.batches.generate(BatchSpec(fixed, 3, pattern))
    out = tmp_path / f"c.{format_}"
    exports.export(ExportOrder(made, format_, out, True, "卖", Secret(PASSPHRASE)))
    back = services.supplier_imports.import_file(out, bought)
    assert (back.read, back.imported, back.problems) == (3, 3, ())
    with vault.database.read() as session:
        theirs = session.get_one(Batch, back.batch_id)
    (block,) = reader.blocks(theirs)
    shown = [
        services.cards.reveal(card, reason="比").reveal() for card in services.cards.ids(CardFilter(batch_id=made))
    ]
    assert [block.fields(at)[-1][1] for at in range(3)] == shown[::-1]


@pytest.mark.parametrize("format_", FORMATS)
def test_supplier_codes_are_masked_and_released_with_all_their_fields(
    services: Services, vault: OpenVault, exports: ExportService, tmp_path: Path, format_: str
) -> None:
    cards = [[["卡号", f"88880000{n:04d}"], ["卡密", f"CANARY{n:04d}"], ["PIN", f"9{n}7"]] for n in range(3)]
    bought = services.catalog.add(ProductSpec("视频会员", "supplier"))
    sealer = Sealer(vault.keys)
    with vault.database.write(Topic.BATCHES) as session:
        values = new_batch(session, session.get_one(Product, bought), len(cards))
        seal, wrapped = sealer.new(values["uid"])
        kind = {"source": "imported", "format": "SUPPLIER", "state": "ready", "made": len(cards), "data_key": wrapped}
        batch = Batch(**values, **kind)
        session.add(batch)
        session.flush()
        session.add(CodeBlock(batch_id=batch.id, no=0, count=3, sealed=seal.seal(0, 3, pack_fields(cards))))
    masked = exports.export(ExportOrder(batch.id, format_, tmp_path / f"m.{format_}", False, "", Secret("")))
    assert not any(pin in content(masked) for pin in ("CANARY", "907", "917", "927"))
    plain = exports.export(ExportOrder(batch.id, format_, tmp_path / f"p.{format_}", True, "卖", Secret(PASSPHRASE)))
    text = content(plain)
    assert all(value in text for fields in cards for _, value in fields)


@pytest.mark.parametrize(
    ("fields", "tail"),
    [
        ([["卡号", "888800001234"], ["PIN", "9071"]], "1234"),
        ([["密码", "907122"]], "22"),
        ([["PIN", "9071"]], "1"),
        ([["PIN", "90"]], ""),
    ],
)
def test_the_shown_end_of_a_supplier_code_is_never_all_of_it(fields: list[list[str]], tail: str) -> None:
    assert OpenBlock(0, 1, 0, pack_fields([fields])).tail(0) == tail


def test_the_shown_end_of_a_code_of_ours_is_four_symbols() -> None:
    assert OpenBlock(0, 2, 8, b"ABCDEFGHJKMNPQRS").tail(1) == "PQRS"
