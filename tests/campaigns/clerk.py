"""One process that runs command after command, each as the program itself would: for days that must be short.

A line on stdin is the arguments of one command, as JSON; a line on stdout is how it ended.
"""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from app.bootstrap import run_command
from tests.campaigns.plants import PLANTS
from tests.drivers.terminal import Answer, Terminal


class Clerk:
    """The process as seen from outside. It takes commands like a terminal does."""

    def __init__(self, desk: Terminal, plant: str = "") -> None:
        self._desk = desk
        command = [sys.executable, "-m", "tests.campaigns.clerk", str(desk.data), plant]
        self._process = subprocess.Popen(
            command,
            cwd=desk.folder,
            env=desk.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: object) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(one) for one in arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the clerk is gone"
        return Answer(*json.loads(line))

    def go(self) -> None:
        self._process.communicate()


def main() -> int:
    data, plant = sys.argv[1:3]
    sys.argv[1:] = ["--data", data]  # where a plant looks for the folder
    if plant:
        PLANTS[plant][0]()
    answers = sys.stdout
    for line in sys.stdin:
        out, said = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(said):
            code = run_command(["--data", data, "--json", *json.loads(line)])
        answers.write(json.dumps([code, out.getvalue(), said.getvalue()]) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
