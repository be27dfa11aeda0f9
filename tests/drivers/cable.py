"""A cable between a client and a server on TCP that can be pulled: neither end is told a word."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Cable:
    """`url` is the same place as the `url` it was made with, through the cable."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._there = (str(parts.hostname), int(parts.port or 0))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{parts.port}/", f":{self._listening.getsockname()[1]}/")
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        """Every connection of now; later ones work."""
        ends, self._ends = self._ends, []
        for end in ends:
            _shut(end)

    def close(self) -> None:
        _shut(self._listening)
        self._listening.close()
        self.pull()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                there = socket.create_connection(self._there)
                self._ends += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=_carry, args=ends, daemon=True).start()


def _carry(from_: socket.socket, to: socket.socket) -> None:
    with from_, suppress(OSError):
        while some := from_.recv(65_536):
            to.sendall(some)
    _shut(to)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
