"""`remove` and `restore` of products, batches and people: the recycle bin."""

from typing import Annotated

import typer

from app.cli.shell import Shell
from app.words import ntr


def add_bin(group: typer.Typer, kind: str) -> None:
    """Two commands of a group: into the recycle bin and, for 30 days, back."""

    def remove(
        context: typer.Context, ids: Annotated[list[int], typer.Argument(help="Ids, as `list` shows them.")]
    ) -> None:
        """Into the recycle bin, from where it can be restored for 30 days."""
        shell: Shell = context.obj
        with shell.open() as services:
            removed = services.removals.remove(kind, ids)
        words = ntr("{count} moved to the recycle bin", "{count} moved to the recycle bin", len(removed))
        shell.tell({"removed": removed}, words)

    def restore(
        context: typer.Context, ids: Annotated[list[int], typer.Argument(help="Ids of what was removed.")]
    ) -> None:
        """Back from the recycle bin."""
        shell: Shell = context.obj
        with shell.open() as services:
            count = services.removals.restore(kind, ids)
        shell.tell({"restored": count}, ntr("{count} restored", "{count} restored", count))

    group.command("remove")(remove)
    group.command("restore")(restore)
