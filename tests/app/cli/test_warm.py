"""A command that is forked from a process that has loaded the program is like one that is started for itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drivers.terminal import DONE, PATIENCE_S, REFUSED, ROOT, USAGE, Answer, Terminal, kept
from tests.drivers.warm import warm

MIRROR = "tests.drivers.mirror"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "desk")


def forked(*arguments: str, world: dict[str, str] | None = None, patience_s: float = PATIENCE_S) -> Answer:
    with warm(kept()) as process:
        return Answer(*process.run(MIRROR, [*arguments], world or kept(), patience_s=patience_s))


def started(*arguments: str, world: dict[str, str]) -> Answer:
    command = [sys.executable, "-m", MIRROR, *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=world,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE_S,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_it_finds_around_itself_what_a_process_of_its_own_does() -> None:
    world = kept() | {"KX_ONE": "1 卡匣", "HOME": "/nowhere"}
    arguments = ("tell", "7", "--", "", "卡", "\udcff")
    one, other = forked(*arguments, world=world), started(*arguments, world=world)
    assert json.loads(one.out) == json.loads(other.out)
    assert (one.code, one.said) == (other.code, other.said) == (7, "told\n")


def test_nothing_of_one_command_is_left_for_the_next() -> None:
    assert forked("tell", "0", world=kept() | {"KX_SECRET": "x"}).document["environment"]["KX_SECRET"] == "x"
    assert forked("tell", "0").document["environment"] == kept()


def test_a_crash_is_seen_with_its_traceback() -> None:
    answer = forked("stumble", "0")
    assert (answer.code, answer.said.splitlines()[-1]) == (1, "ZeroDivisionError: on purpose")
    assert answer.said.startswith("Traceback")


def test_a_signal_that_ends_it_is_seen_and_the_next_command_begins_as_ever() -> None:
    assert forked("die", "0") == Answer(-9, "", "")
    assert forked("tell", "0").code == 0


def test_one_that_never_ends_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        forked("wait", "0", patience_s=0.1)
    assert forked("tell", "0").code == 0


@pytest.mark.parametrize(
    ("typed", "code", "language"),
    [("--help", DONE, "en"), ("product list", REFUSED, "zh_CN"), ("product list", REFUSED, "en"), ("x", USAGE, "en")],
)
def test_the_program_answers_alike(terminal: Terminal, typed: str, code: int, language: str) -> None:
    terminal.language = language
    command = terminal.command("--json", *typed.split())
    assert terminal._may_fork
    answer = terminal._forked(command)
    assert answer == terminal._started(command)
    assert answer.code == code


def test_a_passphrase_is_known_to_the_command_it_was_given_to(desk: Terminal) -> None:
    desk.do("product", "list")
    desk.passphrase = None
    assert desk.refused("product", "list")["data"]["reason"] == "no-passphrase"


@pytest.mark.parametrize("name", ["KAXIA_FAULT", "KAXIA_CLOCK_OFFSET_MS", "PYTHONPATH", "TZ", "LC_ALL"])
def test_what_counts_while_the_program_loads_makes_a_process_of_its_own(terminal: Terminal, name: str) -> None:
    terminal.more[name] = ""
    assert not terminal._may_fork


def test_so_does_another_place_or_program(terminal: Terminal, tmp_path: Path) -> None:
    elsewhere = Terminal(terminal.data, folder=tmp_path)
    other = Terminal(terminal.data, program=("-m", MIRROR))
    assert not elsewhere._may_fork
    assert not other._may_fork


def test_a_fault_that_is_asked_for_happens(terminal: Terminal) -> None:
    terminal.more["KAXIA_FAULT"] = "desk.slots:1:kill"
    assert terminal.run("init", "--merchant", "x").code == -9
