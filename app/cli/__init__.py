"""The headless commands: thin, they call the same services as the window and print text or JSON."""

import io
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from app.cli import (
    audit,
    batches,
    cards,
    catalog,
    cloud,
    dashboard,
    devices,
    distribution,
    leases,
    people,
    settings,
    upkeep,
    vault,
)
from app.cli.shell import ServicesOf, Shell
from app.config import Config
from app.errors import AppError, JobCancelled, ProgramFault
from app.words import DEFAULT_LANGUAGE, set_language

log = logging.getLogger(__name__)
DONE, REFUSED, USAGE = 0, 1, 2

cli = typer.Typer(
    name="kaxia", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
for part in (
    vault,
    catalog,
    batches,
    cards,
    people,
    distribution,
    cloud,
    devices,
    leases,
    dashboard,
    settings,
    audit,
    upkeep,
):
    part.add_to(cli)


def run(
    arguments: list[str],
    services_of: ServicesOf,
    *,
    keep_log: Callable[[Path], None],
    extra: Callable[[typer.Typer], None],
) -> int:
    """Run one command; the exit code: 0 done, 1 refused, 2 usage, 130 interrupted. `keep_log` takes the log folder."""
    extra(cli)
    set_language(os.environ.get("KAXIA_LANGUAGE", DEFAULT_LANGUAGE))
    _speak_utf8()
    shell = Shell(Config.from_environment(), "--json" in arguments, services_of)
    try:
        rest, data, shell.as_json = _global_options(arguments)
        shell.config = Config.from_environment(data)
        keep_log(shell.config.logs)
        answer = typer.main.get_command(cli).main(rest, prog_name="kaxia", standalone_mode=False, obj=shell)
    except typer.TyperException as error:
        shell.misused(error)
        return USAGE
    except AppError as error:
        shell.refuse(error)
        return REFUSED
    except (typer.Abort, JobCancelled):
        return REFUSED
    except Exception as error:
        log.error("a command crashed", exc_info=error)
        shell.refuse(ProgramFault(type(error).__name__, str(shell.config.logs)))
        return REFUSED
    return answer if isinstance(answer, int) else DONE


def _speak_utf8() -> None:
    """Whatever the terminal was set to: names need all of Unicode, and a file name may hold stray bytes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if not stream.isatty() else None, errors="backslashreplace")


def _global_options(arguments: list[str]) -> tuple[list[str], Path | None, bool]:
    """`--data DIR` and `--json` may stand anywhere, before or after the command. Raises BadParameter."""
    rest: list[str] = []
    data: Path | None = None
    as_json = False
    if any("\udc80" <= sign <= "\udcff" for argument in arguments for sign in argument):
        raise typer.BadParameter("What was typed is not UTF-8.")
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument == "--json":
            as_json = True
        elif argument == "--data" or argument.startswith("--data="):
            folder = argument[7:] if "=" in argument else next(waiting, "")
            if not folder:
                raise typer.BadParameter("--data needs a folder.")
            data = Path(folder)
        else:
            rest.append(argument)
    return rest, data, as_json
