"""Stands where Python is named: what it is asked to run is a fork of a process that has loaded it, else Python itself.

It lives as long as the fork: it passes on the signals it gets, ends in the same way, and when it is killed the fork is
killed, too. It has to begin in a moment, so it loads next to nothing. In the folder that it is told stand `world`, what
the process that forks was started with, and `line`, the socket at which that one is asked (quick.py, server_zygote.py).
"""

import _socket
import marshal
import os
import signal
import sys

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
STREAMS = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))


def main() -> None:
    folder, arguments = sys.argv[1], sys.argv[2:]
    with open(f"{folder}/world", "rb") as kept:  # noqa: PTH123  (pathlib takes longer than all the rest)
        fitting, begin, but = marshal.load(kept)
    if [arguments[:2], os.getcwd(), at_start(dict(os.environ), begin, but)] != fitting:  # noqa: PTH109
        os.execv(sys.executable, [sys.executable, *arguments])
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    line.connect(f"{folder}/line")
    asked = (arguments[2:], dict(os.environ), os.getsid(0) == os.getpid())
    line.sendmsg([marshal.dumps(asked)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, STREAMS)])
    for number in PASSED_ON:
        signal.signal(number, lambda told, _: line.send(b"%d" % told))
    end(line.recv(16))


def at_start(world: dict[str, str], begin: tuple[str, ...], but: tuple[str, ...]) -> dict[str, str]:
    """What of it counts while a process starts or loads the program."""
    return {name: value for name, value in world.items() if name.startswith(begin) and name not in but}


def end(told: bytes) -> None:
    """As the fork did."""
    if not told:
        sys.exit("the process that has loaded the program is gone")
    code = int(told)
    if code < 0:
        if -code in PASSED_ON:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
