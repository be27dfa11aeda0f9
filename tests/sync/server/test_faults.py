"""What the endpoint writes down of a fault: its kind and where, never what the request had in it."""

import subprocess
import sys

import pytest

from tests.drivers.endpoint import ROOT

PRELUDE = """
import logging, threading
from sync.server import __main__, app
__main__._log(verbose=False)
def fail():
    try:
        raise ValueError("谌玥翀 13907654321")
    except ValueError as error:
        raise LookupError("7K3Q-XYZ2") from error
"""
WAYS = {
    "request": "try: fail()\nexcept LookupError as error: app._broken(None, error)",
    "library": "try: fail()\nexcept LookupError: logging.getLogger('uvicorn.error').exception('in the application')",
    "thread": "thread = threading.Thread(target=fail); thread.start(); thread.join()",
    "program": "fail()",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_fault_is_told_by_its_kind_and_place(way: str) -> None:
    done = subprocess.run([sys.executable, "-c", PRELUDE + WAYS[way]], cwd=ROOT, capture_output=True, check=False)
    said = done.stderr.decode()
    assert "LookupError" in said
    assert "ValueError" in said
    assert " fail" in said
    for plain in ("谌玥翀", "\\u8c0c", "13907654321", "7K3Q"):
        assert plain not in said
