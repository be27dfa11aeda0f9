"""`lease …`, `conflict …`, `endpoint differences`: a counter without a line, at the command line."""

from tests.drivers.terminal import Terminal


def test_a_shift_without_a_line(served: Terminal) -> None:
    served.do("product", "add", "--name", "福利卡", "--kind", "fixed", "--face", "200")
    served.do("batch", "generate", "--product", 1, "--quantity", 5)
    served.do("sync")
    assert served.run("lease", "list", as_json=False).out.strip() == "没有租用中的卡"
    lease = served.do("lease", "take", 1, "--hours", 4, "--from", 2, "--count", 3)["lease"]
    assert (lease["cards"], lease["first_no"], lease["mine"], lease["state"]) == (3, 2, True, "open")
    assert served.refused("lease", "take", 1)["data"] == {"reason": "lease-taken"}
    served.do("endpoint", "embedded", "stop")
    leased, other = (f"{lease['serial']}-00000{number}" for number in (2, 1))
    codes = [served.do("card", "reveal", serial, "--reason", "到店")["code"] for serial in (leased, other)]
    done = served.do("redeem", codes[0], "--amount", "50")
    assert (done["redeemed_minor"], done["remaining_minor"], done["own_word"]) == (5_000, 15_000, True)
    assert served.refused("redeem", codes[1])["code"] == "endpoint-unreachable"
    standing = served.do("lease", "standing")["standing"]
    assert (standing["cards"], standing["uses"], standing["minor"]) == (3, 1, 5_000)
    assert "可离线核销 3 张卡" in served.run("lease", "standing", as_json=False).out
    served.more |= {"RIGHT": "270815", "WRONG": "1234"}
    assert served.do("lease", "pin", "--pin-env", "RIGHT") == {"pin": True}
    assert served.refused("redeem", codes[0], "--pin-env", "WRONG")["data"] == {"left": 4}
    assert served.do("redeem", codes[0], "--amount", "1", "--pin-env", "RIGHT")["redeemed_minor"] == 100
    for options in ((), ("--pin-env", "WRONG", "--remove")):
        assert served.refused("lease", "pin", *options)["code"] == "invalid-input"
    assert served.refused("redeem", codes[0], "--pin-env", "WRONG")["data"] == {"left": 4}
    assert served.do("lease", "pin", "--remove") == {"pin": False}
    assert served.do("lease", "return", lease["id"])["lease"]["state"] == "returning"
    served.do("endpoint", "embedded", "start")
    assert served.do("sync").items() >= {"pending": 0, "rejected": 0, "differences": []}.items()
    assert served.do("lease", "list") == {"leases": []}
    assert [one["state"] for one in served.do("lease", "list", "--all")["leases"]] == ["returned"]
    assert served.do("conflict", "list") == {"conflicts": []}
    assert served.refused("conflict", "settle", "nothing", "--way", "loss", "--note", "x")["code"] == "not-found"
    assert served.run("endpoint", "differences", as_json=False).out.strip() == "两边账目一致"
