"""The merchant's name and phone: said to the endpoint once, however they were typed."""

import msgspec
import pytest
from sqlalchemy import func, select

from app.errors import InvalidInput
from app.messages import sentence
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.cloud import merchant
from app.services.settings import store
from app.services.vault.vaults import OpenVault
from app.topics import Topic

LONG = "400 820 8820，工作日九点到十八点；其他时间请加企业微信客服，或者发邮件到 kefu@example.com 留言"


def told(services: Services, vault: OpenVault) -> tuple[str, int]:
    """What the endpoint knows as the phone after some syncs, and how often it was told."""
    for _ in range(3):
        assert services.cloud.sync().rejected == 0
    with vault.database.read() as session:
        ops = session.scalars(select(func.count()).where(OutboxOp.type == merchant.UPDATE)).one()
    return services.cloud.ask(lambda client: client.hello()).merchant.phone, ops


@pytest.mark.parametrize(
    ("typed", "kept"), [(LONG, LONG), (" 400\n1234 ", "400 1234"), ("Cafe\u0301 1", "Café 1"), ("  ", "")]
)
def test_a_phone_is_told_once(online: Services, vault: OpenVault, typed: str, kept: str) -> None:
    """One that the endpoint kept in another form was told again at every sync, for ever."""
    online.settings.put("merchant.phone", typed)
    assert told(online, vault) == (kept, int(bool(kept)))


@pytest.mark.parametrize("typed", ["4" * 300, "e\u0301"])
def test_what_an_earlier_version_took_for_a_phone_is_told_once(online: Services, vault: OpenVault, typed: str) -> None:
    with vault.database.write(Topic.SETTINGS) as session:
        store(session, "merchant.phone", typed)
    assert told(online, vault)[1] == 1


def test_an_endpoint_of_before_keeps_less_of_a_phone_and_is_not_told_again(online: Services, vault: OpenVault) -> None:
    online.settings.put("merchant.phone", LONG)
    told(online, vault)
    hello = online.cloud.ask(lambda client: client.hello())
    card = msgspec.structs.replace(hello.merchant, phone=LONG[: merchant.KEPT_BEFORE])
    merchant.agree(vault.database, online.audit, msgspec.structs.replace(hello, merchant=card))
    assert online.settings.merchant().phone == LONG
    assert told(online, vault) == (LONG, 1)


def test_a_phone_of_more_than_a_line_is_refused_in_words(services: Services) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.settings.put("merchant.phone", "4" * 201)
    assert sentence(refused.value).startswith("客服电话")
