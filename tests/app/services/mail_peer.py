"""A real mail server on this machine, with its own certificate and a mind of its own."""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "cards@shop.example", "s3cret"
READY_S = 60.0
"""How long it may take to begin."""


class MailPeer:
    """What arrived, and how the next mails are answered: `answers` maps a receiver to a reply of RCPT or DATA."""

    def __init__(self) -> None:
        self.arrived: list[EmailMessage] = []
        self.receivers: list[str] = []
        self.at_mail = ""
        """What it says to the sender; empty: welcome."""
        self.at_rcpt: dict[str, str] = {}
        self.at_data: dict[str, str] = {}
        self.greylists: dict[str, int] = {}
        """Receiver → how many times it is told to come back later."""
        self.thinks_s = 0.0
        """How long it says nothing after it has taken a mail."""
        self.hangs_up_for: set[str] = set()
        """Takes the mail and breaks the line instead of saying so."""
        self.on_data: Callable[[str], None] = lambda receiver: None

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.at_mail:
            return self.at_mail
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.at_rcpt:
            return self.at_rcpt[address]
        if self.greylists.get(address):
            self.greylists[address] -= 1
            return "450 4.2.0 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        receiver = envelope.rcpt_tos[0]
        self.on_data(receiver)
        if receiver in self.at_data:
            return self.at_data[receiver]
        content = envelope.content
        assert isinstance(content, bytes)
        self.arrived.append(message_from_bytes(content, policy=default))  # type: ignore[arg-type]
        self.receivers.append(receiver)
        if receiver in self.hangs_up_for:
            assert server.transport is not None
            server.transport.abort()
        if self.thinks_s:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), self.thinks_s)
        return "250 OK"


class _Controller(Controller):
    """Listens on a port that it was given by the system, not on one that was free a moment ago."""

    def __init__(self, peer: MailPeer, listening: socket.socket, **more: Any) -> None:
        host, port = listening.getsockname()
        super().__init__(peer, hostname=host, port=port, ready_timeout=READY_S, **more)
        self._listening = listening

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listening, ssl=self.ssl_context)


@contextmanager
def mail_peer(
    folder: Path, *, tls: str = "starttls", password: str = PASSWORD
) -> Iterator[tuple[MailPeer, dict[str, Any], ssl.SSLContext]]:
    """The peer, the setting that leads to it, and the trust its certificate needs."""
    certificate, key = _certificate(folder)
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offered.load_cert_chain(certificate, key)
    peer = MailPeer()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def authenticated(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (USER.encode(), password.encode()), handled=False)

    login: dict[str, Any] = {"authenticator": authenticated, "auth_require_tls": False}
    if tls == "starttls":
        login |= {"tls_context": offered, "require_starttls": True, "auth_required": True, "auth_require_tls": True}
    if tls == "tls":
        login |= {"ssl_context": offered}
    controller = _Controller(peer, listening, **login)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # what the peer says about itself proves nothing
    controller.start()
    setting = {
        "host": "127.0.0.1",
        "port": port,
        "security": tls,
        "user": USER,
        "password": password,
        "sender": USER,
        "sender_name": "某某商户",
    }
    try:
        yield peer, setting, ssl.create_default_context(cafile=str(certificate))
    finally:
        controller.stop()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "peer.crt", folder / "peer.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
