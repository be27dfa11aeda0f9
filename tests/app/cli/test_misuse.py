"""What happens when a command is typed wrong, nobody is there to ask, or the program itself is wrong."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from app.bootstrap.logbook import keep_log
from app.cli import run
from tests.drivers.terminal import ROOT, Terminal

INTERRUPTED = 130


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "desk")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Usage: kaxia"),
        ("nonsense", "No such command 'nonsense'."),
        ("batch", "Usage: kaxia batch"),
        ("batch show", "Missing argument"),
        ("batch show abc", "Invalid value for 'batch'"),
        ("batch show --nope 1", "No such option"),
        ("product add --name x", "Missing option '--kind'."),
        ("--data", "--data needs a folder."),
        ("batch list --data=", "--data needs a folder."),
        ("card show \udcff", "not UTF-8"),
    ],
)
def test_wrong_usage_is_one_document_and_exit_2(terminal: Terminal, typed: str, message: str) -> None:
    assert message in terminal.usage(*typed.split())


def test_a_number_too_large_for_any_vault_is_refused_in_words(desk: Terminal) -> None:
    assert desk.refused("batch", "show", 10**30)["data"] == {"field": "number", "reason": "out-of-range"}
    assert desk.refused("batch", "show", 10**15)["code"] == "not-found"


def test_what_is_removed_can_be_restored(desk: Terminal) -> None:
    product = desk.do("product", "add", "--name", "写错了", "--kind", "exchange")["id"]
    batch = desk.do("batch", "generate", "--product", product, "--quantity", "3")["id"]
    assert desk.refused("product", "remove", product)["code"] == "product-in-use"
    assert desk.do("batch", "remove", batch) == {"removed": [batch]}
    assert desk.do("product", "remove", product) == {"removed": [product]}
    assert desk.do("product", "list") == {"products": []}
    assert desk.do("batch", "restore", batch) == {"restored": 1}
    assert [row["id"] for row in desk.do("product", "list")["products"]] == [product]
    assert desk.do("people", "restore", "7") == {"restored": 0}


def test_without_a_passphrase_and_without_a_terminal_it_says_where_to_put_it(terminal: Terminal) -> None:
    terminal.passphrase = None
    for command in (("batch", "list"), ("init", "--merchant", "x")):
        assert terminal.refused(*command)["data"] == {"field": "KAXIA_PASSPHRASE", "reason": "no-passphrase"}


def test_a_passphrase_is_asked_for_without_an_echo_and_a_new_one_twice(tmp_path: Path) -> None:
    words = "three unrelated words 卡匣"
    assert "两次输入不一致" in asked(tmp_path, [words, words + "x"], "init", "--merchant", "x").out
    made = asked(tmp_path, [words, words], "init", "--merchant", "x")
    assert "恢复密钥" in made.out
    listed = asked(tmp_path, [words], "product", "list")
    assert listed.code == 0
    assert words not in made.out + listed.out


def test_ctrl_c_leaves_no_traceback(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = start(tmp_path, slave, "init", "--merchant", "x")
    read_until(master, "口令：")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in said
    os.close(master)
    os.close(slave)


@pytest.mark.expects_log("a command crashed")
def test_a_bug_ends_in_a_sentence_and_a_log_without_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble() -> None:
        raise ZeroDivisionError("ABCD-EFGH")

    def with_a_bug(cli: typer.Typer) -> None:
        cli.command("stumble")(stumble)

    monkeypatch.setenv("KAXIA_DATA", str(tmp_path))
    code = run(["--json", "stumble"], services_of=lambda *_: None, keep_log=keep_log, extra=with_a_bug)  # type: ignore
    out, said = capsys.readouterr()
    assert code == 1
    assert json.loads(out)["error"]["data"] == {"kind": "ZeroDivisionError", "path": str(tmp_path / "logs")}
    log = (tmp_path / "logs" / "kaxia.log").read_text("utf-8")
    assert "ZeroDivisionError" in log
    assert "stumble" in log
    assert "ABCD" not in out + said + log


# --- a person at a terminal ---


class Asked:
    def __init__(self, code: int, out: str) -> None:
        self.code, self.out = code, out


def asked(data: Path, typed: list[str], *arguments: str) -> Asked:
    """Run a command with a terminal as its stdin; each line is typed when it is asked for."""
    master, slave = pty.openpty()
    process = start(data, slave, *arguments)
    shown = ""
    for line in typed:
        shown += read_until(master, "：")
        os.write(master, f"{line}\n".encode())
    out, said = process.communicate(timeout=60)
    os.close(slave)
    os.close(master)
    assert "Traceback" not in said
    return Asked(process.returncode, shown + out + said)


def start(data: Path, slave: int, *arguments: str) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAXIA")}
    return subprocess.Popen(
        [sys.executable, "-m", "app", "--data", str(data), *arguments],
        cwd=ROOT,
        env=environment | {"KAXIA_LANGUAGE": "zh_CN"},
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=lambda: own_terminal(slave),
    )


def own_terminal(slave: int) -> None:
    """The pseudo-terminal becomes the process's own, so that it is what asks for a passphrase and sends Ctrl+C."""
    import fcntl
    import termios

    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests in the background ignores it
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def read_until(master: int, mark: str) -> str:
    shown = b""
    while mark.encode() not in shown:
        shown += os.read(master, 1024)
    return shown.decode()
