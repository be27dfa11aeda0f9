"""The embedded endpoint's process: found, ended, and begun again while the one before it still ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from app.config import Config
from app.errors import EndpointNotStarted
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud.addresses import host_of
from app.services.programs import ROOT

LINGERS_S = 1.0
PATIENCE_S = 60


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[EmbeddedEndpoint]:
    endpoint = EmbeddedEndpoint(Config(tmp_path))
    yield endpoint
    endpoint.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        pause.wait(0.01)


def listens(url: str) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex((host_of(url), int(url.rpartition(":")[2]))) == 0


@contextmanager
def told_while_a_request_dawdles(endpoint: EmbeddedEndpoint) -> Iterator[None]:
    """The body of a request comes in late, and an endpoint that is told to end waits for it."""
    url = str(endpoint.url())
    with closing(socket.create_connection((host_of(url), int(url.rpartition(":")[2])))) as line:
        line.sendall(b"POST /h5/v1/redeem HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n")
        assert b"100" in line.recv(1000), "nobody waits for the body"
        os.kill(pid_of(endpoint), signal.SIGTERM)
        until(lambda: not listens(url))
        assert endpoint.is_running(), "it does not linger: this shows nothing"
        timer = threading.Timer(LINGERS_S, line.close)
        timer.start()
        yield
        timer.join()


def pid_of(endpoint: EmbeddedEndpoint) -> int:
    return int(json.loads(Path(f"{endpoint.database}.run.json").read_text("utf-8"))["pid"])


def test_one_that_still_ends_is_waited_for_and_followed_by_another(endpoint: EmbeddedEndpoint) -> None:
    endpoint.start()
    before = pid_of(endpoint)
    with told_while_a_request_dawdles(endpoint):
        endpoint.start()
    assert pid_of(endpoint) != before
    assert endpoint.is_running()


def test_stopping_waits_for_one_that_was_told_already(endpoint: EmbeddedEndpoint) -> None:
    endpoint.start()
    with told_while_a_request_dawdles(endpoint):
        endpoint.stop()
        assert not endpoint.is_running()


def test_one_that_is_just_starting_is_stopped_too(endpoint: EmbeddedEndpoint) -> None:
    endpoint.database.parent.mkdir(parents=True)
    words = (sys.executable, "-m", "sync.server", "serve", "--database", str(endpoint.database), "--port", "0")
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    until(endpoint.is_running)
    endpoint.stop()
    assert process.wait(PATIENCE_S) == 0


def test_a_folder_that_takes_no_log_is_a_refusal(tmp_path: Path) -> None:
    endpoint = EmbeddedEndpoint(Config(tmp_path))
    (Config(tmp_path).endpoint / "endpoint.log").mkdir(parents=True)
    with pytest.raises(EndpointNotStarted, match=r"endpoint\.log"):
        endpoint.start()


@pytest.mark.parametrize("name", ["-5折", "--help", "某某 商户"])
def test_a_merchant_may_have_any_name(endpoint: EmbeddedEndpoint, name: str) -> None:
    """One that begins with a hyphen was taken for an option: its endpoint never came up."""
    assert endpoint.pairing_code(str(uuid4()), name)
