"""A distribution service over a real vault, a real mail server and an endpoint that takes every link."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.channels.email import EmailChannel
from app.services.channels.file import FileChannel
from app.services.channels.printed import PrintChannel
from app.services.distribution import (
    Channels,
    DistributionService,
    DistributionSpec,
)
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import Door, added
from tests.app.services.mail_peer import MailPeer, mail_peer


@pytest.fixture
def door(vault: OpenVault) -> Door:
    return Door(vault)


@pytest.fixture
def post_office(tmp_path: Path, services: Services) -> Iterator[tuple[MailPeer, EmailChannel]]:
    with mail_peer(tmp_path) as (peer, setting, trust):
        services.settings.put("mail.server", setting)
        yield peer, EmailChannel(trust, timeout_s=10)


@pytest.fixture
def peer(post_office: tuple[MailPeer, EmailChannel]) -> MailPeer:
    return post_office[0]


@pytest.fixture
def distributions(
    services: Services, vault: OpenVault, door: Door, post_office: tuple[MailPeer, EmailChannel]
) -> DistributionService:
    channels = Channels(FileChannel(), PrintChannel(), post_office[1])
    reader = CodeReader(vault.database, Sealer(vault.keys))
    return DistributionService(
        vault.database, services.audit, reader=reader, cloud=door, settings=services.settings, channels=channels
    )


@pytest.fixture
def product(services: Services) -> int:
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    services.batches.generate(BatchSpec(product, 20))
    return product


@pytest.fixture
def people(vault: OpenVault) -> list[int]:
    return added(vault, [f"员工{n}" for n in range(5)])


@pytest.fixture
def spec(product: int, people: list[int], tmp_path: Path) -> Callable[..., DistributionSpec]:
    base = DistributionSpec(product, tuple(people), "file", "中秋 2027", out_folder=tmp_path / "out")
    return lambda **changes: replace(base, **changes)
