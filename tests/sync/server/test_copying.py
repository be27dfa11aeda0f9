"""`sync.server backup`: a copy made under load serves again, and one that fails leaves nothing."""

import shutil
import threading
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from sync.server import copying
from sync.server.copying import copy
from sync.server.database import Store
from sync.server.verifying import Finding, Verdict
from tests.drivers.endpoint import new_merchant, paired, running
from tests.sync.server.test_serving import command, refused


def test_a_copy_made_while_cards_are_redeemed_serves_with_what_was_redeemed(tmp_path: Path) -> None:
    database, secrets, out = str(tmp_path / "endpoint.db"), tmp_path / "secrets.json", tmp_path / "copy.db"
    with running(database, secrets) as url:
        desktop = paired(url, new_merchant(database))
        batch = desktop.batch(200)
        desktop.redeem(batch.records[0])
        redeeming = threading.Thread(target=lambda: [desktop.redeem(d) for d in batch.records[1:]])
        redeeming.start()
        code, said = command("backup", "--database", database, "--out", out)
        redeeming.join()
        assert (code, said) == (0, "")
        assert command("backup", "--database", database, "--out", tmp_path / "whole.db")[0] == 0
    assert out.stat().st_mode & 0o077 == 0
    shutil.move(tmp_path / "whole.db", tmp_path / "again.db")
    with running(str(tmp_path / "again.db"), secrets) as url:
        desktop.url = url
        assert {desktop.redeem(d).status_code for d in batch.records} == {409}
    desktop.client.close()


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    database, out = tmp_path / "endpoint.db", tmp_path / "copy.db"
    Store(str(database)).migrate()
    out.write_bytes(b"something else")
    assert "is there already" in refused("backup", "--database", database, "--out", out)
    assert out.read_bytes() == b"something else"
    assert "no folder" in refused("backup", "--database", database, "--out", tmp_path / "none" / "copy.db")
    assert "PostgreSQL makes its own" in refused("backup", "--database", "postgresql://a/b", "--out", out)
    assert "Run migrate first" in refused("backup", "--database", tmp_path / "no.db", "--out", tmp_path / "x.db")


@pytest.mark.parametrize("trouble", ["not whole", "disk full", "killed before"])
def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    database, out = tmp_path / "endpoint.db", tmp_path / "copy.db"
    Store(str(database)).migrate()
    (tmp_path / ".copy.db.making").write_bytes(b"left by one that was killed")
    if trouble == "killed before":
        assert copy(str(database), out).ok
        assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "endpoint.db"]
        return

    def verified(half: Path) -> Verdict:
        if trouble == "disk full":
            raise sqlite.OperationalError("database or disk is full")
        return Verdict(False, [Finding("gap")], {})

    monkeypatch.setattr(copying, "_verified", verified)
    with pytest.raises(ValueError, match=r"not kept|Nothing was kept"):
        copy(str(database), out)
    assert [path.name for path in tmp_path.iterdir()] == ["endpoint.db"]
