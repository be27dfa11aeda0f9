"""`batch …`, `codes import`."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.removals import add_bin
from app.cli.shell import Shell, minor, password_in
from app.messages import reason_sentence
from app.services.batches import BatchRow, BatchSpec
from app.services.exports import ExportOrder
from app.services.secret import Secret
from app.vocabulary import BATCH_STATES, word
from app.words import tr


def add_to(cli: typer.Typer) -> None:
    batch = typer.Typer(help="Batches of codes.", no_args_is_help=True)
    for name, command in (
        ("generate", generate),
        ("list", list_),
        ("show", show),
        ("continue", continue_),
        ("discard", discard),
        ("freeze", freeze),
        ("thaw", thaw),
        ("void", void),
        ("export", export),
    ):
        batch.command(name)(command)
    add_bin(batch, "batch")
    cli.add_typer(batch, name="batch")
    codes = typer.Typer(help="Codes bought from suppliers.", no_args_is_help=True)
    codes.command("import")(import_codes)
    cli.add_typer(codes, name="codes")


def generate(
    context: typer.Context,
    product: Annotated[int, typer.Option(help="Id of the product.")],
    quantity: Annotated[int, typer.Option()],
    format_: Annotated[str, typer.Option("--format", help="short, standard, long, or a pattern.")] = "standard",
    amount: Annotated[str | None, typer.Option(help="Amount of a variable-value card.")] = None,
) -> None:
    """Generate codes."""
    shell: Shell = context.obj
    profile = format_.upper() if format_.lower() in ("short", "standard", "long") else format_
    spec = BatchSpec(product, quantity, profile, face_minor=minor("amount", amount))
    with shell.open() as services:
        began = time.perf_counter()
        batch_id = services.batches.generate(spec, shell.progress)
        seconds = round(time.perf_counter() - began, 3)
        row = services.batches.batch(batch_id)
    shell.tell(document(row) | {"seconds": seconds}, _line(row))


def list_(context: typer.Context) -> None:
    """All batches, newest first."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.batches.batches()
    shell.tell({"batches": [document(row) for row in rows]}, [_line(row) for row in rows])


def show(context: typer.Context, batch: int) -> None:
    """One batch with its counts."""
    _tell(context, batch)


def continue_(context: typer.Context, batch: int) -> None:
    """Make the rest of a batch that was interrupted."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.batches.resume(batch, shell.progress)
    _tell(context, batch)


def discard(context: typer.Context, batch: int) -> None:
    """Remove an unfinished batch."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.batches.discard(batch)
    shell.tell({"id": batch, "state": "discarded"}, tr("Discarded."))


def freeze(context: typer.Context, batch: int) -> None:
    """Stop a batch for now."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.batches.freeze(batch)
    _tell(context, batch)


def thaw(context: typer.Context, batch: int) -> None:
    """Let a frozen batch go on."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.batches.thaw(batch)
    _tell(context, batch)


def void(context: typer.Context, batch: int, confirm: Annotated[str, typer.Option(help="The count of cards.")]) -> None:
    """End a batch for ever."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.batches.void(batch, confirm=confirm)
    _tell(context, batch)


def export(
    context: typer.Context,
    batch: int,
    format_: Annotated[str, typer.Option("--format", help="csv, xlsx, txt, zip or pdf.")],
    out: Annotated[Path, typer.Option()],
    plain: Annotated[bool, typer.Option("--plain", help="Release the plain codes; needs --reason.")] = False,
    reason: Annotated[str, typer.Option()] = "",
    zip_password_env: Annotated[str | None, typer.Option(help="Variable that holds the password.")] = None,
) -> None:
    """Write the cards of a batch to a file: masked, unless released."""
    shell: Shell = context.obj
    password = password_in(zip_password_env)
    order = ExportOrder(
        batch_id=batch,
        format=format_.lower(),
        out=out,
        plain=plain,
        reason=reason,
        passphrase=Secret(shell.passphrase()),
        zip_password=password,
    )
    with shell.open() as services:
        made = services.exports.export(order, shell.progress)
    found: dict[str, Any] = {"file": made.file, "rows": made.rows, "sha256": made.sha256}
    lines = [tr("{rows} cards in {file}", rows=f"{made.rows:,}", file=made.file)]
    if made.zip_password is not None and password is None:
        found["zip_password"] = made.zip_password.reveal()
        lines.append(tr("Password: {password}", password=made.zip_password.reveal()))
    shell.tell(found, lines)


def import_codes(
    context: typer.Context,
    file: Path,
    product: Annotated[int, typer.Option(help="Id of a supplier product.")],
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
) -> None:
    """Import supplier codes; every problem row is listed, good rows go in."""
    shell: Shell = context.obj
    with shell.open() as services:
        result = services.supplier_imports.import_file(file, product, dry_run=dry_run, progress=shell.progress)
    counts = tr(
        "{read} read, {imported} imported, {duplicates} there already, {problems} with problems",
        read=result.read,
        imported=result.imported,
        duplicates=result.duplicates,
        problems=len(result.problems),
    )
    found = {name: getattr(result, name) for name in type(result).__dataclass_fields__}
    problems = [
        {
            "line": problem.line,
            "kind": problem.reason,
            "reason": reason_sentence(problem.reason),
            "value_masked": problem.value_masked,
        }
        for problem in result.problems
    ]
    lines = [
        f"{tr('Line {line}', line=problem['line'])}  {problem['value_masked']}  {problem['reason']}"
        for problem in problems
    ]
    unused = [tr("Columns not used: {columns}", columns=", ".join(result.unused))] if result.unused else []
    shell.tell(found | {"problems": problems}, [counts, *unused, *lines])


def document(row: BatchRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in BatchRow.__dataclass_fields__}


def _tell(context: typer.Context, batch: int) -> None:
    shell: Shell = context.obj
    with shell.open() as services:
        row = services.batches.batch(batch)
    shell.tell(document(row), _line(row))


def _line(row: BatchRow) -> str:
    return f"{row.id}  {row.serial}  {row.product}  {row.quantity:,}  {word(BATCH_STATES, row.state)}"
