"""`distribute`, `distribution …`, `receipts`."""

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.shell import Shell, minor
from app.errors import InvalidInput, NotWritable
from app.services import Services
from app.services.channels.email import MailServer
from app.services.distribution import DeliveryFilter, DistributionRow, DistributionSpec
from app.vocabulary import CHANNELS, DISTRIBUTION_STATES, word
from app.words import tr, yuan

EVERYBODY = "all"


def add_to(cli: typer.Typer) -> None:
    cli.command("distribute")(distribute)
    distribution = typer.Typer(help="Distributions: who got which card.", no_args_is_help=True)
    distribution.command("list")(list_)
    distribution.command("show")(show)
    distribution.command("resume")(resume)
    distribution.command("recall")(recall)
    cli.add_typer(distribution, name="distribution")
    cli.command("receipts")(receipts)


def distribute(
    context: typer.Context,
    product: Annotated[int, typer.Option(help="Id of the product.")],
    people: Annotated[str, typer.Option(help="A roster (XLSX, CSV …), or all.")],
    channel: Annotated[str, typer.Option(help="file, print or email.")],
    out: Annotated[Path | None, typer.Option(help="Folder for what file and print write.")] = None,
    note: Annotated[str, typer.Option()] = "",
    name: Annotated[str | None, typer.Option()] = None,
    amount: Annotated[str | None, typer.Option(help="Face of a variable-value card.")] = None,
    gate: Annotated[str, typer.Option(help="What a link asks for: phone_tail, employee_no or none.")] = "phone_tail",
    allow_again: Annotated[bool, typer.Option("--allow-again", help="Also to people who have one.")] = False,
) -> None:
    """Give everybody on a list a card and deliver it. The same list again gives nobody a second card."""
    shell: Shell = context.obj
    face = minor("amount", amount)
    with shell.open() as services:
        _require_way_out(services, channel, out or Path.cwd())
        ids, roster_hash = _people(services, people)
        spec = DistributionSpec(
            product_id=product,
            person_ids=ids,
            channel=channel,
            name=name or _name(people),
            note=note,
            out_folder=(out or Path.cwd()).absolute(),
            allow_again=allow_again,
            amount_minor=face,
            roster_hash=roster_hash,
            gate=gate,
        )
        distribution = services.distribution.prepare(spec, shell.progress)
        _deliver_and_tell(shell, services, distribution)


def list_(context: typer.Context) -> None:
    """All distributions, newest first."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.distribution.distributions()
    shell.tell({"distributions": [document(row) for row in rows]}, [_line(row) for row in rows])


def show(context: typer.Context, distribution: int) -> None:
    """One distribution with its deliveries; personal data masked."""
    shell: Shell = context.obj
    with shell.open() as services:
        row = services.distribution.distribution(distribution)
        deliveries = services.distribution.deliveries_of(services.distribution.delivery_ids(distribution))
    shell.tell(
        document(row) | {"deliveries": deliveries},
        [_line(row), *(f"{one.id}  {one.no}  {one.name}  {one.serial}  {one.state}" for one in deliveries)],
    )


def resume(
    context: typer.Context,
    distribution: int,
    retry: Annotated[bool, typer.Option("--retry", help="Also what failed and may go well now.")] = False,
    again: Annotated[bool, typer.Option("--uncertain", help="Also mails that may have arrived.")] = False,
) -> None:
    """Deliver what is left of a distribution."""
    shell: Shell = context.obj
    with shell.open() as services:
        if retry:
            services.distribution.retry_failed(distribution)
        if again:
            services.distribution.resend_uncertain(distribution)
        _deliver_and_tell(shell, services, distribution)


def recall(
    context: typer.Context,
    distribution: int,
    delivery: Annotated[list[int] | None, typer.Option(help="Id of a delivery, see show; may be repeated.")] = None,
    person: Annotated[str | None, typer.Option(help="Part of a name or an employee number.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every delivery of it.")] = False,
) -> None:
    """Take deliveries back that nobody has opened."""
    shell: Shell = context.obj
    with shell.open() as services:
        own = services.distribution.delivery_ids(distribution, DeliveryFilter(text=person or ""))
        if not (delivery or person or everything):
            raise InvalidInput("delivery", "required")
        chosen = [one for one in own if one in delivery] if delivery else own
        services.distribution.recall(chosen)
        services.distribution.settle_recalls()
        row = services.distribution.distribution(distribution)
    shell.tell(document(row), _line(row))


def receipts(context: typer.Context, distribution: int, out: Annotated[Path, typer.Option()]) -> None:
    """Write the receipt of a distribution as PDF or XLSX."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.distribution.write_receipt(distribution, out.absolute())
        row = services.distribution.distribution(distribution)
    shell.tell(document(row) | {"file": out.absolute()}, str(out))


def document(row: DistributionRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DistributionRow.__dataclass_fields__}


def _require_way_out(services: Services, channel: str, out: Path) -> None:
    """Refuse before any card is taken: the same command again would find that everybody has one."""
    if channel == "email":
        MailServer.from_settings(services.settings.get("mail.server"))
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWritable(str(out)) from error
    if not os.access(out, os.W_OK):
        raise NotWritable(str(out))


def _people(services: Services, typed: str) -> tuple[tuple[int, ...], str | None]:
    """Ids in the order of the list, and the digest of its file."""
    if typed == EVERYBODY:
        return tuple(services.distribution.everybody()), None
    path = Path(typed)
    roster = services.people.stage(path)
    stored = services.people.store(services.people.check(roster))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return tuple(stored.person_ids[line] for line in sorted(stored.person_ids)), digest


def _name(people: str) -> str:
    return tr("Everybody") if people == EVERYBODY else Path(people).stem


def _deliver_and_tell(shell: Shell, services: Services, distribution: int) -> None:
    done = services.distribution.deliver(distribution, shell.progress)
    row = services.distribution.distribution(distribution)
    shell.tell(document(row) | {"files": list(done.files)}, [_line(row), *done.files])


def _line(row: DistributionRow) -> str:
    counts = tr(
        "{people} people, {sent} sent, {failed} failed, {skipped} skipped, {recalled} recalled",
        people=f"{row.people:,}",
        sent=f"{row.sent:,}",
        failed=f"{row.failed:,}",
        skipped=f"{row.skipped:,}",
        recalled=f"{row.recalled:,}",
    )
    state, channel = word(DISTRIBUTION_STATES, row.state), word(CHANNELS, row.channel)
    return f"{row.id}  {row.name}  {channel}  {state}  {counts}  {yuan(row.total_minor)}"
