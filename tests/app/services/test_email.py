"""Mail over a real server: encrypted, one a person, honest about what is not known, blind to what stands in a name."""

import random
import re
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from app.errors import InvalidInput, MailServerRefused
from app.services.channels.email import EmailChannel, Mail, MailServer, Post
from app.services.channels.letters import FIELDS, Template, default_template, flaws, gives_a_card, written
from tests.app.services.mail_peer import MailPeer, mail_peer
from tests.drivers.ports import kept

LINK = "https://cards.example/c/abc#KEY"
VALUES = dict.fromkeys(FIELDS, "x") | {"name": "张三", "link": LINK, "merchant": "某某商户", "product": "中秋福利卡"}

Peer = tuple[MailPeer, dict[str, Any], EmailChannel]


@pytest.fixture(params=["starttls", "tls"])
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    with mail_peer(tmp_path, tls=request.param) as (peer, setting, trust):
        yield peer, setting, EmailChannel(trust, timeout_s=10)


def line(setting: dict[str, Any], trust: ssl.SSLContext) -> AbstractContextManager[Post]:
    return EmailChannel(trust, timeout_s=10).open(MailServer.from_settings(setting))


def mail(address: str = "zhang@firm.example", name: str = "张三") -> Mail:
    letter = written(default_template(), VALUES | {"name": name})
    return Mail(name, address, "<one@shop.example>", letter)


def test_a_mail_arrives_as_text_and_html_with_the_link(peer: Peer) -> None:
    there, setting, channel = peer
    with channel.open(MailServer.from_settings(setting)) as post:
        assert post.send(mail()).state == "sent"
    message = there.arrived[0]
    assert (message["To"], message["Message-ID"]) == ("张三 <zhang@firm.example>", "<one@shop.example>")
    assert message["From"] == "某某商户 <cards@shop.example>"
    assert message["Subject"] == "某某商户：送你中秋福利卡"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text, page = [part.get_content() for part in message.iter_parts()]
    assert LINK in text
    assert f'<a href="{LINK}" ' in page
    assert message["List-Unsubscribe"] is None


def test_the_connection_can_be_tried_without_sending(peer: Peer) -> None:
    there, setting, channel = peer
    channel.test_connection(setting)
    with pytest.raises(MailServerRefused) as refused:
        channel.test_connection(setting | {"password": "wrong"})
    assert refused.value.reason == "auth-refused"
    assert there.arrived == []


def test_a_certificate_nobody_vouches_for_is_refused(peer: Peer) -> None:
    _, setting, _ = peer
    with pytest.raises(MailServerRefused) as refused:
        EmailChannel(timeout_s=10).test_connection(setting)
    assert refused.value.reason == "certificate-refused"


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with mail_peer(tmp_path) as (_, setting, trust):
        pass
    with kept() as port, pytest.raises(MailServerRefused) as refused:
        EmailChannel(trust, timeout_s=10).test_connection(setting | {"port": port})
    assert refused.value.reason == "server-unreachable"


def test_a_server_without_encryption_gets_no_password(tmp_path: Path) -> None:
    with mail_peer(tmp_path, tls="none") as (there, setting, trust):
        with pytest.raises(MailServerRefused) as refused:
            EmailChannel(trust, timeout_s=10).test_connection(setting | {"security": "starttls"})
        assert refused.value.reason == "no-tls"
        with EmailChannel(trust, timeout_s=10).open(MailServer.from_settings(setting)) as post:
            assert post.send(mail()).state == "sent"
        assert len(there.arrived) == 1


def test_plain_lines_stay_on_this_machine() -> None:
    with pytest.raises(InvalidInput) as refused:
        MailServer.from_settings({"host": "mail.example", "security": "none", "sender": "a@b.example"})
    assert refused.value.reason == "mail-needs-tls"
    with pytest.raises(MailServerRefused):
        MailServer.from_settings({})
    with pytest.raises(InvalidInput):
        MailServer.from_settings({"host": "mail.example", "sender": "nobody"})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("550 5.1.1 no such user", "recipient-refused"),
        ("451 4.7.1 too many mails, try later", "rate-limited"),
        ("450 4.2.0 greylisted", "server-busy"),
    ],
)
def test_a_refusal_has_its_reason_and_the_next_mail_goes(peer: Peer, answer: str, reason: str) -> None:
    there, setting, channel = peer
    there.at_rcpt["gone@firm.example"] = answer
    there.at_data["late@firm.example"] = answer
    with channel.open(MailServer.from_settings(setting)) as post:
        assert [post.send(mail(f"{who}@firm.example")).reason for who in ("gone", "late")] == [reason, reason]
        assert post.send(mail()).state == "sent"
    assert there.receivers == ["zhang@firm.example"]


def test_a_line_that_breaks_after_the_text_leaves_the_mail_uncertain(peer: Peer) -> None:
    there, setting, channel = peer
    there.hangs_up_for.add("zhang@firm.example")
    with channel.open(MailServer.from_settings(setting)) as post:
        assert post.send(mail()).state == "uncertain"
        assert post.send(mail("li@firm.example")).state == "sent"


@pytest.mark.parametrize(
    "address", ["", "a b@c.example", "a@b.example\r\nBcc: x@y.example", "张@公司.中国", "<a@b.example>"]
)
def test_an_address_that_is_none_is_never_tried(peer: Peer, address: str) -> None:
    there, setting, channel = peer
    with channel.open(MailServer.from_settings(setting)) as post:
        assert post.send(mail(address)).reason == "bad-address"
    assert there.arrived == []


PIECES = (
    "{name.__class__}", "{0}", "{}", "{{link}}", "{link}", "{name!r}", "{name:>99999999}", "%s%n", "%(link)s",
    "${link}", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\r\nBcc: all@firm.example",
    "\r\n.\r\nQUIT\r\n", "\u202egro.live", "\x00", "\ud800", "\n.\n", "=?utf-8?b?eA==?=", "&lt;",
    "{% for x in y %}", "𠮷👨", "'; DROP TABLE person;--",
)  # fmt: skip


def test_five_hundred_hostile_values_stay_what_they_are(tmp_path: Path) -> None:
    dice = random.Random(20270915)
    with mail_peer(tmp_path) as (there, setting, trust), line(setting, trust) as post:
        for _ in range(500):
            hostile = "".join(dice.choices(PIECES, k=dice.randint(1, 4)))
            letter = written(default_template(), dict.fromkeys(FIELDS, hostile) | {"link": LINK})
            assert post.send(Mail(hostile, "zhang@firm.example", "<one@shop.example>", letter)).state == "sent"
    assert there.receivers == ["zhang@firm.example"] * 500
    for message in there.arrived:
        assert message["Bcc"] is None
        text, page = [part.get_content() for part in message.iter_parts()]
        assert text.count(LINK) == 1
        assert "<class" not in text
        assert "\u202e" not in text
        assert re.findall(r"<(\w+)[ >]", page.split("<body", 1)[1]).count("a") == 1
        assert not re.search(r"<(script|img)", page)


def test_a_hostile_template_is_seen_before_it_is_sent() -> None:
    template = Template("{product}", "{name.__init__} {link} {password} {0}")
    unknown = [flaw.field for flaw in flaws(template, VALUES) if flaw.kind == "unknown-field"]
    assert unknown == ["name.__init__", "password", "0"]
    assert gives_a_card(template)
    assert not gives_a_card(Template("{link}", "{name}"))
    assert written(template, VALUES).text == f"{{name.__init__}} {LINK} {{password}} {{0}}\n"


def test_an_address_in_a_field_is_no_link_unless_it_leads_to_the_page() -> None:
    letter = written(Template("x", "{link} {pickup_url}"), {"link": "javascript:alert(1)", "pickup_url": LINK})
    assert letter.html.count("<a ") == 1


def test_a_server_of_another_kind_is_not_waited_for_long(peer: Peer) -> None:
    _, setting, channel = peer
    other = {"tls": "starttls", "starttls": "tls"}[setting["security"]]
    with pytest.raises(MailServerRefused):
        EmailChannel(channel._trust, timeout_s=1).test_connection(setting | {"security": other})


def test_no_context_of_ours_trusts_everybody() -> None:
    assert EmailChannel()._trust.verify_mode is ssl.CERT_REQUIRED
