"""A page over a real vault with a product, cards in stock and a list of thirty people with faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.channels.email import EmailChannel
from app.services.channels.file import FileChannel
from app.services.channels.printed import PrintChannel
from app.services.distribution import Channels, DistributionService
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import Door
from tests.app.services.mail_peer import MailPeer, mail_peer
from tests.drivers.distribution import DistributionDriver
from tests.drivers.rosters import people


@pytest.fixture
def driver(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[DistributionDriver]:
    made = DistributionDriver(qtbot, services, vault)
    yield made
    made.close()


@pytest.fixture
def card(services: Services) -> int:
    """A card of ¥200 with 20 in stock: fewer than the list asks for."""
    product_id = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    services.batches.generate(BatchSpec(product_id, 20))
    return product_id


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """Thirty lines in GB18030: line 4 has a damaged phone, line 6 no name, line 13 the phone of line 12.

    Lines 8 and 9 have phones that are repaired.
    """
    lines = ["员工姓名,联系电话,公司邮箱,所属部门,备注"]
    staff = people(30)
    for at, person in enumerate(staff):
        phone, name = person.phone, person.name
        if at == 2:
            phone = "1380013"
        if at == 4:
            name = ""
        if at == 6:
            phone = f"{phone[:3]} {phone[3:7]}-{phone[7:]}"
        if at == 7:
            phone = f"+86 {phone}"
        if at == 11:
            phone = staff[10].phone
        lines.append(f"{name},{phone},{person.email},{person.department},")
    path = tmp_path / "员工名单.csv"
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def peer(tmp_path: Path, services: Services) -> Iterator[tuple[MailPeer, EmailChannel]]:
    with mail_peer(tmp_path) as (peer, setting, trust):
        services.settings.put("mail.server", setting)
        yield peer, EmailChannel(trust, timeout_s=10, again_after_s=(0.0,))


@pytest.fixture
def mails(peer: tuple[MailPeer, EmailChannel]) -> MailPeer:
    return peer[0]


@pytest.fixture
def door(vault: OpenVault) -> Door:
    return Door(vault)


@pytest.fixture
def mailing(
    qtbot: QtBot, services: Services, vault: OpenVault, peer: tuple[MailPeer, EmailChannel], door: Door
) -> Iterator[DistributionDriver]:
    """The page over a real mail server and an endpoint that takes every link."""
    distribution = DistributionService(
        vault.database,
        services.audit,
        reader=CodeReader(vault.database, Sealer(vault.keys)),
        cloud=door,
        settings=services.settings,
        channels=Channels(FileChannel(), PrintChannel(), peer[1]),
    )
    made = DistributionDriver(qtbot, services._replace(distribution=distribution), vault, url="https://card.example.cn")
    yield made
    made.close()
