"""`cloud …`: the devices of this merchant at the endpoint."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.shell import Shell
from app.errors import InvalidInput
from app.services.cloud import CloudStatus
from app.services.cloud.devices import DeviceRow
from app.words import moment, tr

Which = Annotated[str, typer.Argument(metavar="ID", help="Id of a device, or its first signs, as `devices` lists it.")]


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    DISTRIBUTOR = "distributor"
    CLERK = "clerk"
    AUDITOR = "auditor"


Asked = Annotated[Role, typer.Option("--role", help="What the device may do.")]


def add_to(cli: typer.Typer) -> None:
    cloud = typer.Typer(help="The devices of this merchant at the endpoint.", no_args_is_help=True)
    cloud.command("devices")(devices)
    cloud.command("invite")(invite)
    cloud.command("revoke")(revoke)
    cloud.command("role")(role)
    cloud.command("rename")(rename)
    cloud.command("settle")(settle)
    cli.add_typer(cloud, name="cloud")


def devices(context: typer.Context) -> None:
    """List the devices: which of them is this one, what each may do, when it was seen last."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.devices.listed()
    lines = [
        f"{row.id}  {row.role:<11}  {row.state:<7}  {moment(row.seen_at)}  {row.name}" + (" *" if row.is_this else "")
        for row in rows
    ]
    shell.tell({"devices": rows}, lines)


def invite(
    context: typer.Context,
    role: Asked,
    name: Annotated[str, typer.Option("--name", help="What the device will be called.")],
) -> None:
    """Make a one-time pairing code for another device; it is told only here."""
    shell: Shell = context.obj
    with shell.open() as services:
        made = services.devices.invite(role.value, name)
    code = made.code.reveal()
    document = {"url": made.url, "pairing_code": code, "role": made.role, "name": made.name}
    lines = [
        f"kaxia endpoint pair {made.url} {code}",
        tr("Good for {minutes} minutes, once.", minutes=made.good_for_s // 60),
    ]
    shell.tell(document | {"good_for_s": made.good_for_s}, lines)


def revoke(
    context: typer.Context,
    device: Which,
    yes: Annotated[bool, typer.Option("--yes", help="It is refused from its next request on: yes.")] = False,
) -> None:
    """Shut a device out for good; it comes back only with a new code."""
    shell: Shell = context.obj
    if not yes:
        raise InvalidInput("yes", "revoke-needs-yes")
    with shell.open() as services:
        row = services.devices.find(device)
        services.devices.revoke(row)
    _tell(shell, row, tr("{name} is revoked.", name=row.name))


def role(context: typer.Context, device: Which, role: Asked) -> None:
    """Give a device another role."""
    shell: Shell = context.obj
    with shell.open() as services:
        row = services.devices.find(device)
        services.devices.change_role(row, role.value)
    _tell(shell, row, tr("{name} is {role} now.", name=row.name, role=role.value))


def rename(
    context: typer.Context,
    device: Which,
    name: Annotated[str, typer.Option("--name", help="Its new name.")],
) -> None:
    """Give a device another name."""
    shell: Shell = context.obj
    with shell.open() as services:
        row = services.devices.find(device)
        services.devices.rename(row, name)
    _tell(shell, row, tr("Renamed"))


def settle(context: typer.Context) -> None:
    """Say that only this copy of the vault is used any more, after it was seen to live twice."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.cloud.settle_twin()
    shell.tell({"twin_since": None}, tr("From now on only this copy is used."))


def twin_line(status: CloudStatus) -> list[str]:
    """A sentence where this vault was seen to live twice."""
    if status.twin_since is None:
        return []
    return [
        tr(
            "This vault lives twice since {moment}: a copy or a restored backup of it spoke to the endpoint as well. "
            "Work with one only, else both give out the same card; then run `cloud settle`.",
            moment=moment(status.twin_since),
        )
    ]


def _tell(shell: Shell, row: DeviceRow, text: str) -> None:
    shell.tell({"id": row.id, "name": row.name}, text)
