"""The headless commands: thin, they call the same services as the window and print text or JSON."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
import typer

from app.cli import audit, batches, cards, catalog, cloud, dashboard, distribution, people, settings, upkeep, vault
from app.cli.shell import ServicesOf, Shell
from app.config import Config
from app.errors import AppError
from app.words import DEFAULT_LANGUAGE, set_language

DONE, REFUSED, USAGE = 0, 1, 2

cli = typer.Typer(
    name="kaxia", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
for part in (vault, catalog, batches, cards, people, distribution, cloud, dashboard, settings, audit, upkeep):
    part.add_to(cli)


def run(arguments: list[str], services_of: ServicesOf, extra: Callable[[typer.Typer], None] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 refused, 2 usage."""
    if extra:
        extra(cli)
    set_language(os.environ.get("KAXIA_LANGUAGE", DEFAULT_LANGUAGE))
    rest, data, as_json = _global_options(arguments)
    shell = Shell(Config.from_environment(data), as_json, services_of)
    try:
        answer = typer.main.get_command(cli).main(rest, prog_name="kaxia", standalone_mode=False, obj=shell)
    except AppError as error:
        shell.refuse(error)
        return REFUSED
    except click.exceptions.Abort:
        return REFUSED
    except click.ClickException as error:
        error.show()
        return USAGE
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return REFUSED
    return answer if isinstance(answer, int) else DONE


def _global_options(arguments: list[str]) -> tuple[list[str], Path | None, bool]:
    """`--data DIR` and `--json` may stand anywhere, before or after the command."""
    rest: list[str] = []
    data: Path | None = None
    as_json = False
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--json":
            as_json = True
        elif argument == "--data":
            folder = next(waiting, None)
            data = Path(folder) if folder else data
        elif argument.startswith("--data="):
            data = Path(argument.removeprefix("--data="))
        else:
            rest.append(argument)
    return rest, data, as_json
