"""Ports of this machine: what was free a moment ago may be another test's by now."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept(port: int = 0) -> Iterator[int]:
    """A port on 127.0.0.1, or any free one: nobody gets it meanwhile but whoever asks for it by its number.

    Only Linux lets two have a port of which one listens; elsewhere it is only said which one was free.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        number = int(held.getsockname()[1])
        if not sys.platform.startswith("linux"):
            held.close()
        yield number
