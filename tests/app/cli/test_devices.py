"""`cloud …`: devices by the command line, as another machine is let in, changed and revoked."""

from pathlib import Path

from app.config import Config
from app.services.vault.vaults import NewVault, Vaults
from tests.app.conftest import CHEAP_KIB
from tests.drivers.terminal import DONE, PASSPHRASE, REFUSED, USAGE, Terminal


def test_another_machine_is_let_in_changed_and_revoked(served: Terminal, tmp_path: Path) -> None:
    other = Terminal(tmp_path / "other")
    Vaults(Config(other.data), memory_kib=CHEAP_KIB).create(NewVault("某某", PASSPHRASE))[0].close()
    made = served.do("cloud", "invite", "--role", "clerk", "--name", "前台电脑")
    assert other.do("endpoint", "pair", made["url"], made["pairing_code"])["role"] == "clerk"
    rows = served.do("cloud", "devices")["devices"]
    assert [(row["role"], row["state"], row["is_this"]) for row in rows] == [
        ("owner", "active", True),
        ("clerk", "active", False),
    ]
    clerk = rows[1]["id"]
    served.do("cloud", "role", clerk[:8], "--role", "manager")
    served.do("cloud", "rename", clerk[:8], "--name", "后台")
    unsaid = served.run("cloud", "revoke", clerk)
    assert (unsaid.code, unsaid.error["data"]["reason"]) == (REFUSED, "revoke-needs-yes")
    served.do("cloud", "revoke", clerk, "--yes")
    row = served.do("cloud", "devices")["devices"][1]
    assert (row["name"], row["role"], row["state"]) == ("后台", "manager", "revoked")
    refused = other.run("sync")
    assert (refused.code, refused.error["data"]["reason"]) == (REFUSED, "device-revoked")
    assert refused.said.count("\n") == 1
    last = served.run("cloud", "revoke", rows[0]["id"], "--yes")
    assert (last.code, last.error["data"]["reason"]) == (REFUSED, "last-owner")
    nobody = served.run("cloud", "role", "nobody", "--role", "clerk")
    assert (nobody.code, nobody.error["code"]) == (REFUSED, "not-found")
    assert served.run("cloud", "invite", "--role", "king", "--name", "x").code == USAGE
    assert served.do("cloud", "settle") == {"twin_since": None}


def test_a_vault_that_lives_twice_says_so_in_a_sentence(served: Terminal, tmp_path: Path) -> None:
    served.do("backup", "create", "--to", str(tmp_path / "backups"))
    (archive,) = (tmp_path / "backups").iterdir()
    twin = Terminal(tmp_path / "twin")
    twin.do("backup", "restore", str(archive))
    assert served.do("endpoint", "status")["twin_since"] is None
    twin.do("sync")
    told = served.run("sync", as_json=False)
    assert (told.code, told.out.count("\n")) == (DONE, 2)
    assert "cloud settle" in told.out
    assert "cloud settle" in served.run("endpoint", "status", as_json=False).out
    served.do("cloud", "settle")
    assert "cloud settle" not in served.run("sync", as_json=False).out
