"""Commands that need more than services: they make a demo, open windows, take pictures."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.shell import Shell
from app.config import Config


def add_to(cli: typer.Typer) -> None:
    cli.command("demo")(demo)
    cli.command("walk", hidden=True)(walk)


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder of the demo vault.")],
    open_: Annotated[bool, typer.Option("--open", help="Open it in the window.")] = False,
) -> None:
    """A throw-away vault full of demo data."""
    from app.bootstrap.demo import PASSPHRASE, make_demo

    shell: Shell = context.obj
    config = Config(out.resolve())
    vault = make_demo(config, _say)
    vault.close()
    if open_:
        from app.bootstrap.desk import open_desk

        sys.stderr.write(f"{PASSPHRASE}\n")
        raise typer.Exit(open_desk(config, passphrase=PASSPHRASE))
    shell.tell({"ok": True, "findings": [], "data": config.data, "passphrase": PASSPHRASE}, f"{out}  {PASSPHRASE}")


def walk(context: typer.Context, out: Annotated[Path, typer.Option(help="Folder of the pictures.")]) -> None:
    """The main job once, without a screen."""
    from app.bootstrap.walk import walk as walk_through

    shell: Shell = context.obj
    pictures = walk_through(out.resolve(), _say)
    shell.tell({"ok": True, "pictures": pictures}, f"{len(pictures)} → {out}")


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")
