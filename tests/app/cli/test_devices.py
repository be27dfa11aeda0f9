"""`cloud …`: devices by the command line, as another machine is let in, changed and revoked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.terminal import DONE, REFUSED, USAGE, Terminal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "data")
    terminal.do("init", "--merchant", "云杉科技", "--purpose", "welfare")
    terminal.do("endpoint", "embedded", "start")
    yield terminal
    terminal.do("endpoint", "embedded", "stop")


def test_another_machine_is_let_in_changed_and_revoked(desk: Terminal, tmp_path: Path) -> None:
    other = Terminal(tmp_path / "other")
    other.do("init", "--merchant", "某某", "--purpose", "shop")
    made = desk.do("cloud", "invite", "--role", "clerk", "--name", "前台电脑")
    assert other.do("endpoint", "pair", made["url"], made["pairing_code"])["role"] == "clerk"
    rows = desk.do("cloud", "devices")["devices"]
    assert [(row["role"], row["state"], row["is_this"]) for row in rows] == [
        ("owner", "active", True),
        ("clerk", "active", False),
    ]
    clerk = rows[1]["id"]
    desk.do("cloud", "role", clerk[:8], "--role", "manager")
    desk.do("cloud", "rename", clerk[:8], "--name", "后台")
    unsaid = desk.run("cloud", "revoke", clerk)
    assert (unsaid.code, unsaid.error["data"]["reason"]) == (REFUSED, "revoke-needs-yes")
    desk.do("cloud", "revoke", clerk, "--yes")
    row = desk.do("cloud", "devices")["devices"][1]
    assert (row["name"], row["role"], row["state"]) == ("后台", "manager", "revoked")
    refused = other.run("sync")
    assert (refused.code, refused.error["data"]["reason"]) == (REFUSED, "device-revoked")
    assert refused.said.count("\n") == 1
    last = desk.run("cloud", "revoke", rows[0]["id"], "--yes")
    assert (last.code, last.error["data"]["reason"]) == (REFUSED, "last-owner")
    nobody = desk.run("cloud", "role", "nobody", "--role", "clerk")
    assert (nobody.code, nobody.error["code"]) == (REFUSED, "not-found")
    assert desk.run("cloud", "invite", "--role", "king", "--name", "x").code == USAGE
    assert desk.do("cloud", "settle") == {"twin_since": None}


def test_a_vault_that_lives_twice_says_so_in_a_sentence(desk: Terminal, tmp_path: Path) -> None:
    desk.do("backup", "create", "--to", str(tmp_path / "backups"))
    (archive,) = (tmp_path / "backups").iterdir()
    twin = Terminal(tmp_path / "twin")
    twin.do("backup", "restore", str(archive))
    assert desk.do("endpoint", "status")["twin_since"] is None
    twin.do("sync")
    told = desk.run("sync", as_json=False)
    assert (told.code, told.out.count("\n")) == (DONE, 2)
    assert "cloud settle" in told.out
    assert "cloud settle" in desk.run("endpoint", "status", as_json=False).out
    desk.do("cloud", "settle")
    assert "cloud settle" not in desk.run("sync", as_json=False).out
