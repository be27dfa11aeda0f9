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
    Gift,
    Rule,
)
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import OFFICE, RESEARCH, SALES, Door, Spec, added
from tests.app.services.mail_peer import MailPeer, mail_peer


@pytest.fixture
def door(vault: OpenVault) -> Door:
    return Door(vault)


@pytest.fixture
def post_office(tmp_path: Path, services: Services) -> Iterator[tuple[MailPeer, EmailChannel]]:
    with mail_peer(tmp_path) as (peer, setting, trust):
        services.settings.put("mail.server", setting)
        yield peer, EmailChannel(trust, timeout_s=10, answer_s=10, again_after_s=(0.0,))


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


@pytest.fixture
def gift_card(services: Services) -> int:
    """Of ¥100 to ¥500, with an older batch of ¥300 and a newer one of ¥200."""
    spec = ProductSpec("生日礼金", "variable", min_minor=10_000, max_minor=50_000, step_minor=10_000)
    product = services.catalog.add(spec)
    services.batches.generate(BatchSpec(product, 4, face_minor=30_000))
    services.batches.generate(BatchSpec(product, 6, face_minor=20_000))
    return product


@pytest.fixture
def staff(vault: OpenVault) -> dict[str, list[int]]:
    """Department → its people: three, four and two."""
    return {
        RESEARCH: added(vault, [f"研{n}" for n in range(3)], department=RESEARCH),
        SALES: added(vault, [f"销{n}" for n in range(4)], department=SALES),
        OFFICE: added(vault, [f"行{n}" for n in range(2)], department=OFFICE),
    }


@pytest.fixture
def by_rules(spec: Spec, product: int, gift_card: int, staff: dict[str, list[int]]) -> Callable[..., DistributionSpec]:
    """Research gets the card of ¥200, sales one of ¥300, everybody else nothing."""
    rules = (Rule((RESEARCH,), Gift(product)), Rule((SALES,), Gift(gift_card, 30_000)))
    everybody = tuple(person for people in staff.values() for person in people)
    return lambda **changes: spec(**{"product_id": None, "rules": rules, "person_ids": everybody} | changes)
