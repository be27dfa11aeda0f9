"""`lease …`, `conflict …`, `endpoint differences`: a counter without a line, at the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.terminal import Terminal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "data")
    terminal.do("init", "--merchant", "云杉科技", "--purpose", "shop")
    terminal.do("product", "add", "--name", "福利卡", "--kind", "fixed", "--face", "200")
    terminal.do("batch", "generate", "--product", 1, "--quantity", 5)
    terminal.do("endpoint", "embedded", "start")
    terminal.do("sync")
    yield terminal
    terminal.do("endpoint", "embedded", "stop")


def test_a_shift_without_a_line(desk: Terminal) -> None:
    assert desk.run("lease", "list", as_json=False).out.strip() == "没有租用中的卡"
    lease = desk.do("lease", "take", 1, "--hours", 4, "--from", 2, "--count", 3)["lease"]
    assert (lease["cards"], lease["first_no"], lease["mine"], lease["state"]) == (3, 2, True, "open")
    assert desk.refused("lease", "take", 1)["data"] == {"reason": "lease-taken"}
    desk.do("endpoint", "embedded", "stop")
    leased, other = (f"{lease['serial']}-00000{number}" for number in (2, 1))
    codes = [desk.do("card", "reveal", serial, "--reason", "到店")["code"] for serial in (leased, other)]
    done = desk.do("redeem", codes[0], "--amount", "50")
    assert (done["redeemed_minor"], done["remaining_minor"], done["own_word"]) == (5_000, 15_000, True)
    assert desk.refused("redeem", codes[1])["code"] == "endpoint-unreachable"
    standing = desk.do("lease", "standing")["standing"]
    assert (standing["cards"], standing["uses"], standing["minor"]) == (3, 1, 5_000)
    assert "可离线核销 3 张卡" in desk.run("lease", "standing", as_json=False).out
    assert desk.do("lease", "return", lease["id"])["lease"]["state"] == "returning"
    desk.do("endpoint", "embedded", "start")
    assert desk.do("sync").items() >= {"pending": 0, "rejected": 0, "differences": []}.items()
    assert desk.do("lease", "list") == {"leases": []}
    assert [one["state"] for one in desk.do("lease", "list", "--all")["leases"]] == ["returned"]
    assert desk.do("conflict", "list") == {"conflicts": []}
    assert desk.refused("conflict", "settle", "nothing", "--way", "loss", "--note", "x")["code"] == "not-found"
    assert desk.run("endpoint", "differences", as_json=False).out.strip() == "两边账目一致"
