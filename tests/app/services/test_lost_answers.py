"""The counter when an answer is lost, or the endpoint ends after the look: nothing is taken twice or later unseen."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import EndpointNotStarted, EndpointUnreachable, RedemptionRefused, RedemptionUncertain
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from sync.client import SyncClient
from sync.protocol import Op, OpsAnswer
from tests.drivers.online import redeem_on_the_phone

FACE = 20_000
PATIENCE_S = 60


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
        online.cloud._embedded.stop()  # it ended by itself: nobody stopped it
        secrets.rename(aside)

    online.cloud._autostart = True  # as the window does
    with after_the_look(online, end_for_good), pytest.raises(EndpointNotStarted):
        online.redemptions.redeem(code, 5_000)
    aside.rename(secrets)
    assert online.cloud.status().pending == 0
    online.cloud.start_embedded()
    online.cloud.sync()
    assert online.redemptions.look(code).remaining_minor == FACE


def test_an_endpoint_that_ends_behind_its_answer_has_answered(
    online: Services, config: Config, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said was not told, and whoever redeemed once more took the money twice."""
    aside, real = config.endpoint / "aside", HTTPAdapter.send

    def send(self: HTTPAdapter, request: requests.PreparedRequest, *more: Any, **named: Any) -> requests.Response:
        answer = real(self, request, *more, **named)
        if str(request.url).endswith("/ops"):
            online.cloud._embedded.stop()
            (config.endpoint / "endpoint.db.secrets.json").rename(aside)
        return answer

    online.cloud._autostart = True  # as the window does
    with monkeypatch.context() as ending:
        ending.setattr(HTTPAdapter, "send", send)
        assert online.redemptions.redeem(code, 5_000).remaining_minor == FACE - 5_000
    aside.rename(config.endpoint / "endpoint.db.secrets.json")
    online.cloud.start_embedded()
    assert online.cloud.sync().differences == ()


def test_an_endpoint_that_was_stopped_stays_so_until_it_is_started(online: Services, code: str) -> None:
    online.cloud._autostart = True  # as the window does
    online.cloud.stop_embedded()
    with pytest.raises(EndpointUnreachable):
        online.cloud.sync()
    assert not online.cloud.status().running
    online.cloud.start_embedded()
    online.cloud.sync()
    assert online.redemptions.look(code).remaining_minor == FACE


def test_what_was_refused_at_the_counter_is_not_refused_once_more_by_a_sync(
    online: Services, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both asked for the same op; the sync writes its answer down after the counter did."""
    answered, go_on = threading.Event(), threading.Event()
    syncing = threading.Thread(target=online.cloud.sync)
    real = SyncClient.push

    def push(client: SyncClient, ops: Iterable[Op]) -> OpsAnswer:
        answer = real(client, ops)
        if threading.current_thread() is syncing:
            answered.set()
            assert go_on.wait(3 * PATIENCE_S)
        return answer

    def spend_and_sync() -> None:
        redeem_on_the_phone(online, code)
        syncing.start()
        assert answered.wait(PATIENCE_S)

    monkeypatch.setattr(SyncClient, "push", push)
    try:
        with after_the_look(online, spend_and_sync), pytest.raises(RedemptionRefused):
            online.redemptions.redeem(code, 5_000)
    finally:
        go_on.set()
        syncing.join()
    assert online.cloud.queue() == []
    assert online.cloud.status().rejected == 0
