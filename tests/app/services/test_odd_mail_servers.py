"""Mail servers that misbehave: what is written down about a mail is what is known of it; nothing ends in a fault."""

import socket
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.errors import InvalidInput, MailServerRefused
from app.services.channels.email import EmailChannel, Mail, MailServer, Post, is_address
from app.services.channels.letters import Letter
from tests.app.services.odd_peer import odd_peer

PATIENCE_S = 60


def line(setting: dict[str, Any]) -> AbstractContextManager[Post]:
    return EmailChannel(timeout_s=PATIENCE_S, answer_s=PATIENCE_S).open(MailServer.from_settings(setting))


def mail(address: str = "zhang@firm.example") -> Mail:
    return Mail("张三", address, "<one@shop.example>", Letter("你好", "你好\n", "<p>你好</p>"))


def test_a_server_that_hangs_up_after_each_mail_fails_nobody() -> None:
    everybody = [f"p{n}@firm.example" for n in range(4)]
    with odd_peer(mails_a_line=1) as peer, line(peer.setting) as post:
        assert [post.send(mail(one)).state for one in everybody] == ["sent"] * 4
    assert (peer.receivers, peer.lines) == (everybody, 4)


def test_a_line_the_server_was_about_to_close_is_made_anew() -> None:
    asked = iter([b"250 ok", b"421 4.4.2 idle for too long", b"250 ok"])
    with odd_peer(MAIL=lambda: next(asked)) as peer, line(peer.setting) as post:
        assert [post.send(mail(one)).state for one in ("a@firm.example", "b@firm.example")] == ["sent", "sent"]
    assert peer.receivers == ["a@firm.example", "b@firm.example"]


def test_a_server_that_always_hangs_up_is_not_asked_for_ever() -> None:
    with odd_peer(MAIL=b"421 4.3.0 not today") as peer, line(peer.setting) as post:
        assert post.send(mail()).reason == "server-busy"
        assert post.send(mail()).reason == "server-busy"
    assert peer.lines <= 3


@pytest.mark.parametrize("said", [b"???", b"354 go on", b"1", b"okay then"])
def test_an_answer_that_is_none_is_no_proof_that_the_mail_went(said: bytes) -> None:
    with odd_peer(end=said) as peer, line(peer.setting) as post:
        assert (post.send(mail()).state, peer.receivers) == ("uncertain", ["zhang@firm.example"])


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_mail_that_was_never_asked_for_was_not_sent(verb: str) -> None:
    with odd_peer(**{verb: b"???"}) as peer, line(peer.setting) as post:
        outcome = post.send(mail())
        assert (outcome.state, outcome.reason, outcome.retryable) == ("failed", "connection-lost", True)
    assert peer.receivers == []


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (b"250 odd", "no-login"),
        (b"250-odd\r\n250 AUTH XOAUTH2 NTLM", "no-login"),
        (b"250-odd\r\n250 AUTH PLAIN", "login-signs"),
    ],
)
def test_a_log_in_that_cannot_be_is_told_as_what_it_is(offered: bytes, reason: str) -> None:
    with odd_peer(EHLO=offered) as peer, pytest.raises(MailServerRefused) as refused:
        EmailChannel(timeout_s=PATIENCE_S).test_connection(peer.setting | {"user": "cards", "password": "密码１２３"})
    assert refused.value.reason == reason
    assert "密码" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_challenge_of_garbage_is_a_refusal() -> None:
    with odd_peer(EHLO=b"250-odd\r\n250 AUTH CRAM-MD5", AUTH=b"334 !") as peer, pytest.raises(MailServerRefused):
        EmailChannel(timeout_s=PATIENCE_S).test_connection(peer.setting | {"user": "cards", "password": "s3cret"})


def test_a_machine_with_a_chinese_name_says_hello_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "前台电脑.shop.local")
    with odd_peer() as peer, line(peer.setting) as post:
        assert post.send(mail()).state == "sent"
    assert peer.names == {"[127.0.0.1]"}


@pytest.mark.parametrize("host", ["smtp..shop.example", "a" * 70 + ".example"])
def test_a_host_that_is_no_name_is_not_reached(host: str) -> None:
    with pytest.raises(MailServerRefused) as refused:
        EmailChannel(timeout_s=PATIENCE_S).test_connection({"host": host, "sender": "cards@shop.example"})
    assert refused.value.reason == "server-unreachable"


@pytest.mark.parametrize(
    "address", ["a..b@x.example", ".a@x.example", "a.@x.example", "a@x..example", "a" * 250 + "@x.cn"]
)
def test_what_no_header_takes_is_no_address(address: str) -> None:
    assert not is_address(address)
    with pytest.raises(InvalidInput):
        MailServer.from_settings({"host": "127.0.0.1", "sender": address})
    with odd_peer() as peer, line(peer.setting) as post:
        assert post.send(mail(address)).reason == "bad-address"
    assert peer.receivers == []


HURRY_S = 0.5
LONG = b"x" * 400
"""Drips for forty seconds, each byte well within the time that a socket waits for one."""


def test_a_greeting_that_drips_is_not_waited_for() -> None:
    with odd_peer(HELLO=b"220 " + LONG) as peer:
        peer.drips = "HELLO"
        with pytest.raises(MailServerRefused) as refused:
            EmailChannel(timeout_s=HURRY_S).test_connection(peer.setting)
        assert refused.value.reason == "server-unreachable"


@pytest.mark.parametrize(("verb", "state"), [("MAIL", "failed"), ("RCPT", "failed"), (".", "uncertain")])
def test_a_reply_that_drips_is_not_waited_for(verb: str, state: str) -> None:
    with odd_peer(**{"end" if verb == "." else verb: b"250 " + LONG}) as peer, line(peer.setting) as post:
        peer.drips, post._answer_s = verb, HURRY_S
        if verb != ".":  # what comes before must be answered, however slow this machine is
            post._line.sock.settimeout(HURRY_S)  # type: ignore[union-attr]
        outcome = post.send(mail())
        assert (outcome.state, outcome.reason) == (state, "connection-lost")
