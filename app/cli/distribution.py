"""`distribute`, `distribution …`, `receipts`."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.people import found, left_out, summary
from app.cli.shell import Shell, minor, password_in
from app.errors import InvalidInput, NotFound, NotWritable
from app.services import Services
from app.services.channels.email import MailServer
from app.services.distribution import DeliveryFilter, DistributionRow, DistributionSpec, Gift, Rule
from app.services.distribution.reminding import REMIND_AFTER_DAYS
from app.services.people.roster import Checked
from app.services.secret import Secret
from app.vocabulary import CHANNELS, DISTRIBUTION_STATES, word
from app.words import tr, yuan

EVERYBODY, NOTHING = "all", "none"
USUAL_PACE_MIN = 10
RULE_HELP = (
    "Departments, = and a product: 'R&D,Sales=3', 'Sales=2:500.00', 'Admin=none'. Repeatable, the first one wins."
)
ZIP_HELP = "Variable that holds a password: the file then lies in a ZIP."


def add_to(cli: typer.Typer) -> None:
    cli.command("distribute")(distribute)
    distribution = typer.Typer(help="Distributions: who got which card.", no_args_is_help=True)
    distribution.command("list")(list_)
    distribution.command("show")(show)
    distribution.command("resume")(resume)
    distribution.command("remind")(remind)
    distribution.command("recall")(recall)
    cli.add_typer(distribution, name="distribution")
    cli.command("receipts")(receipts)


def distribute(
    context: typer.Context,
    people: Annotated[str, typer.Option(help="A roster (XLSX, CSV …), or all.")],
    channel: Annotated[str, typer.Option(help="file, print or email.")],
    product: Annotated[int | None, typer.Option(help="Id of the product; with rules, for everybody else.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help=RULE_HELP)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for what file and print write.")] = None,
    note: Annotated[str, typer.Option()] = "",
    name: Annotated[str | None, typer.Option()] = None,
    amount: Annotated[str | None, typer.Option(help="Face of a variable-value card of --product.")] = None,
    budget: Annotated[str | None, typer.Option(help="Take nothing when the cards come to more.")] = None,
    pace: Annotated[str | None, typer.Option(help="Mails in so many minutes, like 100/10.")] = None,
    gate: Annotated[str, typer.Option(help="What a link asks for: phone_tail, employee_no or none.")] = "phone_tail",
    allow_again: Annotated[bool, typer.Option("--allow-again", help="Also to people who have one.")] = False,
    zip_password_env: Annotated[str | None, typer.Option(help=ZIP_HELP)] = None,
) -> None:
    """Give everybody on a list a card and deliver it. The same list again gives nobody a second card."""
    face, limit, rules, (mails, minutes) = minor("amount", amount), minor("budget", budget), _rules(rule), _pace(pace)
    password = _zip_password(zip_password_env, channel)
    spec = DistributionSpec(
        product_id=product,
        person_ids=(),
        channel=channel,
        name=name or _name(people),
        note=note,
        out_folder=(out or Path.cwd()).absolute(),
        allow_again=allow_again,
        amount_minor=face,
        rules=rules,
        budget_minor=limit,
        pace=mails,
        pace_minutes=minutes,
        gate=gate,
        protected=password is not None,
    )
    _distribute(context.obj, spec, people, password)


def _distribute(shell: Shell, spec: DistributionSpec, people: str, password: Secret | None) -> None:
    with shell.open() as services:
        _require_way_out(services, spec.channel, spec.out_folder or Path.cwd())
        ids, checked = _people(services, people)
        _require_departments(services, spec.rules, ids)
        spec = replace(spec, person_ids=ids, roster_hash=checked.roster.sha256 if checked else None)
        distribution = services.distribution.prepare(spec, shell.progress)
        _deliver_and_tell(shell, services, distribution, password, checked)


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
    zip_password_env: Annotated[str | None, typer.Option(help=ZIP_HELP)] = None,
) -> None:
    """Deliver what is left of a distribution. A protected file needs a password again: it is kept nowhere."""
    shell: Shell = context.obj
    password = password_in(zip_password_env)
    with shell.open() as services:
        if retry:
            services.distribution.retry_failed(distribution)
        if again:
            services.distribution.resend_uncertain(distribution)
        _deliver_and_tell(shell, services, distribution, password)


def remind(
    context: typer.Context,
    distribution: int,
    days: Annotated[int, typer.Option(help="Mailed so many days ago or earlier.")] = REMIND_AFTER_DAYS,
) -> None:
    """Mail the same link again to those who have not opened it; nobody twice within 24 hours."""
    shell: Shell = context.obj
    with shell.open() as services:
        done = services.distribution.remind(distribution, shell.progress, days=days)
        row = services.distribution.distribution(distribution)
    counts = tr("{sent} reminded, {failed} failed", sent=f"{done.sent:,}", failed=f"{done.failed:,}")
    shell.tell({"id": row.id} | asdict(done), f"{row.id}  {row.name}  {counts}")


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
        services.distribution.wake()
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


def _people(services: Services, typed: str) -> tuple[tuple[int, ...], Checked | None]:
    """Ids in the order of the list, and the list as it was understood."""
    if typed == EVERYBODY:
        return tuple(services.distribution.everybody()), None
    checked = services.people.check(services.people.stage(Path(typed)))
    stored = services.people.store(checked)
    if checked.counts.read and not stored.person_ids:
        raise InvalidInput("people", "no-good-row")
    return tuple(stored.person_ids[line] for line in sorted(stored.person_ids)), checked


def _rules(typed: Sequence[str] | None) -> tuple[Rule, ...]:
    return tuple(_rule(one) for one in typed or ())


def _rule(typed: str) -> Rule:
    """`R&D,Sales=3`, with the amount of a variable-value card `=2:500.00`, or `=none`. Raises InvalidInput."""
    names, sign, given = typed.replace("\uff0c", ",").rpartition("=")
    number, _, amount = given.strip().partition(":")
    if not sign or not (number == NOTHING or number.isdecimal()):
        raise InvalidInput("rule", "not-a-rule")
    gift = None if number == NOTHING else Gift(int(number), minor("rule", amount or None))
    return Rule(tuple(name.strip() for name in names.split(",")), gift)


def _require_departments(services: Services, rules: Sequence[Rule], ids: Sequence[int]) -> None:
    """A misspelt department would give its people what everybody else gets."""
    known = services.distribution.departments(ids) if rules else {}
    for name in (name for rule in rules for name in rule.departments):
        if name not in known:
            raise NotFound("department", name)


def _zip_password(variable: str | None, channel: str) -> Secret | None:
    """Raises InvalidInput where there is no file to protect."""
    password = password_in(variable)
    if password is not None and channel != "file":
        raise InvalidInput("zip_password_env", "zip-only")
    return password


def _pace(typed: str | None) -> tuple[int | None, int]:
    """`100/10` → 100 mails in 10 minutes. Raises InvalidInput."""
    if typed is None:
        return None, USUAL_PACE_MIN
    mails, _, minutes = typed.partition("/")
    if not mails.isdecimal() or not (minutes or "1").isdecimal():
        raise InvalidInput("pace", "not-a-pace")
    return int(mails), int(minutes or USUAL_PACE_MIN)


def _name(people: str) -> str:
    return tr("Everybody") if people == EVERYBODY else Path(people).stem


def _deliver_and_tell(
    shell: Shell, services: Services, distribution: int, password: Secret | None, checked: Checked | None = None
) -> None:
    """What became of the run; of a list with faulty rows also who is not in it, for nobody else would tell."""
    done = services.distribution.deliver(distribution, shell.progress, zip_password=password)
    row = services.distribution.distribution(distribution)
    told = {"roster": found(checked)} if checked else {}
    lines = [*left_out(checked), summary(checked)] if checked and checked.counts.faulty else []
    lines += [_line(row), *done.files, *(_unfinished(services, row) if row.skipped else ())]
    shell.tell(document(row) | {"files": list(done.files)} | told, lines)


def _unfinished(services: Services, row: DistributionRow) -> Iterator[str]:
    """Whoever was left out here has a card of an earlier run; where that one was cut off, it never went out."""
    for other in services.distribution.distributions():
        if other.id != row.id and other.prepared and other.state != "cancelled" and other.scheduled_at is None:
            yield tr(
                "{name} is not finished. Go on with: distribution resume {number}", name=other.name, number=other.id
            )


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
    split = [f"{one.product} {one.people:,} {yuan(one.total_minor)}" for one in row.products if len(row.products) > 1]
    return "  ".join([f"{row.id}", row.name, channel, state, counts, yuan(row.total_minor), *split])
