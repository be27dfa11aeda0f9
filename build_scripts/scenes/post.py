"""A mail server on this machine that is slow and does not know everybody: what a distribution by mail looks like."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

ADDRESS = "hr@example.cn"
SLOW_S = 0.4
STRANGERS = ("c2@", "c5@")


class _Post:
    """Takes its time for each mail."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith(STRANGERS):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(SLOW_S)
        return "250 OK"


@contextmanager
def slow_post() -> Iterator[dict[str, Any]]:
    """The setting `mail.server` that leads to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(_Post(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "user": "",
            "password": "",
            "sender": ADDRESS,
            "sender_name": "Moonlight Foods",
        }
    finally:
        controller.stop()
