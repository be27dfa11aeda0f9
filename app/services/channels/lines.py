"""Lines to a mail server whose every reply must be there in time, however it comes."""

import smtplib
import socket
from time import monotonic

AT_ONCE = 4_096


class _Replies:
    """Reads lines until a deadline. A socket's own timeout begins anew with every byte: a server that drips its words
    would hold the line for ever."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._kept = b""
        self.until = 0.0

    def readline(self, most: int) -> bytes:
        """A line with its end, at most so many bytes; less where the server hung up. Raises OSError."""
        while b"\n" not in self._kept and len(self._kept) < most:
            left = self.until - monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
            if not (got := self._sock.recv(AT_ONCE)):
                break
            self._kept += got
        end = min(self._kept.find(b"\n") + 1 or most, most)
        line, self._kept = self._kept[:end], self._kept[end:]
        return line

    def close(self) -> None:
        """The socket is closed by who opened it."""


class Line(smtplib.SMTP):
    """The timeout of its socket is that of a whole reply."""

    def getreply(self) -> tuple[int, bytes]:
        sock = self.sock
        if sock is None:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        if self.file is None:
            self.file = _Replies(sock)
        timeout_s = sock.gettimeout()
        assert timeout_s is not None, "every line has one"
        self.file.until = monotonic() + timeout_s
        try:
            return super().getreply()
        finally:
            if sock.fileno() >= 0:
                sock.settimeout(timeout_s)


class EncryptedLine(Line, smtplib.SMTP_SSL):
    """The same over TLS from the first byte on."""
