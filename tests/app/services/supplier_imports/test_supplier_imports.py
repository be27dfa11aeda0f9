"""Supplier codes: every usual file goes in, damaged rows are told apart, and all of a file is there or nothing."""

import logging
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import FileUnreadable, InvalidInput, JobCancelled, NotFound, QuantityOutOfRange
from app.services import Services
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.supplier_imports import ImportResult, SupplierImportService, rows
from app.services.vault.vaults import OpenVault
from tests.app.services.supplier_imports.parts import fields_of, stored, values_of, write_xlsx

CODES = [f"Ab0{n:05d}-xY" for n in range(30)]


# --- formats ---

PAIRS = [("6001000000000001", "aB3-=x"), ("6001000000000002", "0012345"), ("6001000000000003", "ZZ top1")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("卡号,密码\n" + "\n".join(f"{no},{word}" for no, word in PAIRS), PAIRS),
        ("\n".join(f"{no},{word}" for no, word in PAIRS), PAIRS),
        ("\n".join(f"{no}----{word}" for no, word in PAIRS), PAIRS),
        ("卡号----密码\n" + "\n".join(f"{no}----{word}" for no, word in PAIRS), PAIRS),
        ("\n".join(f"{no}\t{word}" for no, word in PAIRS), PAIRS),
        ("\n".join(f"卡号:{no} 密码:{word}" for no, word in PAIRS), PAIRS),
        ("\n".join(f"卡号: {no},密码: {word}" for no, word in PAIRS), PAIRS),
        ("\n".join(f"{no}  {word}" for no, word in PAIRS[:2]), PAIRS[:2]),
        ("密码\t备注\t卡号\n" + "\n".join(f"{word}\t赠品\t{no}" for no, word in PAIRS), PAIRS),
        ("供应商发货单\n\n序号,卡号,卡密\n" + "\n".join(f"{n},{no},{w}" for n, (no, w) in enumerate(PAIRS)), PAIRS),
        ("\n".join(CODES), [(code,) for code in CODES]),
        ("兑换码\r\n" + "\r\n".join(CODES), [(code,) for code in CODES]),
        ("Your voucher\n" + "\n".join(CODES), [(code,) for code in CODES]),
        ("ABCD EFGH 1234\nABCD EFGH 1235\n", [("ABCD EFGH 1234",), ("ABCD EFGH 1235",)]),
        ("ABCD EFGH\nIJKL MNOP\n", [("ABCD EFGH",), ("IJKL MNOP",)]),
        (
            "https://a.example/x?c=1\nhttps://a.example/x?c=2",
            [("https://a.example/x?c=1",), ("https://a.example/x?c=2",)],
        ),
        ("a1b----pass-1\na2b-----dash\na3b----x", [("a1b", "pass-1"), ("a2b", "-dash"), ("a3b", "x")]),
        (
            "链接 | PIN\nhttps://e.example/1 | 0071\nhttps://e.example/2 | 0072",
            [("0071", "https://e.example/1"), ("0072", "https://e.example/2")],
        ),
    ],
)
def test_every_usual_layout_gives_the_codes(
    imports: SupplierImportService, vault: OpenVault, product: int, text: str, expected: list[tuple[str, ...]]
) -> None:
    result = imports.import_text(text, product)
    assert result.problems == ()
    assert (result.read, result.imported, result.duplicates) == (len(expected), len(expected), 0)
    assert values_of(vault, result) == expected


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_a_csv_of_any_encoding_goes_in_and_says_how_it_was_read(
    imports: SupplierImportService, vault: OpenVault, product: int, tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(("卡号,密码\r\n" + "\r\n".join(f"{no},{word}" for no, word in PAIRS)).encode(encoding))
    result = imports.import_file(path, product)
    assert values_of(vault, result) == PAIRS
    assert (result.delimiter, result.header) == (",", ("卡号", "密码"))
    assert result.encoding.startswith(encoding)


def test_a_workbook_with_text_cells_goes_in(
    imports: SupplierImportService, vault: OpenVault, product: int, tmp_path: Path
) -> None:
    path = write_xlsx(tmp_path / "codes.xlsx", [["卡号", "密码"], *([no, word] for no, word in PAIRS)])
    result = imports.import_file(path, product)
    assert values_of(vault, result) == PAIRS
    assert fields_of(vault, result.batch_ids[0])[0] == [["卡号", PAIRS[0][0]], ["密码", PAIRS[0][1]]]


@pytest.mark.parametrize(("second", "shown"), [("密码", "密码 2"), ("密码2", "密码2"), ("密码 2", "密码 2")])
def test_a_second_password_is_kept_and_told_apart(
    imports: SupplierImportService, vault: OpenVault, product: int, second: str, shown: str
) -> None:
    result = imports.import_text(f"卡号,密码,{second}\na1,p1,x1\na2,p2,x2\n", product)
    assert result.batch_id is not None
    assert fields_of(vault, result.batch_id)[0] == [["卡号", "a1"], ["密码", "p1"], [shown, "x1"]]


def test_columns_that_reach_nobody_are_told(imports: SupplierImportService, product: int) -> None:
    result = imports.import_text("序号,卡号,密码,,客服\n1,a1,p1,,\n2,a2,p2,vip,\n", product, dry_run=True)
    assert result.unused == ("序号", "D")


def test_codes_on_a_hidden_sheet_went_elsewhere(
    imports: SupplierImportService, vault: OpenVault, product: int, tmp_path: Path
) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "codes.xlsx")) as book:
        for name, rows in (("本次", 1), ("已发往期", 9)):
            sheet = book.add_worksheet(name)
            for row, cells in enumerate([("卡号", "密码"), *((f"{name}A{no}", f"p{no}") for no in range(rows))]):
                sheet.write_row(row, 0, cells)
        sheet.hide()
    result = imports.import_file(tmp_path / "codes.xlsx", product)
    assert (result.read, values_of(vault, result)) == (1, [("本次A0", "p0")])


def test_a_chosen_mapping_beats_the_guess(imports: SupplierImportService, vault: OpenVault, product: int) -> None:
    text = "甲,乙,丙\n" + "\n".join(f"x,{word},{no}" for no, word in PAIRS)
    result = imports.import_text(text, product, mapping={"card_no": 2, "password": 1})
    assert values_of(vault, result) == PAIRS


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [({"owner": 0}, "unknown-kind"), ({"code": 7}, "out-of-range"), ({"face": 0}, "no-code-column")],
)
def test_a_mapping_that_cannot_be_is_refused(
    imports: SupplierImportService, product: int, mapping: dict[str, int], reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        imports.import_text("a1,b1\na2,b2\n", product, mapping=mapping)
    assert (refused.value.field, refused.value.reason) == ("mapping", reason)


def test_unknown_headings_over_several_columns_are_asked_about(imports: SupplierImportService, product: int) -> None:
    text = "甲,乙\n" + "\n".join(f"{no},{word}" for no, word in PAIRS)
    with pytest.raises(InvalidInput):
        imports.import_text(text, product)
    preview = imports.preview(text)
    assert preview.header == ("甲", "乙")
    assert preview.mapping == {}


# --- what is kept ---


def test_a_code_is_kept_byte_for_byte_and_shown_by_its_card(
    imports: SupplierImportService, services: Services, product: int
) -> None:
    code = "o0-İß é 中Ａ\"'=+\\%s {x}"
    imports.import_text(f"兑换码\n{code}\n", product)
    (card_id,) = services.cards.ids(CardFilter())
    assert services.cards.reveal(card_id, reason="test").reveal() == code
    assert services.cards.detail(card_id).row.tail == code[-4:]
    assert services.cards.find_by_code(code) == card_id


def test_a_card_of_two_fields_is_found_by_its_number_or_by_all_of_it(
    imports: SupplierImportService, services: Services, product: int
) -> None:
    imports.import_text("卡号,密码\nN-100,secret7\nN-101,secret7\n", product)
    assert len({services.cards.find_by_code("N-100"), services.cards.find_by_code("N-101")}) == 2
    assert services.cards.find_by_code("N-100 secret7") == services.cards.find_by_code("N-100")
    assert services.cards.find_by_code("secret7") is None


def test_different_validities_and_faces_become_batches_of_their_own(
    imports: SupplierImportService, services: Services, product: int
) -> None:
    text = (
        "兑换码,有效期,面额\n"
        "a1,2099-12-31,100\n"
        "a2,2099/12/31,¥100.00\n"
        "a3,20981231,50元\n"
        "a4,2099年12月31日,50\n"
        "a5,,\n"
        "a6,长期有效,\n"
        "a7,2026-01-01至2099-12-31,100\n"
    )
    result = imports.import_text(text, product)
    found = [services.batches.batch(batch_id) for batch_id in result.batch_ids]
    end = datetime(2099, 12, 31, 15, 59, 59, tzinfo=UTC)
    assert [(b.quantity, b.face_minor, b.valid_until) for b in found] == [
        (3, 10_000, end),
        (1, 5_000, end.replace(year=2098)),
        (1, 5_000, end),
        (2, 3_000, None),
    ]
    assert result.batch_id == result.batch_ids[0]
    assert {(b.source, b.format, b.state, b.made == b.quantity) for b in found} == {
        ("imported", "SUPPLIER", "ready", True)
    }


def test_dates_of_a_workbook_are_validities(
    imports: SupplierImportService, services: Services, product: int, tmp_path: Path
) -> None:
    path = write_xlsx(tmp_path / "codes.xlsx", [["券码", "到期日"], ["a1", date(2099, 6, 30)], ["a2", 73050]])
    result = imports.import_file(path, product)
    days = [services.batches.batch(batch_id).valid_until for batch_id in result.batch_ids]
    assert days == [datetime(2099, 6, 30, 15, 59, 59, tzinfo=UTC), datetime(2099, 12, 31, 15, 59, 59, tzinfo=UTC)]


# --- twice, half, not at all ---


def test_a_second_import_of_the_same_file_adds_nothing(
    imports: SupplierImportService, vault: OpenVault, product: int
) -> None:
    text = "卡号,密码\n" + "\n".join(f"{no},{word}" for no, word in [*PAIRS, PAIRS[0]])
    first = imports.import_text(text, product)
    before = stored(vault)
    again = imports.import_text(text, product)
    assert (first.imported, first.duplicates) == (3, 1)
    assert (again.imported, again.duplicates, again.batch_id, again.batch_ids) == (0, 4, None, ())
    assert stored(vault) == before


def test_the_same_codes_under_another_heading_are_known(imports: SupplierImportService, product: int) -> None:
    imports.import_text("兑换码\n" + "\n".join(CODES), product)
    assert imports.import_text("卡号\n" + "\n".join(CODES), product).duplicates == len(CODES)


def test_a_longer_file_adds_only_what_is_new(imports: SupplierImportService, vault: OpenVault, product: int) -> None:
    imports.import_text("\n".join(CODES[:20]), product)
    result = imports.import_text("\n".join(CODES), product)
    assert (result.imported, result.duplicates) == (10, 20)
    assert values_of(vault, result) == [(code,) for code in CODES[20:]]


def test_a_dry_run_tells_the_same_and_changes_nothing(
    imports: SupplierImportService, services: Services, vault: OpenVault, product: int, tmp_path: Path
) -> None:
    path = tmp_path / "codes.txt"
    path.write_text("\n".join([*CODES, CODES[0], "****"]), encoding="utf-8")
    before = (stored(vault), len(services.audit.rows()))
    dry = imports.import_file(path, product, dry_run=True)
    assert (stored(vault), len(services.audit.rows())) == before
    wet = imports.import_file(path, product)
    assert (dry.read, dry.imported, dry.duplicates, dry.problems) == (
        wet.read,
        wet.imported,
        wet.duplicates,
        wet.problems,
    )
    assert (dry.batch_id, wet.imported) == (None, 30)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7, 0.99])
def test_a_cancel_leaves_nothing(
    imports: SupplierImportService, services: Services, vault: OpenVault, product: int, share: float
) -> None:
    def cancel(done: int, total: int) -> None:
        if done >= total * share:
            raise JobCancelled

    before = (stored(vault), len(services.audit.rows()))
    with pytest.raises(JobCancelled):
        imports.import_text("\n".join(f"c{n:06d}" for n in range(5000)), product, progress=cancel)
    assert (stored(vault), len(services.audit.rows())) == before


def test_codes_that_another_import_stored_meanwhile_are_duplicates(
    imports: SupplierImportService, vault: OpenVault, product: int
) -> None:
    others: list[ImportResult] = []

    def overtake(done: int, total: int) -> None:
        if not others and done > total / 3:
            others.append(imports.import_text("\n".join(CODES[:10]), product))

    result = imports.import_text("\n".join(CODES), product, progress=overtake)
    assert (others[0].imported, result.imported, result.duplicates) == (10, 20, 10)
    assert values_of(vault, result) == [(code,) for code in CODES[10:]]


def test_several_blocks_keep_the_order_of_the_file(
    imports: SupplierImportService, services: Services, vault: OpenVault, product: int
) -> None:
    codes = [f"c{n:06d}" for n in range(3000)]
    told: list[tuple[int, int]] = []
    result = imports.import_text("\n".join(codes), product, progress=lambda *at: told.append(at))
    assert values_of(vault, result) == [(code,) for code in codes]
    assert all(0 <= done <= total for done, total in told)
    ids = services.cards.ids(CardFilter(), sort="serial", descending=False)
    assert services.cards.find_by_code(codes[2999]) == ids[2999]


def test_an_import_is_in_the_audit_log_with_hash_and_counts_but_no_code(
    imports: SupplierImportService, services: Services, product: int
) -> None:
    imports.import_text("\n".join([*CODES, CODES[0]]), product)
    (entry,) = [entry for entry in services.audit.rows() if entry.action == "codes.imported"]
    assert {name: entry.details[name] for name in ("read", "imported", "duplicates", "problems", "batches")} == {
        "read": 31,
        "imported": 30,
        "duplicates": 1,
        "problems": 0,
        "batches": 1,
    }
    assert len(str(entry.details["file"])) == 64
    assert not any(code in repr(entry) for code in CODES)


def test_nothing_of_a_code_is_logged(
    imports: SupplierImportService, product: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        imports.import_text("\n".join(CODES), product)
    assert not any(code in caplog.text for code in CODES)


def test_a_preview_masks_codes_and_names_the_columns(imports: SupplierImportService, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes("卡号,密码,有效期\n6001000000000001,secret99,2099-12-31\n".encode("gb18030"))
    preview = imports.preview(path)
    assert (preview.encoding, preview.delimiter, preview.rows) == ("gb18030", ",", 1)
    assert preview.mapping == {"card_no": 0, "password": 1, "valid_until": 2}
    assert [(c.name, c.field, c.samples) for c in preview.columns] == [
        ("卡号", "card_no", ("····0001",)),
        ("密码", "password", ("····99",)),
        ("有效期", "valid_until", ("2099-12-31",)),
    ]


# --- refusals ---


def test_only_a_product_of_a_supplier_takes_codes(imports: SupplierImportService, services: Services) -> None:
    own = services.catalog.add(ProductSpec("礼品卡", "fixed", face_minor=10_000))
    with pytest.raises(InvalidInput) as refused:
        imports.import_text("a1\na2\n", own)
    assert (refused.value.field, refused.value.reason) == ("product", "not-from-a-supplier")
    with pytest.raises(NotFound):
        imports.import_text("a1\n", 4711)


def test_an_empty_paste_and_too_many_rows_are_refused(
    imports: SupplierImportService, product: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for nothing in (" \n", "卡号,密码\n"):
        with pytest.raises(InvalidInput):
            imports.import_text(nothing, product)
    with pytest.raises(FileUnreadable):
        imports.import_file(tmp_path / "none.csv", product)
    with pytest.raises(QuantityOutOfRange):
        imports.import_text("\n".join(f"c{n}" for n in range(rows.LARGEST + 1)), product)


codes = st.text(st.sampled_from("AbZ019_-+/=.:中é%"), min_size=1, max_size=20).filter(
    lambda text: any(sign.isalpha() for sign in text)
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(codes, codes), min_size=1, max_size=20, unique=True))
def test_any_code_in_quotes_comes_back_the_same(
    imports: SupplierImportService, vault: OpenVault, product: int, pairs: list[tuple[str, str]]
) -> None:
    text = "卡号\t密码\n" + "\n".join(f"{no}\t{word}" for no, word in pairs)
    result = imports.import_text(text, product)
    assert result.imported + result.duplicates == len(pairs)
    assert set(values_of(vault, result)) <= set(pairs)
