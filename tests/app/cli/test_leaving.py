"""`endpoint … --leave-unreachable`: a sentence without its confirmation, never a way past an endpoint that answers."""

from collections.abc import Iterator

import pytest

from app.services.cloud import EmbeddedEndpoint
from tests.drivers.terminal import REFUSED, Terminal


@pytest.fixture
def desk(desk: Terminal) -> Iterator[Terminal]:
    yield desk
    desk.do("endpoint", "embedded", "stop")


def test_a_dead_endpoint_is_left_with_a_confirmation_only(desk: Terminal, cloud: EmbeddedEndpoint) -> None:
    url = cloud.url()
    assert url is not None
    host = url.removeprefix("http://")
    merchant = desk.do("endpoint", "status")["merchant_id"]
    gone = ("endpoint", "embedded", "start", "--leave-unreachable")
    desk.do("endpoint", "pair", url, cloud.pairing_code(merchant, "云杉科技"))
    answers = desk.run(*gone, "--confirm", host)
    assert (answers.code, answers.error["code"]) == (REFUSED, "old-endpoint-answers")
    cloud.stop()
    silent = desk.run("endpoint", "embedded", "start")
    assert (silent.code, silent.error["code"], silent.error["data"]["host"]) == (REFUSED, "old-endpoint-silent", host)
    for more in ((), ("--confirm", "gone")):
        unsaid = desk.run(*gone, *more)
        assert (unsaid.code, unsaid.error["code"]) == (REFUSED, "leaving-unconfirmed")
        assert host in unsaid.said
        assert unsaid.said.count("\n") == 1
    assert desk.do("endpoint", "status")["mode"] == "cloud"
    assert desk.do(*gone, "--confirm", host)["mode"] == "embedded"
