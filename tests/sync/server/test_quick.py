"""An endpoint that is forked from a process that has loaded it is like one that is started for itself."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from filelock import FileLock

from tests.drivers.endpoint import ROOT
from tests.drivers.quick import PROGRAM, quick_python

DONE, REFUSED, OK = 0, 1, 200
PATIENCE_S = 60


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "endpoint.db"


def ran(python: str, *arguments: str, folder: Path = ROOT, **more: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [python, *arguments],
        cwd=folder,
        env=os.environ | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def serving(python: str, database: Path, *, apart: bool = False) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """What was started, and the number of the endpoint's process; it answers."""
    process = subprocess.Popen(
        [python, *PROGRAM, "serve", "--database", str(database), "--port", "0"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=apart,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        with requests.Session() as line:  # it stays: one that is just closed would be counted, or not
            assert line.get(f"{url}/healthz", timeout=PATIENCE_S).status_code == OK
            yield process, json.loads(Path(f"{database}.run.json").read_text("utf-8"))["pid"]
    finally:
        process.kill()
        process.communicate()


def surroundings(pid: int) -> dict[str, object]:
    """What the system knows of the process."""
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text("utf-8").splitlines())
    handles = [str(file.readlink()) for file in (process / "fd").iterdir()]
    return {
        **{name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "Umask", "Uid", "Threads")},
        "limits": (process / "limits").read_text("utf-8"),
        "folder": (process / "cwd").readlink(),
        "files": Counter("file" if name.startswith("/") else name.partition(":")[0] for name in handles),
        "leads": (os.getsid(pid) == pid, os.getpgid(pid) == pid),
    }


@pytest.mark.parametrize("wish", ["--help", "serve --port x", "verify", "merchant add --name x --slug y", "migrate"])
def test_it_says_the_same_and_ends_in_the_same_way(database: Path, wish: str) -> None:
    told = []
    for python in (sys.executable, quick_python()):
        told.append(ran(python, *PROGRAM, *wish.split(), KAXIA_ENDPOINT_DATABASE=str(database)))
        database.unlink(missing_ok=True)
    assert told[0] == told[1]


@pytest.mark.parametrize("apart", [False, True])
def test_it_finds_around_itself_what_a_process_of_its_own_does(database: Path, apart: bool) -> None:
    found = []
    for python in (sys.executable, quick_python()):
        with serving(python, database, apart=apart) as (_, pid):
            found.append(surroundings(pid))
    assert found[0] == found[1]


def test_nothing_of_one_is_left_for_the_next(database: Path) -> None:
    migrate = (quick_python(), *PROGRAM, "migrate")
    assert ran(*migrate, KAXIA_ENDPOINT_DATABASE=str(database)) == (DONE, f"{database} is up to date\n", "")
    said = ran(*migrate, "--database", str(database.parent))
    assert said[0] == REFUSED
    assert str(database) not in said[2]


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_when_it_is_told_to(database: Path, told: signal.Signals) -> None:
    with serving(quick_python(), database) as (process, pid):
        assert process.pid != pid
        process.send_signal(told)
        assert process.communicate(timeout=PATIENCE_S) == ("", None)
        assert process.returncode == DONE
        assert not Path(f"/proc/{pid}").exists()


def test_several_live_beside_each_other(tmp_path: Path) -> None:
    with ExitStack() as stack:
        living = [stack.enter_context(serving(quick_python(), tmp_path / f"{number}.db")) for number in range(3)]
        process, _ = living[1]
        process.terminate()
        assert process.wait(PATIENCE_S) == DONE
        assert [Path(f"/proc/{other}").exists() for _, other in living] == [True, False, True]


def test_whoever_started_it_hears_that_it_was_killed(database: Path) -> None:
    with serving(quick_python(), database) as (process, pid):
        os.kill(pid, signal.SIGKILL)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL


def test_it_is_killed_with_what_was_started(database: Path) -> None:
    with serving(quick_python(), database) as (process, _):
        process.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        with FileLock(f"{database}.lock", timeout=PATIENCE_S):
            assert Path(f"{database}.run.json").exists(), "it was not killed, it ended"


def test_what_was_not_loaded_is_run_by_python_itself() -> None:
    assert ran(quick_python(), "-c", "import sys; print(sys.executable)") == (DONE, f"{sys.executable}\n", "")
    assert ran(quick_python(), "-m", "tests.drivers.mirror", "die", "0")[0] == -signal.SIGKILL


@pytest.mark.parametrize("name", ["KAXIA_FAULT", "KAXIA_CLOCK_OFFSET_MS"])
def test_what_counts_while_the_program_loads_makes_a_process_of_its_own(name: str) -> None:
    code, _, said = ran(quick_python(), *PROGRAM, "migrate", **{name: "x"})
    assert (code, said.partition(":")[0]) == (REFUSED, name)


def test_so_does_another_folder(tmp_path: Path) -> None:
    code, _, said = ran(quick_python(), *PROGRAM, "migrate", folder=tmp_path)
    assert code == REFUSED
    assert said.startswith(f"{sys.executable}: Error while finding module specification")
