"""Leaks to build into the program, so that the hunt proves it finds them: `python -m tests.campaigns.plants NAME …`.

The program runs as ever behind it; what it was asked for is done, and the leak on top.
"""

import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from app import bootstrap
from app.services import programs
from app.services.cards import CardService
from app.services.cloud import CloudService
from app.services.people import PeopleService


def code_in_the_log() -> None:
    after(CardService, "reveal", lambda code: logging.getLogger("plant").warning("shown: %s", code.reveal()))


def name_in_a_temp_file() -> None:
    """Left behind, and as UTF-16."""

    def leave(checked: Any) -> None:
        handle, _ = tempfile.mkstemp(prefix="roster-")
        with os.fdopen(handle, "wb") as file:
            file.write("\n".join(str(row) for row in checked.rows).encode("utf-16-le"))

    after(PeopleService, "check", leave)


def name_in_a_moment() -> None:
    """The same, but deleted at once."""

    def touch(checked: Any) -> None:
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryFile() as nameless:
            for one in (file, nameless):
                one.write("\n".join(str(row) for row in checked.rows).encode("gb18030"))
                one.flush()
            subprocess.run([sys.executable, "-c", "pass"], check=True)

    after(PeopleService, "check", touch)


def phone_in_the_endpoint() -> None:
    """Written and deleted again: it lies in a free page."""
    phone = os.environ["KX_PLANT"]

    def write(_: object) -> None:
        folder = Path(sys.argv[sys.argv.index("--data") + 1]) / "endpoint"
        with closing(sqlite3.connect(folder / "endpoint.db")) as connection:
            connection.execute("CREATE TABLE planted (text)")
            connection.executemany("INSERT INTO planted VALUES (?)", [(phone,)] * 400)
            connection.commit()
            connection.execute("DROP TABLE planted")
            connection.commit()

    after(CloudService, "stop_embedded", write)


def passphrase_for_a_child() -> None:
    right = programs.environment
    world = {"KAXIA_PASSPHRASE": os.environ.get("KAXIA_PASSPHRASE", "")}
    for name, module in list(sys.modules.items()):
        if name.startswith("app.") and getattr(module, "environment", None) is right:
            vars(module)["environment"] = lambda: right() | world


def code_for_a_child() -> None:
    after(CardService, "reveal", lambda code: subprocess.run([sys.executable, "-c", "pass", code.reveal()], check=True))


def after(kind: type, name: str, then: Callable[[Any], object]) -> None:
    """What `kind.name` gives back goes through `then` as well."""
    right = getattr(kind, name)

    def both(*given: Any, **named: Any) -> Any:
        result = right(*given, **named)
        then(result)
        return result

    setattr(kind, name, both)


PLANTS: dict[str, tuple[Callable[[], None], str]] = {
    "log": (code_in_the_log, "code"),
    "temp": (name_in_a_temp_file, "name"),
    "moment": (name_in_a_moment, "name"),
    "endpoint": (phone_in_the_endpoint, "phone"),
    "environment": (passphrase_for_a_child, "passphrase"),
    "arguments": (code_for_a_child, "code"),
}
"""Name → how it leaks, and the kind of what is to be found."""


def main() -> int:
    name = sys.argv.pop(1)
    from app.services.sheets import apart  # noqa: F401  # so that it is there to be changed

    PLANTS[name][0]()
    return bootstrap.run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
