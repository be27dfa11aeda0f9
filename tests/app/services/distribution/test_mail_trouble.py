"""A mail server with a bad day: every refusal has its words, nothing is lost, nobody gets two mails."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.errors import MailServerRefused
from app.messages import sentence
from app.services import Services
from app.services.cards.codes import CodeReader
from app.services.channels.email import EmailChannel
from app.services.channels.file import FileChannel
from app.services.channels.printed import PrintChannel
from app.services.distribution import Channels, DeliveryFilter, DistributionService
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import Door, Spec, counts, deliveries
from tests.app.services.mail_peer import MailPeer, mail_peer

PATIENCE_S, HURRY_S = 20, 4
"""`HURRY_S` is as long as whoever does not think at all may take on a machine with much to do."""
EVERYBODY = [f"p{n}@firm.example" for n in range(5)]


@dataclass
class Post:
    """A distribution service whose mails go to a server of a certain kind."""

    service: DistributionService
    way: EmailChannel
    peer: MailPeer
    setting: dict[str, Any]
    put: Callable[..., None]

    def refusal(self, run: int) -> MailServerRefused:
        with pytest.raises(MailServerRefused) as refused:
            self.service.deliver(run)
        return refused.value


@pytest.fixture(params=["starttls", "tls"])
def post(
    request: pytest.FixtureRequest, tmp_path: Path, services: Services, vault: OpenVault, door: Door
) -> Iterator[Post]:
    with mail_peer(tmp_path, tls=request.param) as (peer, setting, trust):
        way = EmailChannel(trust, timeout_s=PATIENCE_S, answer_s=PATIENCE_S, again_after_s=(0.0,))

        def put(**changes: Any) -> None:
            services.settings.put("mail.server", setting | changes)

        put()
        yield Post(service_of(services, vault, door, way), way, peer, setting, put)


def service_of(services: Services, vault: OpenVault, door: Door, way: EmailChannel) -> DistributionService:
    return DistributionService(
        vault.database,
        services.audit,
        reader=CodeReader(vault.database, Sealer(vault.keys)),
        cloud=door,
        settings=services.settings,
        channels=Channels(FileChannel(), PrintChannel(), way),
    )


def test_a_wrong_password_stops_the_run_and_the_next_one_sends_everything(post: Post, spec: Spec) -> None:
    run = post.service.prepare(spec(channel="email"))
    post.put(password="wrong")
    refused = post.refusal(run)
    assert refused.reason == "auth-refused"
    assert refused.said.startswith("535 ")
    assert refused.said in sentence(refused)
    row = post.service.distribution(run)
    assert (counts(row), row.state) == ({"prepared": 5}, "paused")
    post.put()
    post.service.deliver(run)
    assert post.peer.receivers == EVERYBODY


def test_a_sender_that_may_not_send_stops_the_run_at_once(post: Post, spec: Spec) -> None:
    post.peer.at_mail = "553 5.7.1 sender address rejected: not owned by user"
    run = post.service.prepare(spec(channel="email"))
    refused = post.refusal(run)
    assert (refused.reason, refused.said) == ("sender-refused", post.peer.at_mail)
    assert counts(post.service.distribution(run)) == {"prepared": 5}
    post.peer.at_mail = ""
    post.service.deliver(run)
    assert post.peer.receivers == EVERYBODY


def test_a_greylisted_mail_is_tried_again_by_itself(post: Post, spec: Spec) -> None:
    post.peer.greylists = {"p1@firm.example": 1, "p3@firm.example": 2}
    run = post.service.prepare(spec(channel="email"))
    post.service.deliver(run)
    assert Counter(post.peer.receivers) == Counter(set(EVERYBODY) - {"p3@firm.example"})
    row = post.service.distribution(run)
    assert (counts(row), row.retryable) == ({"sent": 4, "failed": 1}, 1)
    (late,) = post.service.deliveries_of(post.service.delivery_ids(run, DeliveryFilter(reason="server-busy")))
    assert late.said == "450 4.2.0 greylisted, come back later"
    assert post.service.retry_failed(run) == 1
    post.service.deliver(run)
    assert Counter(post.peer.receivers) == Counter(EVERYBODY)


def test_one_address_the_server_does_not_know_fails_alone_and_in_its_own_words(post: Post, spec: Spec) -> None:
    post.peer.at_rcpt["p2@firm.example"] = "550 5.1.1 no such user here"
    post.peer.at_data["p4@firm.example"] = "554 5.7.1 looks like spam"
    run = post.service.prepare(spec(channel="email"))
    post.service.deliver(run)
    failed = post.service.deliveries_of(post.service.delivery_ids(run, DeliveryFilter(states=("failed",))))
    assert [(row.reason, row.said) for row in failed] == [
        ("recipient-refused", "550 5.1.1 no such user here"),
        ("mail-refused", "554 5.7.1 looks like spam"),
    ]
    assert post.service.reasons(run) == ["mail-refused", "recipient-refused"]
    assert counts(post.service.distribution(run)) == {"sent": 3, "failed": 2}


def test_a_server_that_takes_no_such_mail_is_asked_three_times_not_five_hundred(post: Post, spec: Spec) -> None:
    for receiver in EVERYBODY:
        post.peer.at_data[receiver] = "554 5.7.1 looks like spam"
    run = post.service.prepare(spec(channel="email"))
    refused = post.refusal(run)
    assert (refused.reason, refused.said) == ("server-wants-pause", "554 5.7.1 looks like spam")
    assert counts(post.service.distribution(run)) == {"prepared": 2, "failed": 3}
    post.peer.at_data.clear()
    assert post.service.retry_failed(run) == 3
    post.service.deliver(run)
    assert Counter(post.peer.receivers) == Counter(EVERYBODY)


def test_a_line_that_breaks_after_the_text_and_a_server_that_thinks_too_long_leave_doubt(
    post: Post, services: Services, vault: OpenVault, door: Door, spec: Spec
) -> None:
    post.peer.hangs_up_for.add("p1@firm.example")

    def think(receiver: str) -> None:
        post.peer.thinks_s = 3_600.0 if receiver == "p3@firm.example" else 0.0

    post.peer.on_data = think
    way = EmailChannel(post.way._trust, timeout_s=PATIENCE_S, answer_s=HURRY_S, again_after_s=(0.0,))
    service = service_of(services, vault, door, way)
    run = service.prepare(spec(channel="email"))
    service.deliver(run)
    assert counts(service.distribution(run)) == {"sent": 3, "uncertain": 2}
    assert [row.no for row in deliveries(vault, run) if row.state == "uncertain"] == [2, 4]
    service.deliver(run)
    assert service.retry_failed(run) == 0
    assert Counter(post.peer.receivers) == Counter(EVERYBODY)


def test_a_server_that_is_only_slow_is_waited_for(post: Post, spec: Spec) -> None:
    post.peer.thinks_s = 0.2
    run = post.service.prepare(spec(channel="email"))
    assert post.service.deliver(run).sent == 5


def test_a_certificate_nobody_vouches_for_stops_everything_and_says_why(
    post: Post, services: Services, vault: OpenVault, door: Door, spec: Spec
) -> None:
    careful = service_of(services, vault, door, EmailChannel(timeout_s=PATIENCE_S))
    run = careful.prepare(spec(channel="email"))
    with pytest.raises(MailServerRefused) as refused:
        careful.deliver(run)
    assert (refused.value.reason, refused.value.said) == ("certificate-refused", "self-signed certificate")
    assert post.peer.receivers == []
    assert post.service.deliver(run).sent == 5


@contextmanager
def greeting(words: bytes) -> Iterator[int]:
    """A server that says one thing to whoever connects, and hangs up. Its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closing = threading.Event()
        server.settimeout(0.1)

        def greet() -> None:
            while not closing.is_set():
                try:
                    line, _ = server.accept()
                except TimeoutError:
                    continue
                with line:
                    line.sendall(words)

        there = threading.Thread(target=greet)
        there.start()
        yield server.getsockname()[1]
        closing.set()
        there.join()


@pytest.mark.parametrize(
    ("words", "reason", "said"),
    [
        (b"421 4.7.0 too many connections from your address\r\n", "server-refuses", "421 4.7.0 too many connections"),
        (b"554 no mail from here\r\n", "server-refuses", "554 no mail from here"),
        (b"", "server-unreachable", ""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "server-refuses", ""),
    ],
)
def test_a_server_that_wants_nobody_is_told_in_its_own_words(
    services: Services, vault: OpenVault, door: Door, spec: Spec, words: bytes, reason: str, said: str
) -> None:
    with greeting(words) as port:
        plain = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "a@shop.example"}
        services.settings.put("mail.server", plain)
        service = service_of(services, vault, door, EmailChannel(timeout_s=PATIENCE_S))
        run = service.prepare(spec(channel="email"))
        with pytest.raises(MailServerRefused) as refused:
            service.deliver(run)
    assert refused.value.reason == reason
    assert said in refused.value.said
    assert counts(service.distribution(run)) == {"prepared": 5}


def test_pausing_while_the_server_is_given_time_ends_the_run_at_once(
    services: Services, vault: OpenVault, door: Door, spec: Spec, post_office: tuple[MailPeer, EmailChannel]
) -> None:
    peer, way = post_office
    patient = EmailChannel(way._trust, timeout_s=10, again_after_s=(600.0,))
    service = service_of(services, vault, door, patient)
    peer.greylists["p4@firm.example"] = 9
    run = service.prepare(spec(channel="email"))
    seen: list[tuple[int, int]] = []

    def pause_when_four_are_out(done: int, total: int) -> None:
        seen.append((done, total))
        if len(peer.receivers) == 4 and service.distribution(run).retrying:
            service.pause(run)

    done = service.deliver(run, pause_when_four_are_out)
    assert (done.sent, done.left, seen[-1]) == (4, 1, (4, 5))
    assert service.distribution(run).state == "paused"
    peer.greylists.clear()
    service.deliver(run)
    assert Counter(peer.receivers) == Counter(EVERYBODY)


def test_a_paced_run_hears_a_pause_between_two_mails(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email", pace=2))
    told: list[int] = []

    def watch(done: int, total: int) -> None:
        told.append(done)
        if len(told) > 4 and len(peer.receivers) == 2:
            distributions.pause(run)

    assert distributions.deliver(run, watch).left == 3
    assert len(peer.receivers) == 2
