"""`setting get`, `setting put`: what the settings page holds, for machines without a window."""

import json
import os
from typing import Annotated, Any

import typer

from app.cli.shell import Shell
from app.errors import InvalidInput, NotFound
from app.services.settings import DEFAULTS

WRITABLE = (
    "backup.every_hours",
    "backup.folder",
    "backup.on_exit",
    "counter.place",
    "lock.idle_minutes",
    "look.language",
    "mail.server",
    "merchant.name",
    "merchant.phone",
)
"""What a person sets; everything else in the vault is the program's own."""
LARGEST_NUMBER = 10_000
HIDDEN = "password"
"""This part of a setting is never printed."""


def add_to(cli: typer.Typer) -> None:
    setting = typer.Typer(help="Settings of the vault.", no_args_is_help=True)
    setting.command("get")(get)
    setting.command("put")(put)
    cli.add_typer(setting, name="setting")


def get(context: typer.Context, key: str) -> None:
    """The value of a setting; a password in it is not shown."""
    shell: Shell = context.obj
    _require_known(key)
    with shell.open() as services:
        value = services.settings.get(key)
    _tell(shell, key, value)


def put(
    context: typer.Context,
    key: str,
    value: Annotated[str, typer.Argument(help='The value as JSON, like 15 or {"host": "smtp.example", …}.')],
    password_env: Annotated[str | None, typer.Option(help="Variable that holds the password of mail.server.")] = None,
) -> None:
    """Set a setting. A password comes from a variable, so it stands in no list of processes."""
    shell: Shell = context.obj
    _require_known(key)
    wanted = _of_its_kind(key, value)
    if password_env is not None:
        password = os.environ.get(password_env)
        if not password or not isinstance(wanted, dict):
            raise InvalidInput("password_env", "required" if not password else "unknown-kind")
        wanted[HIDDEN] = password
    with shell.open() as services:
        services.settings.put(key, wanted)
        stored = services.settings.get(key)
    _tell(shell, key, stored)


def _require_known(key: str) -> None:
    if key not in WRITABLE:
        raise NotFound("setting", key)


def _of_its_kind(key: str, typed: str) -> Any:
    """The JSON value, of the same type as the setting's default. Raises InvalidInput."""
    try:
        value = json.loads(typed)
    except ValueError:
        value = typed  # a word without quotes is that word
    if type(value) is not type(DEFAULTS[key]):
        raise InvalidInput(key, "unknown-kind")
    if isinstance(value, int) and not 0 <= value <= LARGEST_NUMBER:
        raise InvalidInput(key, "out-of-range")
    if key == "look.language" and value not in ("zh_CN", "en"):
        raise InvalidInput(key, "unknown-kind")
    return value


def _tell(shell: Shell, key: str, value: Any) -> None:
    shown = {name: part for name, part in value.items() if name != HIDDEN} if isinstance(value, dict) else value
    shell.tell({"key": key, "value": shown}, f"{key}  {json.dumps(shown, ensure_ascii=False)}")
