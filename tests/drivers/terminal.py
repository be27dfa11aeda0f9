"""The program as a script drives it: one process a command, JSON on stdout, a sentence on stderr.

Where nothing speaks against it that process is a fork of one that has loaded the program already (warm.py).
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.drivers.warm import AT_START, MEASURED, warm

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery staple 卡匣"
DONE, REFUSED, USAGE = 0, 1, 2
PATIENCE_S = 120
KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "LD_LIBRARY_PATH", MEASURED)


def kept() -> dict[str, str]:
    """What every command gets of the environment of the tests."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


@dataclass(frozen=True)
class Answer:
    """How one command ended."""

    code: int
    out: str
    said: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> dict[str, Any]:
        found = self.document
        assert list(found) == ["error"], found
        assert set(found["error"]) == {"code", "message", "data"}
        return found["error"]  # type: ignore[no-any-return]


@dataclass
class Terminal:
    """Runs commands over one data folder, with nothing in the environment but what is said here."""

    data: Path
    passphrase: str | None = PASSPHRASE
    language: str = "zh_CN"
    more: dict[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    """Where it is typed; elsewhere than in the sources `more` must say where those are."""
    program: tuple[str, ...] = ("-m", "app")

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, *self.program, "--data", str(self.data), *map(str, arguments)]

    def run(self, *arguments: object, as_json: bool = True) -> Answer:
        command = self.command(*(["--json"] if as_json else []), *arguments)
        answer = self._forked(command) if self._may_fork else self._started(command)
        assert "Traceback" not in answer.said + answer.out, answer.said
        return answer

    @property
    def _may_fork(self) -> bool:
        """Whether a process that was loaded before is as good as one that is started now."""
        usual = (self.folder, self.program) == (ROOT, ("-m", "app")) and sys.platform.startswith("linux")
        decided = any(name.startswith(AT_START) for name in self.more) or MEASURED in os.environ
        return usual and not decided

    def _forked(self, command: list[str]) -> Answer:
        module, *arguments = command[2:]
        with warm(kept()) as process:
            return Answer(*process.run(module, arguments, self.environment(), patience_s=PATIENCE_S))

    def _started(self, command: list[str]) -> Answer:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def do(self, *arguments: object) -> dict[str, Any]:
        """A command that must go well; it says nothing but its document."""
        answer = self.run(*arguments)
        assert answer.code == DONE, f"{arguments}: {answer.said}{answer.out}"
        assert answer.said == "", answer.said
        return answer.document

    def refused(self, *arguments: object) -> dict[str, Any]:
        """A command that must be refused: the error as data, and its one sentence on stderr."""
        answer = self.run(*arguments)
        assert answer.code == REFUSED, f"{arguments}: {answer.code} {answer.said}{answer.out}"
        assert answer.said == answer.error["message"] + "\n", answer.said
        assert "\n" not in answer.error["message"], answer.said
        return answer.error

    def usage(self, *arguments: object) -> str:
        """A command that was not understood: what was wrong, as data and on stderr."""
        answer = self.run(*arguments)
        assert answer.code == USAGE, f"{arguments}: {answer.code} {answer.said}{answer.out}"
        assert answer.error["code"] == "usage", answer.out
        assert answer.said.startswith(str(answer.error["message"])), answer.said
        return str(answer.error["message"])

    def environment(self) -> dict[str, str]:
        own = kept() | {"KAXIA_LANGUAGE": self.language, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        if self.passphrase is not None:
            own["KAXIA_PASSPHRASE"] = self.passphrase
        return own | self.more
