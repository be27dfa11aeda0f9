"""`card receipt`: a signed receipt at the command line, with a line and without one, and its check."""

from pathlib import Path

from pypdf import PdfReader

from tests.drivers.terminal import Terminal


def redeemed(served: Terminal) -> str:
    served.do("product", "add", "--name", "福利卡", "--kind", "fixed", "--face", "200")
    served.do("batch", "generate", "--product", 1, "--quantity", 5)
    served.do("sync")
    lease = served.do("lease", "take", 1, "--hours", 4, "--count", 3)["lease"]
    served.do("endpoint", "embedded", "stop")
    code = served.do("card", "reveal", f"{lease['serial']}-000001", "--reason", "到店")["code"]
    return str(served.do("redeem", code, "--amount", "50")["redemption_id"])


def test_a_receipt_is_written_shown_and_checked_without_a_line(served: Terminal, tmp_path: Path) -> None:
    number, path = redeemed(served), tmp_path / "凭条.pdf"
    made = served.do("card", "receipt", number, "--out", path)
    assert made["file"] == str(path)
    assert "¥50.00" in PdfReader(path).pages[0].extract_text()
    receipt = served.do("card", "receipt", number)["receipt"]
    assert (receipt["redemption_id"], receipt["amount_minor"], receipt["remaining_minor"]) == (number, 5_000, 15_000)
    assert (receipt["kind"], receipt["leased"], receipt["waits"]) == ("redeemed", True, True)
    text = receipt["text"]
    shown = served.run("card", "receipt", number, as_json=False).out
    assert text in shown
    assert f"凭证号 {receipt['number']}" in shown
    checked = served.do("card", "receipt", "--check", text)
    assert (checked["genuine"], checked["reason"], checked["own"]) == (True, None, True)
    assert (checked["said"]["amount_minor"], checked["booked"]["state"]) == (5_000, "waits")
    words = served.run("card", "receipt", "--check", text.lower(), as_json=False).out
    assert "凭条属实" in words
    assert "¥50.00" in words
    assert "待上传" in words


def test_a_receipt_that_is_not_genuine_ends_with_one(served: Terminal) -> None:
    number = redeemed(served)
    text = served.do("card", "receipt", number)["receipt"]["text"]
    forged = text[:-9] + "A" * 9
    done = served.run("card", "receipt", "--check", forged, as_json=False)
    assert (done.code, "凭条不实" in done.out) == (1, True)
    assert served.refused("card", "receipt", "--check", "7K3Q-X9PM")["data"]["reason"] == "no-receipt"
    assert served.refused("card", "receipt", number.replace(number[-4:], "0000"))["code"] == "not-found"
    for wrong in ((), (number, "--check", text), ("--check", text, "--out", "x.pdf")):
        assert served.refused("card", "receipt", *wrong)["data"]["reason"] == "one-of-both"
