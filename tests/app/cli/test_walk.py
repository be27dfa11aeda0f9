"""The whole trade by commands alone, on files as hard as they come: every number must add up to the fen."""

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from python_calamine import load_workbook

from app.words import yuan
from tests.app.services.mail_peer import mail_peer
from tests.drivers.holder import Holder
from tests.drivers.rosters import PEOPLE, ROUNDED_AT, people, write_hard_roster
from tests.drivers.terminal import Terminal

pytestmark = pytest.mark.timeout(600)  # some fifty processes, each with a key derivation of its own

PRODUCTS = {
    "fixed": ("福利卡", "--face", "200.00"),
    "variable": ("储值卡", "--min", "1", "--max", "500", "--step", "0.01"),
    "exchange": ("大闸蟹券", "--uses", "3"),
    "supplier": ("视频会员", "--target-url", "https://video.example/{code}"),
}
FIXED, VARIABLE = 1, 2
"""Ids of the first two when all are added."""
FACE, AMOUNT, USED = 20_000, 12_888, 5_001
MAILED = 3
TITLE_AND_HEADINGS = 2
CODE_FILES = {"codes.csv": (43, 40, 1, 2), "codes.txt": (30, 30, 0, 0), "codes.xlsx": (23, 20, 0, 3)}
"""File → rows read, imported, said twice, damaged."""


def test_five_hundred_people_get_one_card_each_and_every_fen_is_accounted_for(served: Terminal, tmp_path: Path) -> None:
    add_products(served)
    generate(served, FIXED, 520)
    generate(served, VARIABLE, 5, amount="128.88")
    import_people(served, tmp_path)
    give_by_file(served, tmp_path)
    assert served.do("sync").items() >= {"rejected": 0, "pending": 0}.items()
    holder, serial = give_by_mail(served, tmp_path)
    redeem_at_the_phone(served, holder)
    served.do("sync")
    assert_figures(served)
    redeem_and_reverse_at_the_counter(served, serial)
    top_up_and_refund(served, serial)
    assert_figures(served)
    assert_receipt_adds_up(served, tmp_path)
    assert_everything_holds(served)


def test_a_backup_becomes_a_vault_that_holds_the_same(tmp_path: Path) -> None:
    desk = Terminal(tmp_path / "数据 desk")
    new = desk.do("init", "--merchant", "云杉科技", "--purpose", "welfare")
    assert re.fullmatch(r"([0-9A-Z]{4}-){6}[0-9A-Z]{4}", new["recovery_key"])
    assert {"vault_id", "merchant_id"} <= new.keys()
    add_products(desk, "fixed")
    generate(desk, FIXED, 30)
    made = desk.do("backup", "create", "--to", tmp_path / "备份")
    assert made["ok"]
    assert desk.do("backup", "verify", made["file"]).items() >= {"ok": True, "findings": []}.items()
    other = Terminal(tmp_path / "elsewhere")
    assert other.do("backup", "restore", made["file"]).items() >= {"ok": True, "findings": []}.items()
    assert_everything_holds(other)
    assert other.do("batch", "list") == desk.do("batch", "list")
    assert other.do("card", "reveal", serial_of(desk, 1), "--reason", "抽查")["code"]
    assert desk.refused("backup", "restore", made["file"])["code"] == "vault-exists"


def test_codes_come_in_from_any_file_once_and_damaged_ones_are_named(desk: Terminal, tmp_path: Path) -> None:
    add_products(desk, "supplier")
    write_codes(tmp_path)
    dry = desk.do("codes", "import", tmp_path / "codes.csv", "--product", 1, "--dry-run")
    assert (dry["imported"], dry["batch_id"]) == (40, None)
    found = {}
    for name, counts in CODE_FILES.items():
        done = found[name] = desk.do("codes", "import", tmp_path / name, "--product", 1)
        assert (done["read"], done["imported"], done["duplicates"], len(done["problems"])) == counts, name
    assert (found["codes.csv"]["encoding"], found["codes.csv"]["delimiter"]) == ("gb18030", ",")
    assert found["codes.csv"]["header"] == ["卡号", "密码", "有效期至"]
    assert found["codes.txt"]["delimiter"] == "\t"
    damaged = found["codes.xlsx"]["problems"]
    assert [problem["kind"] for problem in damaged] == ["code-digits-lost", "code-scientific", "code-zeros-lost"]
    assert [problem["line"] for problem in damaged] == [22, 23, 24]
    assert all(set(problem) == {"line", "kind", "reason", "value_masked"} for problem in damaged)
    for name, (_, imported, twice, _) in CODE_FILES.items():
        again = desk.do("codes", "import", tmp_path / name, "--product", 1)
        assert (again["imported"], again["duplicates"], again["batch_ids"]) == (0, imported + twice, []), name
    assert [row["in_stock"] for row in desk.do("product", "list")["products"]] == [90]


def test_a_batch_goes_out_masked_and_plain_only_with_a_reason(desk: Terminal, tmp_path: Path) -> None:
    add_products(desk, "fixed")
    generate(desk, FIXED, 12)
    masked, plain = tmp_path / "masked.csv", tmp_path / "plain.csv"
    made = desk.do("batch", "export", 1, "--format", "csv", "--out", masked)
    assert (made["rows"], made["sha256"]) == (12, hashlib.sha256(masked.read_bytes()).hexdigest())
    assert desk.refused("batch", "export", 1, "--format", "csv", "--out", plain, "--plain")["code"] == "reason-missing"
    assert not plain.exists()
    assert desk.do("batch", "export", 1, "--format", "csv", "--out", plain, "--plain", "--reason", "印刷")["rows"] == 12
    shown, codes = column(masked, "卡密"), column(plain, "卡密")
    assert all(re.fullmatch("····[0-9A-Z]{4}", one) for one in shown)
    assert [one[-4:] for one in shown] == [code[-4:] for code in codes]
    assert len(set(codes)) == 12
    assert desk.do("card", "show", codes[4])["serial"] == column(plain, "卡号")[4]
    issued = desk.do("dashboard")["issued"]
    assert issued == {"count": 12, "minor": 12 * FACE}


# --- the parts of the walk ---


def add_products(desk: Terminal, *kinds: str) -> None:
    """Products of these kinds, with ids from 1."""
    for number, kind in enumerate(kinds or PRODUCTS, 1):
        name, *more = PRODUCTS[kind]
        added = desk.do("product", "add", "--name", name, "--kind", kind, *more)
        assert (added["id"], added["name"], added["kind"]) == (number, name, kind)


def generate(desk: Terminal, product: int, quantity: int, *, amount: str | None = None) -> None:
    more = () if amount is None else ("--amount", amount)
    made = desk.do("batch", "generate", "--product", product, "--quantity", quantity, *more)
    assert (made["quantity"], made["state"]) == (quantity, "ready")
    assert {"id", "serial", "seconds"} <= made.keys()
    counts = desk.do("batch", "show", made["id"])["counts"]
    assert counts == {"in_stock": quantity, "assigned": 0, "active": 0, "spent": 0, "voided": 0}


def import_people(desk: Terminal, folder: Path) -> None:
    good = write_hard_roster(folder / "roster.csv")
    dry = desk.do("people", "import", folder / "roster.csv", "--dry-run")
    assert desk.do("people", "list") == {"people": []}
    done = desk.do("people", "import", folder / "roster.csv")
    found = ("encoding", "header", "read", "good", "repaired", "problems", "duplicates")
    assert [dry[name] for name in found] == [done[name] for name in found]
    assert (done["encoding"], done["header"], done["read"]) == ("gb18030", TITLE_AND_HEADINGS, PEOPLE)
    assert (done["imported"], done["merged"], len(done["problems"])) == (len(good), 1, len(ROUNDED_AT) + 1)
    faults = {problem["line"]: problem["kind"] for problem in done["problems"]}
    first = TITLE_AND_HEADINGS + 1
    assert faults == {first + at: "phone-damaged" for at in ROUNDED_AT} | {first + 499: "duplicate-phone"}
    assert [group["same_name"] for group in done["duplicates"]] == [True, False]
    repaired = Counter(repair["kind"] for repair in done["repaired"])
    assert repaired["phone-normalised"] > 190
    assert repaired["phone-from-number"] > 90
    assert desk.do("people", "import", folder / "roster.csv")["nothing_new"]
    listed = Counter(row["name"] for row in desk.do("people", "list")["people"])
    assert listed == Counter(person.name for person in good)


def give_by_file(desk: Terminal, folder: Path) -> None:
    order = ("distribute", "--product", FIXED, "--people", folder / "roster.csv", "--channel", "file")
    assert desk.refused(*order, "--zip-password-env", "KX_NOTHING")["data"]["field"] == "zip_password_env"
    given = desk.do(*order, "--out", folder / "给人事")
    cards = PEOPLE - len(ROUNDED_AT) - 2
    assert (given["sent"], given["failed"], given["prepared"], given["recalled"]) == (cards, 0, 0, 0)
    assert given["total_minor"] == cards * FACE
    assert given["people"] == given["sent"] + given["skipped"]
    rows = sheet(Path(given["files"][0]))
    assert len({row["卡密"] for row in rows}) == len(rows) == cards
    again = desk.do(*order, "--out", folder / "给人事")
    assert (again["sent"], again["skipped"], again["files"], again["total_minor"]) == (0, given["people"], [], 0)
    counts = desk.do("batch", "show", 1)["counts"]
    assert (counts["in_stock"], counts["assigned"] + counts["active"]) == (520 - cards, cards)


def give_by_mail(desk: Terminal, folder: Path) -> tuple[Holder, str]:
    """The holder of the first mail, and the serial of the second one's card."""
    short = folder / "mailed.csv"
    chosen = people(MAILED)
    short.write_text("姓名,手机号,邮箱,部门,,,\n" + "".join(f"{one.line}\n" for one in chosen), "utf-8-sig")
    order = ("distribute", "--product", VARIABLE, "--people", short, "--channel", "email", "--amount", "128.88")
    assert desk.refused(*order)["data"] == {"reason": "mail-not-set-up", "said": ""}
    assert len(desk.do("distribution", "list")["distributions"]) == 2
    with mail_peer(folder) as (peer, setting, _):
        desk.more["SSL_CERT_FILE"] = str(folder / "peer.crt")
        set_mail_server(desk, setting)
        done = desk.do(*order)
        reminded = [
            desk.do("distribution", "remind", done["id"], *more)["sent"] for more in ((), ("--days", 0), ("--days", 0))
        ]
    assert (done["sent"], done["failed"], done["total_minor"]) == (MAILED, 0, MAILED * AMOUNT)
    assert reminded == [0, MAILED, 0]
    assert sorted(peer.receivers) == sorted(one.email for one in chosen * 2)
    first = next(mail for mail, to in zip(peer.arrived, peer.receivers, strict=True) if to == chosen[0].email)
    body = first.get_body(("plain",))
    assert body is not None
    link = re.search(r"http://\S+/c/\S+#\S+", body.get_content())
    assert link is not None
    shown = desk.do("distribution", "show", done["id"])
    return Holder(link[0], chosen[0].phone[-4:]), shown["deliveries"][1]["serial"]


def redeem_at_the_phone(desk: Terminal, holder: Holder) -> None:
    before = holder.state()
    assert (before["state"]["link"], before["gate_kind"]) == ("waiting", "phone_tail")
    assert holder.ask("open").json()["type"].endswith("/gate-required")
    card = holder.open()
    assert (card["kind"], card["face_minor"], card["holder"]) == ("variable", AMOUNT, people(1)[0].name)
    assert holder.claim()["state"]["link"] == "claimed"
    op_id = "0a0b0c0d-1111-4222-8333-444455556666"
    done = holder.redeem(card, USED, op_id)
    assert done.status_code == 200, done.text
    assert (done.json()["redeemed_minor"], done.json()["remaining_minor"]) == (USED, AMOUNT - USED)
    assert holder.redeem(card, USED, op_id).json() == done.json()
    too_much = holder.redeem(card, AMOUNT)
    assert (too_much.status_code, too_much.json()["remaining_minor"]) == (409, AMOUNT - USED)


def top_up_and_refund(desk: Terminal, serial: str) -> None:
    """What was put onto a card is paid out again, so that every fen is where it was."""
    done = desk.do("card", "top-up", serial, "50", "--reason", "充值", "--place", "总店")
    assert (done["outcome"], done["remaining_minor"]) == ("topped_up", AMOUNT + 5_000)
    assert desk.refused("card", "top-up", serial, "50")["code"] == "reason-missing"
    assert desk.refused("card", "top-up", serial, "a", "--reason", "x")["code"] == "invalid-input"
    said = desk.run("card", "refund", serial, "--amount", "20.00", "--reason", "退", as_json=False).out.strip()
    assert said == f"已退还 {yuan(2_000)}，剩余 {yuan(AMOUNT + 3_000)}"
    refused = desk.refused("card", "refund", serial, "--amount", "1000", "--reason", "退")
    assert (refused["code"], refused["data"]["reason"]) == ("payment-refused", "insufficient-balance")
    back = desk.do("card", "refund", serial, "--amount", "30", "--reason", "退")
    assert (back["outcome"], back["remaining_minor"]) == ("refunded", AMOUNT)


def redeem_and_reverse_at_the_counter(desk: Terminal, serial: str) -> None:
    code = desk.do("card", "reveal", serial, "--reason", "到店代刷")["code"]
    done = desk.do("redeem", code, "--amount", "100")
    assert (done["outcome"], done["redeemed_minor"], done["remaining_minor"]) == ("redeemed", 10_000, AMOUNT - 10_000)
    assert desk.refused("redeem", code, "--amount", "100")["code"] == "redemption-refused"
    assert desk.refused("reverse", done["redemption_id"])["code"] == "reason-missing"
    back = desk.do("reverse", done["redemption_id"], "--reason", "刷错了")
    assert (back["outcome"], back["remaining_minor"]) == ("reversed", AMOUNT)
    said = desk.run("redeem", code, "--amount", "0.01", as_json=False).out.splitlines()
    assert said[0] == f"已核销 ¥0.01，剩余 {yuan(AMOUNT - 1)}"
    desk.do("reverse", said[1].removeprefix("核销编号："), "--reason", "试一下")
    assert desk.refused("reverse", done["redemption_id"], "--reason", "再来")["data"]["reason"] == "already-reversed"
    desk.do("sync")
    card = desk.do("card", "show", serial)
    assert (card["state"], card["balance_minor"]) == ("active", AMOUNT)
    assert [entry["what"] for entry in card["timeline"]][-2:] == ["redeemed", "reversed"]


# --- what must hold ---


def assert_figures(desk: Terminal) -> None:
    """Issued, redeemed and what is owed, to the fen."""
    shown = desk.do("dashboard")
    by_file = PEOPLE - len(ROUNDED_AT) - 2
    issued = by_file * FACE + MAILED * AMOUNT
    assert shown["issued"] == {"count": by_file + MAILED, "minor": issued}
    assert shown["redeemed"] == {"count": 1, "minor": USED}
    assert shown["outstanding_minor"] == issued - USED
    assert {row["product_id"]: (row["issued_minor"], row["redeemed_minor"]) for row in shown["by_product"]} == {
        FIXED: (by_file * FACE, 0),
        VARIABLE: (MAILED * AMOUNT, USED),
    }
    assert [len(day) for day in shown["heatmap"]] == [24] * 7
    assert sum(map(sum, shown["heatmap"])) == 1
    steps = {step["step"]: step["count"] for step in shown["funnel"]}
    assert (steps["issued"], steps["claimed"], steps["redeemed"]) == (by_file + MAILED, 1, 1)
    assert shown["rates"]["redemption_money"] == pytest.approx(USED / issued)


def assert_receipt_adds_up(desk: Terminal, folder: Path) -> None:
    """The receipt of the mails is a workbook whose amounts make its total; the big one is a PDF, too."""
    mailed = desk.do("distribution", "list")["distributions"][0]
    out = folder / "回执.xlsx"
    assert desk.do("receipts", mailed["id"], "--out", out)["file"] == str(out)
    lines = sheet(out)
    assert [line["姓名"] for line in lines] == [person.name for person in people(MAILED)]
    assert sum(round(float(line["金额（元）"]) * 100) for line in lines) == MAILED * AMOUNT == mailed["total_minor"]
    totals = [list(map(str, row)) for row in load_workbook(out).get_sheet_by_index(1).to_python()]
    assert any("386.64" in row for row in totals), totals
    pdf = folder / "回执.pdf"
    desk.do("receipts", 1, "--out", pdf)
    assert pdf.read_bytes().startswith(b"%PDF-")


def assert_everything_holds(desk: Terminal) -> None:
    assert desk.do("verify", "--deep").items() >= {"ok": True, "findings": []}.items()
    assert desk.do("audit", "verify").items() >= {"ok": True, "findings": []}.items()


# --- small things ---


def set_mail_server(desk: Terminal, setting: dict[str, Any]) -> None:
    """The password comes from a variable and is never printed."""
    desk.more["MAIL_PASSWORD"] = setting["password"]
    known = {name: value for name, value in setting.items() if name != "password"}
    put = desk.do("setting", "put", "mail.server", json.dumps(known), "--password-env", "MAIL_PASSWORD")
    assert put == desk.do("setting", "get", "mail.server") == {"key": "mail.server", "value": known}


def write_codes(folder: Path) -> None:
    rows = "".join(f"88{no:014d},PW{no:04d}云,2027-12-31,\n" for no in range(40))
    twice, lost = (
        "8800000000000001,PW0001云,2027-12-31,\n",
        "9900000000000001,,2027-12-31,\n9900000000000002,abc,昨天,\n",
    )
    head = "视频会员采购单 第 3 批,,,\n卡号,密码,有效期至,\n"
    (folder / "codes.csv").write_bytes((head + rows + twice + lost).encode("gb18030"))
    (folder / "codes.txt").write_text("".join(f"TSV-{no:05d}\tpin{no}\n" for no in range(30)), "ascii")
    with xlsxwriter.Workbook(folder / "codes.xlsx") as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["卡号", "密码"])
        for no in range(1, 21):
            page.write_string(no, 0, f"6200000000000{no:06d}")
            page.write_string(no, 1, f"0{no:05d}")
        page.write_row(21, 0, [6_200_000_000_000_123_456, "000021"])
        page.write_row(22, 0, ["6.2E+18", "000022"])
        page.write_row(23, 0, ["6200000000000999999", 23])


def column(path: Path, heading: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row[heading] for row in csv.DictReader(file)]


def sheet(path: Path) -> list[dict[str, Any]]:
    headings, *rows = load_workbook(path).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def serial_of(desk: Terminal, card: int) -> str:
    return f"{desk.do('batch', 'show', 1)['serial']}-{card:06d}"
