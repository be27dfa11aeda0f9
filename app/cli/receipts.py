"""`card receipt`: the signed receipt of a redemption of this computer, and whether one is genuine."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.shell import Shell
from app.errors import InvalidInput
from app.services.slips import Receipt, SlipVerdict
from app.vocabulary import BOOKED, HAPPENED, SLIPS, word
from app.words import moment, tr, worth


def receipt(
    context: typer.Context,
    redemption_id: Annotated[str | None, typer.Argument(help="Number of a redemption, as `redeem` tells it.")] = None,
    out: Annotated[Path | None, typer.Option(help="PDF for a receipt printer of 80 mm.")] = None,
    check: Annotated[str | None, typer.Option(metavar="TEXT", help="Text of a receipt's QR code, to check.")] = None,
) -> int:
    """The signed receipt of a redemption of this computer, or whether one is genuine; works without a line."""
    shell: Shell = context.obj
    if (redemption_id is None) == (check is None) or (check is not None and out is not None):
        raise InvalidInput("receipt", "one-of-both")
    if check is not None:
        return _check(shell, check)
    with shell.open() as services:
        slips, number = services.slips, redemption_id or ""
        made = slips.receipt(number) if out is None else slips.save(number, out)
    shell.tell({"receipt": made, "file": out}, _lines(made, out))
    return 0


def _check(shell: Shell, text: str) -> int:
    """Ends with 1 where it is not genuine."""
    with shell.open() as services:
        verdict = services.slips.check(text)
    document = {name: getattr(verdict, name) for name in type(verdict).__dataclass_fields__}
    shell.tell({"genuine": verdict.genuine} | document, _verdict_lines(verdict))
    return 0 if verdict.genuine else 1


def _lines(made: Receipt, out: Path | None) -> list[str]:
    what = worth(abs(made.amount_minor) if made.amount_minor else None, abs(made.uses))
    lines = [
        tr("Receipt {number}", number=made.number),
        "  ".join(part for part in (moment(made.at), word(HAPPENED, made.kind), what, made.serial, made.place) if part),
    ]
    return [*lines, tr("Receipt saved: {file}", file=out) if out is not None else made.text]


def _verdict_lines(verdict: SlipVerdict) -> list[str]:
    lines = [word(SLIPS, verdict.reason or "genuine")]
    said, booked = verdict.said, verdict.booked
    counter = verdict.counter or verdict.device_id
    if said is None or booked is None:
        return [*lines, *([counter] if counter else [])]
    what = worth(abs(said.amount_minor) if said.amount_minor else None, abs(said.uses))
    parts = (counter, said.place, moment(said.at), word(HAPPENED, said.kind), what, said.serial)
    return [*lines, "  ".join(part for part in parts if part), word(BOOKED, booked.state)]
