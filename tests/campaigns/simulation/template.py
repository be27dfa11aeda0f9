"""What every history begins with, made once: an endpoint with a merchant, and two desktops paired with it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from app.bootstrap import build_services
from app.config import Config
from app.services.catalog import ProductSpec
from app.services.vault.keys import VaultKeys
from app.services.vault.vaults import NewVault, Vaults
from tests.campaigns.simulation import clerk
from tests.campaigns.simulation.desktop import Desktop, put_back
from tests.campaigns.simulation.server import BASE, Server
from tests.campaigns.simulation.wire import Wire
from tests.campaigns.simulation.world import Clock, drawn_from, world

FACE, USES = 300, 3
MONEY, VOUCHER = 1, 2
"""Ids of the products."""
CHEAP_KIB = 64


@dataclass
class Template:
    """`file` is the endpoint's database; a desktop's vault lies in `folders`."""

    server: Server
    clock: Clock
    keys: VaultKeys
    merchant_id: str
    file: Path
    folders: dict[str, Path]
    clerk: tuple[Path, VaultKeys]
    """The same of a desktop with a vault and keys of its own."""


@contextmanager
def template(folder: Path) -> Iterator[Template]:
    clock, server = Clock(), Server()
    with world(clock), closing(server.loop):
        with drawn_from(Random(0)):
            made = _made(server, clock, folder)
        yield made


def _made(server: Server, clock: Clock, folder: Path) -> Template:
    vault, _ = Vaults(Config(folder / "first"), memory_kib=CHEAP_KIB).create(
        NewVault("某某商户", "correct horse battery staple 卡匣")
    )
    services = build_services(Config(folder / "first"), vault)
    services.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=FACE))
    services.catalog.add(ProductSpec("月饼券", "exchange", "voucher", uses=USES))
    merchant = services.settings.merchant()
    vault.database.copy_to(folder / "copy.db")
    vault.close()
    server.make(folder / "endpoint.db")
    folders = {}
    for name in ("A", "B"):
        folders[name] = folder / name
        put_back(folder / "copy.db", folders[name], vault.keys)
        code = server.merchant(merchant.id, merchant.name, clock.ms).code
        desktop = Desktop(name, folders[name], vault.keys, Wire(server, Random(0), 0), clock)
        desktop.act(lambda services, code=code: services.cloud.pair(BASE, code), refused=_raise)  # type: ignore[misc]
        desktop.act(lambda services: services.cloud.sync(), refused=_raise)
        if name == "B":
            clerks = clerk.made(folder, desktop, server=server, clock=clock)
        desktop.database.copy_to(folder / f"{name}.db")
        desktop.close()
        folders[name] = folder / f"{name}.db"
    server.stop()
    return Template(server, clock, vault.keys, merchant.id, folder / "endpoint.db", folders, clerks)


def _raise(error: Exception) -> None:
    raise error
