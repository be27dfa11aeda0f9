"""Commands that need more than services: they open windows or start processes."""

import typer


def add_to(cli: typer.Typer) -> None:
    """Nothing yet beside the services' own commands."""
