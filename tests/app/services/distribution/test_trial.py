"""A trial mail: the true words, marked as a trial, opening nothing; before anything is prepared."""

import pytest

from app.errors import InvalidInput, MailServerRefused
from app.messages import sentence
from app.services import Services
from app.services.channels.letters import FIELDS, Template
from app.services.distribution import DistributionService
from app.services.vault.vaults import OpenVault
from app.words import set_language
from tests.app.services.distribution.parts import Door
from tests.app.services.mail_peer import MailPeer

OWN = "hr@shop.example"
WORDS = Template("{merchant} 的心意", "{name}：{product} {amount}\n{link}\n或在 {pickup_url} 输入 {pickup_code}")
VALUES = dict.fromkeys(FIELDS, "") | {
    "name": "张三",
    "merchant": "某某商户",
    "product": "中秋福利卡",
    "amount": "¥200.00",
    "link": "https://cards.example/c/REAL#SECRET",
    "pickup_code": "ABCD-EFGH-JKMN-PQ",
    "pickup_url": "https://cards.example/p/shop",
}


def test_it_looks_like_the_real_mail_and_opens_nothing(
    distributions: DistributionService, services: Services, vault: OpenVault, peer: MailPeer
) -> None:
    distributions.send_trial(WORDS, VALUES, f" {OWN} ")
    assert peer.receivers == [OWN]
    mail = peer.arrived[0]
    assert mail["Subject"] == "【试发】某某商户 的心意"
    assert str(mail["To"]) == OWN
    text, page = (part.get_content() for part in mail.iter_parts())
    for shown in (text, page):
        assert "这是一封试发邮件" in shown
        assert shown.index("试发") < shown.index("张三")
        assert "中秋福利卡 ¥200.00" in shown
        assert "https://cards.example/c/trial" in shown
        for secret in ("REAL", "SECRET", "ABCD-EFGH"):
            assert secret not in shown
    assert services.settings.get("mail.trial_to") == OWN
    assert distributions.distributions() == []
    assert OWN not in str(services.audit.rows())


def test_it_works_before_there_is_a_phone_page_and_in_english(
    distributions: DistributionService, peer: MailPeer, door: Door
) -> None:
    door.base = None
    set_language("en")
    distributions.send_trial(WORDS, VALUES, OWN)
    assert peer.arrived[0]["Subject"].startswith("[Trial] ")
    assert "https://trial.invalid/c/trial" in peer.arrived[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("template", "address", "field"),
    [
        (WORDS, "", "address"),
        (WORDS, "nobody", "address"),
        (WORDS, "a@b.example\r\nBcc: c@d.example", "address"),
        (Template("x", "no way in"), OWN, "body"),
        (Template("{link}", "{link}"), OWN, "subject"),
    ],
)
def test_what_could_not_be_sent_for_real_is_no_trial_either(
    distributions: DistributionService, peer: MailPeer, template: Template, address: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        distributions.send_trial(template, VALUES, address)
    assert refused.value.field == field
    assert peer.arrived == []


def test_a_refusal_comes_with_the_servers_own_sentence(
    distributions: DistributionService, services: Services, peer: MailPeer
) -> None:
    peer.at_rcpt[OWN] = "550 5.1.1 who is that"
    with pytest.raises(MailServerRefused) as refused:
        distributions.send_trial(WORDS, VALUES, OWN)
    assert "550 5.1.1 who is that" in sentence(refused.value)
    assert services.settings.get("mail.trial_to") == ""
    peer.at_rcpt.clear()
    services.settings.put("mail.server", services.settings.get("mail.server") | {"password": "wrong"})
    with pytest.raises(MailServerRefused) as refused:
        distributions.send_trial(WORDS, VALUES, OWN)
    assert refused.value.reason == "auth-refused"
    services.settings.put("mail.server", {})
    with pytest.raises(MailServerRefused) as refused:
        distributions.send_trial(WORDS, VALUES, OWN)
    assert refused.value.reason == "mail-not-set-up"
