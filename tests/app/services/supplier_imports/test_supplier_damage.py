"""Rows of supplier files that cannot be given to anybody: told with line and reason, never stored."""

from datetime import date
from pathlib import Path

import pytest

from app.messages import REASONS
from app.services.supplier_imports import SupplierImportService
from app.services.vault.vaults import OpenVault
from tests.app.services.supplier_imports.parts import values_of, write_xlsx


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("卡号,密码\nn1,p1\nn2,\nn3,p3\n", 3, "code-missing"),
        ("卡号,密码\nn1,p1\nn2,p2,x\nn3,p3\n", 3, "code-parts-differ"),
        ("n1----p1\nn2----p2----p3\nn4----p4\n", 2, "code-parts-differ"),
        ("n1----p1\n坏的一行\nn4----p4\n", 2, "code-missing"),
        ("兑换码\nabc1\n1.23457E+17\n", 3, "code-scientific"),
        ("兑换码\nabc1\nab\ufffdc2\n", 3, "code-unreadable"),
        ("兑换码\nabc1\nab\u200bc2\n", 3, "code-unreadable"),
        ("兑换码\nabc1\n6225****8888\n", 3, "code-hidden"),
        ("兑换码\nabc1\n" + "x" * 2001, 3, "code-too-long"),
        ("兑换码,有效期\nabc1,2099-01-01\nabc2,2020-01-01\n", 3, "in-the-past"),
        ("兑换码,有效期\nabc1,2099-01-01\nabc2,2099-02-30\n", 3, "not-a-date"),
        ("兑换码,有效期\nabc1,2099-01-01\nabc2,soon\n", 3, "not-a-date"),
        ("兑换码,面额\nabc1,100\nabc2,about 5\n", 3, "not-a-number"),
        ("兑换码,面额\nabc1,100\nabc2,0\n", 3, "out-of-range"),
        ("兑换码\n" + "".join(f"{n * 7919 % 900000 + 100000}\n" for n in range(20)) + "4711\n", 22, "code-zeros-lost"),
        ("兑换码\n" + "6228480000000010000\n6228480000000020000\n6x\n", 2, "code-digits-lost"),
    ],
)
def test_a_bad_row_is_told_with_line_and_reason_and_the_good_ones_go_in(
    imports: SupplierImportService, product: int, text: str, line: int, reason: str
) -> None:
    result = imports.import_text(text, product)
    assert (result.problems[0].line, result.problems[0].reason) == (line, reason)
    assert reason in REASONS
    assert result.imported == result.read - len(result.problems) > 0


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (6228480000000012345, "code-digits-lost"),
        (1.23e17, "code-digits-lost"),
        (12.5, "code-digits-lost"),
        (date(2026, 3, 12), "code-became-date"),
        (123456, "code-zeros-lost"),
    ],
)
def test_what_excel_made_of_a_code_is_refused(
    imports: SupplierImportService, vault: OpenVault, product: int, tmp_path: Path, cell: object, reason: str
) -> None:
    lines: list[list[object]] = [
        ["卡号", "密码"],
        ["00123457", "x1"],
        ["00123458", "x2"],
        [cell, "x3"],
        [12345678, "x4"],
    ]
    result = imports.import_file(write_xlsx(tmp_path / "codes.xlsx", lines), product)
    assert [(problem.line, problem.reason) for problem in result.problems] == [(4, reason)]
    assert [values[0] for values in values_of(vault, result)] == ["00123457", "00123458", "12345678"]


def test_counted_up_numbers_are_not_taken_for_damage(imports: SupplierImportService, product: int) -> None:
    result = imports.import_text("卡号\n" + "".join(f"{n}\n" for n in range(999_990, 1_000_030)), product)
    assert (result.imported, result.problems) == (40, ())


def test_all_problems_are_listed_at_once_and_none_shows_a_code(imports: SupplierImportService, product: int) -> None:
    lines = [f"topsecret{n:04d}," if n % 2 else f"topsecret{n:04d},pw{n}" for n in range(2000)]
    result = imports.import_text("卡号,密码\n" + "\n".join(lines), product)
    assert len(result.problems) == result.imported == 1000
    assert "topsecret" not in repr(result)
    assert result.problems[0].value_masked == "····0001"
