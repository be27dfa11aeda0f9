"""`product add`, `product list`."""

from datetime import date
from typing import Annotated

import typer

from app.cli.removals import add_bin
from app.cli.shell import Shell, minor
from app.errors import InvalidInput
from app.services.catalog import ProductRow, ProductSpec
from app.vocabulary import KINDS, word
from app.words import end_of_local_day, yuan


def add_to(cli: typer.Typer) -> None:
    product = typer.Typer(help="Products: what a card stands for.", no_args_is_help=True)
    product.command("add")(add)
    product.command("list")(list_)
    add_bin(product, "product")
    cli.add_typer(product, name="product")


def add(
    context: typer.Context,
    name: Annotated[str, typer.Option()],
    kind: Annotated[str, typer.Option(help="fixed, variable, exchange or supplier.")],
    face: Annotated[str | None, typer.Option(help="Face value, like 200.00.")] = None,
    min_: Annotated[str | None, typer.Option("--min")] = None,
    max_: Annotated[str | None, typer.Option("--max")] = None,
    step: Annotated[str | None, typer.Option()] = None,
    uses: Annotated[int, typer.Option()] = 1,
    valid_days: Annotated[int | None, typer.Option()] = None,
    valid_until: Annotated[str | None, typer.Option(help="Last valid day, like 2027-12-31.")] = None,
    form: Annotated[str, typer.Option(help="stored_value, voucher, membership or course.")] = "voucher",
    named: Annotated[bool, typer.Option("--named")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="No partial redemption.")] = False,
    target_url: Annotated[str | None, typer.Option(help="https://… with {code}: where the holder uses it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Reason to pass a rule of the trade.")] = None,
) -> None:
    """Make a product."""
    shell: Shell = context.obj
    spec = ProductSpec(
        name=name,
        kind=kind,
        form=form,
        named=named,
        face_minor=minor("face", face),
        min_minor=minor("min", min_),
        max_minor=minor("max", max_),
        step_minor=minor("step", step),
        uses=uses,
        partial=not whole,
        valid_days=valid_days,
        valid_until=end_of_local_day(_day(valid_until)) if valid_until else None,
        target_url=target_url,
    )
    with shell.open() as services:
        row = services.catalog.product(services.catalog.add(spec, override_reason=reason))
    shell.tell(document(row), f"{row.id}  {row.name}")


def list_(context: typer.Context) -> None:
    """All products on the shelf."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.catalog.products()
    lines = [f"{row.id}  {row.name}  {word(KINDS, row.kind)}  {yuan(row.face_minor)}  {row.in_stock}" for row in rows]
    shell.tell({"products": [document(row) for row in rows]}, lines)


def document(row: ProductRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in ProductRow.__dataclass_fields__} | {"issued": row.issued}


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise InvalidInput("valid_until", "not-a-date") from error
