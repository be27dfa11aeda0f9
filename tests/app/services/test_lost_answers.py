"""The counter when an answer is lost, or the endpoint ends after the look: nothing is taken twice or later unseen."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import EndpointNotStarted, RedemptionUncertain
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from sync.client import SyncClient

FACE = 20_000


@pytest.fixture
def code(online: Services) -> str:
    """Of a card of 200 yuan that can be redeemed."""
    product = online.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=FACE))
    batch_id = online.batches.generate(BatchSpec(product, 5, "STANDARD"))
    online.cloud.sync()
    (card_id, *_) = online.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    return online.cards.reveal(card_id, reason="test").reveal()


@contextmanager
def after_the_look(services: Services, happens: Callable[[], object]) -> Iterator[None]:
    """Between the counter's look and its wish: the second question to the endpoint."""
    cloud, real, asked = services.cloud, services.cloud.ask, []

    def ask(question: Callable[[SyncClient], object]) -> object:
        asked.append(question)
        if len(asked) == 2:
            happens()
        return real(question)

    cloud.ask = ask  # type: ignore[method-assign]
    try:
        yield
    finally:
        cloud.ask = real  # type: ignore[method-assign]


@pytest.fixture
def lost(online: Services, config: Config, code: str) -> str:
    """The card, after a redemption of 50 yuan that the endpoint could not store: the op waits."""
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"), isolation_level=None)) as endpoint:
        with after_the_look(online, lambda: endpoint.execute("BEGIN IMMEDIATE")), pytest.raises(RedemptionUncertain):
            online.redemptions.redeem(code, 5_000)
        endpoint.execute("ROLLBACK")
    assert online.cloud.status().pending == 1
    return code


def test_the_same_wish_after_a_lost_answer_is_the_same_op(online: Services, lost: str) -> None:
    assert online.redemptions.redeem(lost, 5_000).remaining_minor == FACE - 5_000
    assert online.cloud.sync().pending == 0
    assert online.redemptions.look(lost).remaining_minor == FACE - 5_000
    assert online.redemptions.redeem(lost, 5_000).remaining_minor == FACE - 10_000


def test_another_wish_waits_until_the_lost_answer_is_known(online: Services, lost: str) -> None:
    for amount in (6_000, None):
        with pytest.raises(RedemptionUncertain):
            online.redemptions.redeem(lost, amount)
    assert online.redemptions.look(lost).remaining_minor == FACE
    online.cloud.sync()
    assert online.redemptions.redeem(lost, 6_000).remaining_minor == FACE - 11_000


def test_a_wish_that_the_line_brings_twice_is_confirmed_and_taken_once(
    online: Services, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer that comes back says only that the request is known already."""
    real, brought = HTTPAdapter.send, []

    def twice(self: HTTPAdapter, request: requests.PreparedRequest, *more: Any, **named: Any) -> requests.Response:
        if str(request.url).endswith("/ops") and not brought:
            brought.append(real(self, request, *more, **named))
        return real(self, request, *more, **named)

    monkeypatch.setattr(HTTPAdapter, "send", twice)
    assert online.redemptions.redeem(code, 5_000).remaining_minor == FACE - 5_000
    assert len(brought) == 1
    assert online.redemptions.look(code).remaining_minor == FACE - 5_000


def test_what_an_endpoint_that_did_not_start_was_never_asked_does_not_redeem_later(
    online: Services, config: Config, code: str
) -> None:
    secrets = config.endpoint / "endpoint.db.secrets.json"
    aside = Path(f"{secrets}.aside")

    def end_for_good() -> None:
        online.cloud.stop_embedded()
        secrets.rename(aside)

    online.cloud._autostart = True  # as the window does
    with after_the_look(online, end_for_good), pytest.raises(EndpointNotStarted):
        online.redemptions.redeem(code, 5_000)
    aside.rename(secrets)
    assert online.cloud.status().pending == 0
    online.cloud.start_embedded()
    online.cloud.sync()
    assert online.redemptions.look(code).remaining_minor == FACE
