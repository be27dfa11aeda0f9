"""Starting and stopping the endpoint: what cannot work is said in a sentence, what is made is for its owner alone."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from sync.client import Refused
from tests.drivers.endpoint import FAULT, ROOT, new_merchant, paired, running

REFUSED, USAGE, TAKEN = 1, 2, 75
OK, FULL = 200, (503, "read-only")


def command(*arguments: object, **environment: str) -> tuple[int, str]:
    """Exit code and what was said; nothing may end in a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "sync.server", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert not FAULT.search(done.stderr), done.stderr
    return done.returncode, done.stderr.strip()


def refused(*arguments: object, by: int = REFUSED, **environment: str) -> str:
    code, said = command(*arguments, **environment)
    assert (code, said.count("\n")) == (by, 0), said
    return said


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "endpoint.db"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize(
    "wrong",
    [
        *(("--port", 99_999), ("--port", -1), ("--port", "x"), ("--trusted-proxies", -1)),
        *(("--database", "mysql://a/b"), ("--database", ""), ("--database", "postgresql://kaxia:100%@db/kaxia")),
    ],
)
def test_what_can_never_work_is_wrong_usage(database: Path, wrong: tuple[str, object]) -> None:
    code, said = command("serve", "--database", database, "--port", 0, *wrong)
    assert code == USAGE
    assert f"argument {wrong[0]}" in said


def test_a_taken_port_and_a_foreign_address_are_told(database: Path, taken: int) -> None:
    assert f"Cannot listen on 127.0.0.1 port {taken}" in refused("serve", "--database", database, "--port", taken)
    assert "Cannot listen on 192.0.2.1" in refused("serve", "--database", database, "--port", 0, "--host", "192.0.2.1")


def test_what_is_no_database_of_ours_is_told(tmp_path: Path, database: Path) -> None:
    database.write_text("a letter to somebody, long enough to be no empty file")
    assert "cannot be used: file is not a database" in refused("serve", "--database", database, "--port", 0)
    assert "cannot be used" in refused("serve", "--database", tmp_path, "--port", 0)
    said = refused("serve", "--database", "postgresql://kaxia:geheim@127.0.0.1:1/kaxia", "--port", 0)
    assert "cannot be used: connection failed" in said
    assert "geheim" not in said


def test_a_database_of_a_newer_endpoint_is_left_alone(database: Path) -> None:
    assert command("migrate", "--database", database)[0] == 0
    with sqlite.connect(str(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer endpoint" in refused("serve", "--database", database, "--port", 0)


def test_a_second_server_on_the_same_file_is_refused(database: Path) -> None:
    with running(str(database), database.with_suffix(".secrets")):
        assert "Another endpoint uses" in refused("serve", "--database", database, "--port", 0, by=TAKEN)


def test_a_database_is_served_with_its_own_secrets_only(database: Path) -> None:
    secrets, others = database.with_suffix(".secrets"), database.with_suffix(".others")
    with running(str(database), secrets):
        pass
    command("migrate", "--database", database)
    mine = secrets.read_text()
    with running(str(database.with_suffix(".second")), others):
        pass
    secrets.unlink()
    serve = ("serve", "--database", database, "--port", 0, "--secrets", secrets)
    assert "is missing" in refused(*serve)
    assert not secrets.exists()
    others.rename(secrets)
    assert "not the secrets this database was made with" in refused(*serve)
    assert "go together" in refused(*serve, KAXIA_ENDPOINT_PEPPER="x")
    secrets.write_text(mine)
    with running(str(database), secrets):
        pass


def test_what_it_makes_is_for_its_owner_and_it_ends_well_when_told(database: Path) -> None:
    serve = [sys.executable, "-m", "sync.server", "serve", "--database", str(database), "--port", "0"]
    for told in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(serve, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on ")
        made = list(database.parent.iterdir())
        assert {path.stat().st_mode & 0o077 for path in made} == {0}
        assert Path(f"{database}.run.json") in made
        process.send_signal(told)
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
        assert not Path(f"{database}.run.json").exists()


def test_a_full_disk_is_told_and_nothing_is_half_stored(database: Path) -> None:
    secrets = database.with_suffix(".secrets")
    with running(str(database), secrets) as url:
        desktop = paired(url, new_merchant(str(database)))
        (d,) = desktop.batch(1).records
        assert desktop.redeem(d, 100).status_code == OK
        process = json.loads(Path(f"{database}.run.json").read_text())["pid"]
        before = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, before[1]))
        with ThreadPoolExecutor(4) as pool:
            refused = list(pool.map(lambda _: desktop.redeem(d, 100), range(8)))
        assert {(answer.status_code, answer.json()["type"].rpartition("/")[2]) for answer in refused} == {FULL}
        with pytest.raises(Refused, match="read-only"):
            desktop.push("merchant.update@1", {"name": "满"})
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
        assert desktop.redeem(d, 100).json()["remaining_minor"] == 9_800
        told = [event.type for event in desktop.client.events("").events]
        assert told[-2:] == ["redeemed@1"] * 2
        desktop.client.close()


def test_secrets_that_cannot_be_made_or_that_others_read_are_told(database: Path, tmp_path: Path) -> None:
    serve = ("serve", "--database", database, "--port", 0, "--secrets")
    (tmp_path / "file").write_text("")
    assert f"No secrets here: {tmp_path / 'file'}: file exists" in refused(*serve, tmp_path / "file" / "secrets")
    assert f"No secrets here: {tmp_path}: is a directory" in refused(*serve, tmp_path)
    shared, broken = tmp_path / "shared", tmp_path / "broken"
    for path in (shared, broken):
        path.write_text("{}")
        path.chmod(0o600)
    shared.chmod(0o640)
    assert f"chmod 600 {shared}" in refused(*serve, shared)
    assert "is damaged" in refused(*serve, broken)
    assert refused("migrate", "--database", tmp_path / "file" / "db") == f"{tmp_path / 'file'}: file exists"


def test_it_answers_on_version_six_of_the_internet_protocol(database: Path) -> None:
    with running(str(database), database.with_suffix(".secrets"), "--host", "::1") as url:
        assert url.startswith("http://[::1]:")
        desktop = paired(url, new_merchant(str(database)))
        assert desktop.redeem(desktop.batch(1).records[0], 100).status_code == OK
        desktop.client.close()


def test_a_merchant_needs_a_name_and_a_proper_id(database: Path) -> None:
    add = ("merchant", "add", "--database", database, "--name")
    assert "1 to 200 signs" in refused(*add, " ")
    assert command(*add, "某某", "--merchant-id", "x")[0] == USAGE
