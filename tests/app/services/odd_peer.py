"""A mail server without manners, on a plain line: every reply can be another, and it hangs up when it likes."""

import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

SAID = {"HELLO": b"220 odd", "EHLO": b"250 odd", "DATA": b"354 go on", ".": b"250 taken", "QUIT": b"221 bye"}
"""Verb → reply; anything else is welcome, too. `.` stands for the end of a mail."""


DROP_S = 0.1
"""Between two bytes of a reply that drips."""


class OddPeer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, replies: Mapping[str, bytes | Callable[[], bytes]], mails_a_line: int | None) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.replies: dict[str, Any] = {**SAID, **replies}
        self.mails_a_line = mails_a_line
        self.receivers: list[str] = []
        self.lines, self.names = 0, set[str]()
        self.drips: str | None = None
        """Verb whose reply comes byte by byte; HELLO is the greeting."""

    @property
    def setting(self) -> dict[str, Any]:
        """The way here, for `mail.server`."""
        port = self.server_address[1]
        return {"host": "127.0.0.1", "port": port, "security": "none", "sender": "cards@shop.example"}

    def reply(self, verb: str) -> bytes:
        said = self.replies.get(verb, b"250 ok")
        return bytes(said() if callable(said) else said)


class _Line(socketserver.StreamRequestHandler):
    server: OddPeer

    def handle(self) -> None:
        self.server.lines += 1
        self._say("HELLO")
        receiver, mails = "", 0
        for raw in self.rfile:
            verb, _, rest = raw.decode().strip().partition(" ")
            verb = verb.upper()
            self._say(verb)
            if verb == "EHLO":
                self.server.names.add(rest)
            if verb == "RCPT":
                receiver = rest.partition("<")[2].rstrip(">")
            if verb == "DATA" and self.server.reply(verb).startswith(b"354"):
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.server.receivers.append(receiver)
                mails += 1
                self._say(".")
            if verb == "QUIT" or mails == self.server.mails_a_line:
                return

    def _say(self, verb: str) -> None:
        said = self.server.reply(verb) + b"\r\n"
        if verb != self.server.drips:
            self.wfile.write(said)
            return
        with suppress(OSError):  # nobody waits so long
            for at in range(len(said)):
                self.wfile.write(said[at : at + 1])
                threading.Event().wait(DROP_S)


@contextmanager
def odd_peer(*, mails_a_line: int | None = None, **replies: Any) -> Iterator[OddPeer]:
    """`replies` by verb, with `end` for the reply to a whole mail; `mails_a_line` of them, then it hangs up."""
    said = {"." if verb == "end" else verb: reply for verb, reply in replies.items()}
    with OddPeer(said, mails_a_line) as peer:
        there = threading.Thread(target=peer.serve_forever, args=(0.05,))
        there.start()
        try:
            yield peer
        finally:
            peer.shutdown()
            there.join()
