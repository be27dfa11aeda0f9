"""Mail: one message a person, over an encrypted line, with the claim link and never a code in it."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_LINES
from functools import cached_property
from ipaddress import ip_address
from typing import Any

from app.errors import InvalidInput, MailServerRefused
from app.models.base import now
from app.services.channels import SENT, SendOutcome
from app.services.channels.letters import Letter, one_line
from app.services.channels.lines import EncryptedLine, Line

TIMEOUT_S = 30
ANSWER_S = 60
"""How long a server may think about a mail it has taken: some look for viruses first."""
AGAIN_AFTER_S = (60.0, 300.0)
"""Pauses before what was refused for a passing reason is tried again: greylists want some minutes."""
LONGEST_SAID = 200
PORTS = {"tls": 465, "starttls": 587, "none": 25}
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
ADDRESS = re.compile(rf"(?=.{{3,254}}\Z){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""No dot beside another: headers take no such address, though some providers gave them out."""
HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
NO_NAME = "[127.0.0.1]"
MAILS_PER_CONNECTION = 50
"""Many providers cut the line after some dozens of mails."""

GO_ON, CLOSING = 354, 421
RATE_CODES = (421, 450, 451, 452)
AUTH_CODES = (530, 534, 535)
NO_MAILBOX = re.compile(r"\b5\.1\.\d+")
ENHANCED_RATE = re.compile(r"\b4\.7\.\d+|rate|too many|frequen|limit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MailServer:
    """How mail leaves. `security` is tls, starttls, or none (to this machine only)."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    sender_name: str

    @classmethod
    def from_settings(cls, stored: Mapping[str, Any]) -> "MailServer":
        """Read the setting `mail.server`. Raises InvalidInput, or MailServerRefused when nothing is set up."""
        if not stored.get("host"):
            raise MailServerRefused("mail-not-set-up")
        security = str(stored.get("security") or "tls")
        host = str(stored["host"]).strip()
        if security not in PORTS:
            raise InvalidInput("security", "unknown-kind")
        if security == "none" and not _is_loopback(host):
            raise InvalidInput("security", "mail-needs-tls")
        sender = str(stored.get("sender") or stored.get("user") or "").strip()
        if not ADDRESS.fullmatch(sender):
            raise InvalidInput("sender", "not-an-address")
        return cls(
            host=host,
            port=int(stored.get("port") or PORTS[security]),
            security=security,
            user=str(stored.get("user") or ""),
            password=str(stored.get("password") or ""),
            sender=sender,
            sender_name=one_line(str(stored.get("sender_name") or "")),
        )


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one person."""

    to_name: str
    to_address: str
    message_id: str
    letter: Letter
    answers: str = ""
    """The Message-ID this one follows, so that both stand in one thread."""


def is_address(text: str | None) -> bool:
    return bool(text) and ADDRESS.fullmatch(text or "") is not None


class EmailChannel:
    """`trust` is for servers whose certificate no public authority signed."""

    def __init__(
        self,
        trust: ssl.SSLContext | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        answer_s: float = ANSWER_S,
        again_after_s: Sequence[float] = AGAIN_AFTER_S,
    ) -> None:
        self._given_trust = trust
        self._timeout_s, self._answer_s = timeout_s, answer_s
        self.again_after_s = tuple(again_after_s)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The system's authorities are read at the first mail, not whenever a vault is opened."""
        return self._given_trust or ssl.create_default_context()

    @contextmanager
    def open(self, server: MailServer) -> Iterator["Post"]:
        """A line to the server. Raises MailServerRefused before anything is sent."""
        post = Post(server, self._trust, timeout_s=self._timeout_s, answer_s=self._answer_s)
        post.connect()
        try:
            yield post
        finally:
            post.close()

    def test_connection(self, stored: Mapping[str, Any]) -> None:
        """Connect, encrypt and log in, send nothing. Raises MailServerRefused, InvalidInput."""
        with self.open(MailServer.from_settings(stored)):
            return


class Post:
    """One line to a mail server, made anew when it broke or was used for long."""

    def __init__(self, server: MailServer, trust: ssl.SSLContext, *, timeout_s: float, answer_s: float) -> None:
        self._server, self._trust = server, trust
        self._timeout_s, self._answer_s = timeout_s, answer_s
        self._line: smtplib.SMTP | None = None
        self._used = 0

    def connect(self) -> None:
        self.close()
        try:
            self._line = self._connected()
        except UnicodeError:  # a host that no name server can be asked for
            raise MailServerRefused("server-unreachable") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerRefused(_why_no_line(error), _said_by(error)) from error
        self._used = 0

    def send(self, mail: Mail) -> SendOutcome:
        """Send one mail. Raises MailServerRefused when there is no line any more, or none for this sender."""
        if not is_address(mail.to_address):
            return SendOutcome("failed", "bad-address", retryable=True)
        if self._line is None or self._used >= MAILS_PER_CONNECTION:
            self.connect()
        outcome = self._tried(mail)
        if outcome is None:
            self.connect()
            outcome = self._tried(mail)
        assert outcome is not None, "a new line has an outcome"
        if outcome.reason in ("connection-lost", "rate-limited", "server-busy"):
            self.close()
        return outcome

    def _tried(self, mail: Mail) -> SendOutcome | None:
        """None: the server had let go of a line that was used before, as many do when they waited for a while."""
        assert self._line is not None, "connect gives a line or raises"
        self._used += 1
        try:
            code, words = self._line.docmd(f"MAIL FROM:<{self._server.sender}>")
        except (OSError, smtplib.SMTPException) as error:
            if self._used > 1:
                return None
            return SendOutcome("failed", "connection-lost", retryable=True, said=_said_by(error))
        if code == CLOSING and self._used > 1:
            return None
        if not _is_yes(code):
            return self._refused_before(self._line, "sender", code, words)
        return self._handed_over(self._line, mail)

    def close(self) -> None:
        line, self._line = self._line, None
        if line is None:
            return
        try:
            line.quit()
        except (OSError, smtplib.SMTPException):
            line.close()

    def _connected(self) -> smtplib.SMTP:
        server, own_name = self._server, _own_name()
        line: smtplib.SMTP
        if server.security == "tls":
            line = EncryptedLine(server.host, server.port, own_name, timeout=self._timeout_s, context=self._trust)
        else:
            line = Line(server.host, server.port, own_name, timeout=self._timeout_s)
        try:
            if server.security == "starttls":
                line.starttls(context=self._trust)
            line.ehlo_or_helo_if_needed()
            if server.user:
                self._log_in(line)
        except (OSError, smtplib.SMTPException, MailServerRefused):
            line.close()
            raise
        return line

    def _log_in(self, line: smtplib.SMTP) -> None:
        """Raises MailServerRefused where it cannot even be tried."""
        try:
            line.login(self._server.user, self._server.password)
        except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
            raise
        except smtplib.SMTPException:  # it offers none, or only kinds that need a browser
            raise MailServerRefused("no-login") from None
        except ValueError:  # the password stands in that error
            raise MailServerRefused("login-signs") from None

    def _handed_over(self, line: smtplib.SMTP, mail: Mail) -> SendOutcome:
        """The dialogue by hand: only so is it known whether the text had left when the line broke."""
        content = dotted_lines(message_of(self._server, mail).as_bytes(policy=MAIL_LINES))
        try:
            for asked, command in (
                ("recipient", f"RCPT TO:<{mail.to_address}>"),
                ("mail", "DATA"),
            ):
                code, words = line.docmd(command)
                if not (code == GO_ON if asked == "mail" else _is_yes(code)):
                    return self._refused_before(line, asked, code, words)
        except (OSError, smtplib.SMTPException) as error:
            return SendOutcome("failed", "connection-lost", retryable=True, said=_said_by(error))
        try:
            line.send(content)
            if line.sock is not None:
                line.sock.settimeout(self._answer_s)
            code, words = line.getreply()
            if line.sock is not None:
                line.sock.settimeout(self._timeout_s)
        except (OSError, smtplib.SMTPException) as error:
            return SendOutcome("uncertain", "connection-lost", said=_said_by(error))
        if _is_yes(code):
            return SENT
        if code < 400:  # whatever that was: the mail is there, and no word about it
            return SendOutcome("uncertain", "connection-lost", said=_spoken(code, words))
        return _refused("mail", code, words)

    def _refused_before(self, line: smtplib.SMTP, asked: str, code: int, words: bytes) -> SendOutcome:
        """Raises MailServerRefused where the sender is refused: then every other mail would be, too."""
        if code < 400:  # no answer to what was asked: nobody knows what comes next on this line
            return SendOutcome("failed", "connection-lost", retryable=True, said=_spoken(code, words))
        with suppress(OSError, smtplib.SMTPException):
            line.rset()
        outcome = _refused(asked, code, words)
        if outcome.reason in ("sender-refused", "auth-refused"):
            raise MailServerRefused(outcome.reason, outcome.said)
        return outcome


def message_of(server: MailServer, mail: Mail) -> EmailMessage:
    """Text with an HTML alternative. The same delivery always has the same Message-ID."""
    message = EmailMessage()
    message["From"] = _mailbox(server.sender_name, server.sender)
    message["To"] = _mailbox(mail.to_name, mail.to_address)
    message["Subject"] = one_line(mail.letter.subject)
    message["Date"] = now()
    message["Message-ID"] = mail.message_id
    if mail.answers:
        message["In-Reply-To"] = mail.answers
        message["References"] = mail.answers
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.letter.text, cte="base64")
    message.add_alternative(mail.letter.html, subtype="html", cte="base64")
    return message


def dotted_lines(content: bytes) -> bytes:
    """As it goes over the line: leading dots doubled, ended by a dot alone."""
    return re.sub(rb"(?m)^\.", b"..", content).rstrip(b"\r\n") + b"\r\n.\r\n"


def _is_yes(code: int) -> bool:
    """Not so for -1, which stands for an answer without a number."""
    return 200 <= code < 300


def _own_name() -> str:
    """What this machine calls itself; many a name of Windows is written in signs that no mail server reads."""
    name = socket.getfqdn()
    return name if HOST_NAME.fullmatch(name) else NO_NAME


def _mailbox(name: str, address: str) -> Address:
    return Address(one_line(name), addr_spec=address)


def _refused(asked: str, code: int, words: bytes) -> SendOutcome:
    """`asked` is what the server said no to: sender, recipient or mail."""
    said = _spoken(code, words)
    if code in RATE_CODES and ENHANCED_RATE.search(said):
        return SendOutcome("failed", "rate-limited", retryable=True, said=said)
    if code < 500:
        return SendOutcome("failed", "server-busy", retryable=True, said=said)
    if code in AUTH_CODES:
        return SendOutcome("failed", "auth-refused", retryable=True, said=said)
    reason = "recipient-refused" if NO_MAILBOX.search(said) else f"{asked}-refused"
    return SendOutcome("failed", reason, retryable=True, said=said)


def _why_no_line(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "auth-refused"
    if isinstance(error, ssl.SSLError):
        return "certificate-refused" if isinstance(error, ssl.SSLCertVerificationError) else "no-tls"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "no-tls"
    return "server-refuses" if isinstance(error, smtplib.SMTPResponseException) else "server-unreachable"


def _said_by(error: Exception) -> str:
    """The other side's own words, as far as there are any."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _spoken(error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return one_line(error.verify_message)[:LONGEST_SAID]
    if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
        return one_line(error.strerror or str(error))[:LONGEST_SAID]
    return ""


def _spoken(code: int, words: bytes | str) -> str:
    """`550 5.1.1 no such user`, on one line and not endless."""
    text = words if isinstance(words, str) else words.decode("utf-8", "replace")
    return one_line(f"{code} {text}" if code > 0 else text)[:LONGEST_SAID]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
