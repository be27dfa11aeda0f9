"""What waits for the floor of time, and what does not."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sync.protocol import b64, new_op_id
from sync.server import floor
from sync.server.floor import Floor
from tests.campaigns.hasty import built_in
from tests.drivers.endpoint import Desktop, new_merchant, paired, running

NEVER_S = 3_600.0
"""A floor so high that nothing under it is answered while a test waits."""
NOTHING = b64(b"x" * 32)


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop at an endpoint whose refusals take an hour."""
    database = str(tmp_path / "endpoint.db")
    with running(database, tmp_path / "secrets.json", plant=built_in("", step_s=NEVER_S)) as url:
        desktop = paired(url, new_merchant(database))
        yield desktop
        desktop.client.close()


def waits(method: str, url: str, told: dict[str, object] | None = None) -> bool:
    try:
        requests.request(method, url, json=told, timeout=1)
    except requests.ReadTimeout:
        return True
    return False


def test_refusals_wait_where_somebody_may_guess(patient: Desktop) -> None:
    phone = patient.url + "/h5/v1/"
    wish = {"op_id": new_op_id(), "merchant_id": str(patient.merchant_id), "d": NOTHING}
    assert waits("POST", phone + "redeem", wish)
    assert waits("POST", phone + "redeem/", wish)  # this one goes through the documented route
    assert waits("GET", phone + "redeem/" + new_op_id())
    assert waits("POST", phone + "pickup/open", {"slug": patient.slug, "lookup": NOTHING, "value": "1234"})
    for act in ("open", "ack", "state"):
        assert waits("POST", f"{phone}links/{'x' * 22}/{act}", {"auth": NOTHING})
    assert waits("POST", patient.url + "/sync/v1/cards/lookup", {"d": NOTHING})


def test_nothing_else_waits(patient: Desktop) -> None:
    batch = patient.batch(1)
    assert patient.redeem(batch.records[0], 1).status_code == 200
    assert patient.client.look_up(batch.records[0]).state.remaining_minor == 9_999
    assert requests.get(f"{patient.url}/h5/v1/merchants/{patient.slug}", timeout=60).status_code == 200
    assert requests.get(f"{patient.url}/sync/v1/hello", timeout=60).status_code == 401


def test_nobody_is_let_on_before_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "STEP_S", 0.03)
    held = Floor()

    async def waited(late: float) -> float:
        asked = time.perf_counter() - late
        await held.reached(asked)
        return time.perf_counter() - asked

    async def all_at_once() -> list[float]:
        return await asyncio.gather(*(waited(late) for late in (0.0, 0.01, 0.04, 0.31)))

    took = asyncio.run(all_at_once())
    held.stop()
    assert all(one >= least for one, least in zip(took, (0.03, 0.03, 0.06, 0.33), strict=True)), took


def test_whoever_has_less_to_wait_goes_on_first(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Floor()

    async def two() -> bool:
        monkeypatch.setattr(floor, "STEP_S", NEVER_S)
        first = asyncio.create_task(held.reached(time.perf_counter()))
        await asyncio.sleep(0)
        monkeypatch.setattr(floor, "STEP_S", 0.01)
        await held.reached(time.perf_counter())
        still_waits = not first.done()
        held.stop()
        await first
        return still_waits

    assert asyncio.run(two())


def test_a_floor_that_has_ended_lets_everybody_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "STEP_S", NEVER_S)
    held = Floor()

    async def many() -> None:
        waiting = [asyncio.create_task(held.reached(time.perf_counter())) for _ in range(5)]
        await asyncio.sleep(0)
        held.stop()
        await asyncio.gather(*waiting)
        await held.reached(time.perf_counter())

    asyncio.run(many())
