"""A short, seeded run of the forgeries, and a verifier's mistakes that must be found; long ones are in CAMPAIGNS.md."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sync import signing
from sync.server import access, front
from sync.server.transaction import Transaction
from tests.campaigns.signatures import FORGERIES, campaign


def test_no_forged_request_is_believed(tmp_path: Path) -> None:
    found = asyncio.run(campaign(tmp_path, requests=400, seed=7))
    assert set(found) == {*FORGERIES, "replayed", "at once"}


def _any_body(body: bytes) -> str:
    return "sha-256=:same:"


def _any_nonce(transaction: Transaction, sql: str, *values: Any) -> int:
    return 1 if "INTO nonce" in sql else RUN(transaction, sql, *values)


RUN = Transaction.run
MISTAKES: dict[str, tuple[object, str, object]] = {
    "the body is not looked at": (signing, "content_digest", _any_body),
    "nonces are not kept": (Transaction, "run", _any_nonce),
    "any time will do": (access, "WINDOW_S", 10**12),
    "one of two headers is read": (front, "SIGNED_HEADERS", frozenset()),
    "the key is not asked for": (access, "is_genuine", lambda signed, key: True),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_verifier_that_makes_a_mistake_is_found_out(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, instead = MISTAKES[mistake]
    monkeypatch.setattr(owner, name, instead)
    with pytest.raises(AssertionError):
        asyncio.run(campaign(tmp_path, requests=400, seed=7))
