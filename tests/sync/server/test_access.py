"""Who may ask: signatures, clocks, replays, roles, hostile forms."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync import signing
from sync.client import Identity, Refused, SyncClient, new_incarnation
from sync.protocol import Op, new_op_id
from sync.server import access
from tests.drivers.endpoint import NOW, Desktop, Served, new_merchant


def signed(desktop: Desktop, *, created: int | None = None, body: bytes = b"") -> tuple[str, dict[str, str]]:
    who = desktop.client._identity
    assert who is not None
    url = desktop.url + "/sync/v1/hello"
    message = signing.message_of("GET", url, body)
    at = int(time.time()) if created is None else created
    return url, signing.sign(message, who.key, device=who.device_id, incarnation=who.incarnation, created=at)


def key_of(answer: requests.Response) -> str:
    return str(answer.json()["type"].rpartition("/")[2])


def test_a_signed_request_is_admitted_once(desktop: Desktop) -> None:
    url, headers = signed(desktop)
    assert requests.get(url, headers=headers, timeout=60).status_code == 200
    assert key_of(requests.get(url, headers=headers, timeout=60)) == "replayed-nonce"


@pytest.mark.parametrize(
    "name", ["Signature", "Content-Digest", "KX-Device", "KX-Incarnation", "KX-Protocol", "Signature-Input"]
)
def test_any_changed_header_is_refused(desktop: Desktop, name: str) -> None:
    url, headers = signed(desktop)
    changed = headers[name][:-3] + ("abc" if not headers[name].endswith("abc") else "xyz")
    answer = requests.get(url, headers=headers | {name: changed}, timeout=60)
    assert (answer.status_code, key_of(answer)) == (401, "bad-signature")


def test_another_path_or_query_is_refused(desktop: Desktop) -> None:
    url, headers = signed(desktop)
    for other in (desktop.url + "/sync/v1/events", url + "?after=x"):
        assert key_of(requests.get(other, headers=headers, timeout=60)) == "bad-signature"


def test_a_foreign_key_is_refused(desktop: Desktop) -> None:
    who = desktop.client._identity
    assert who is not None
    stranger = SyncClient(desktop.url, Identity(who.device_id, who.incarnation, Ed25519PrivateKey.generate()))
    with pytest.raises(Refused, match="bad-signature"):
        stranger.hello()


def test_a_wrong_clock_is_told_the_time_and_corrects_itself(desktop: Desktop) -> None:
    url, headers = signed(desktop, created=int(time.time()) - 4_000)
    answer = requests.get(url, headers=headers, timeout=60)
    assert key_of(answer) == "clock-skew"
    assert answer.json()["server_time"].endswith("Z")
    desktop.client._skew_s = 9_999_999
    assert desktop.client.hello().merchant.name == "某某商户"


def test_a_pairing_code_never_looks_like_an_option_of_the_command_line() -> None:
    codes = [access.new_pairing_code() for _ in range(2_000)]
    assert not [code for code in codes if code.startswith("-")]
    assert len(set(codes)) == len(codes)
    assert {len(code) for code in codes} == {22}


def test_a_pairing_code_works_once(served: Served) -> None:
    made = new_merchant(served.database)
    client = SyncClient(served.url)
    key = Ed25519PrivateKey.generate()
    client.enroll(made["pairing_code"], device_name="一", key=key, incarnation=new_incarnation())
    with pytest.raises(Refused, match="pairing-refused"):
        client.enroll(made["pairing_code"], device_name="二", key=key, incarnation=new_incarnation())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[" * 100_000,
        b'{"op_id": "a", "op_id": "b"}',
        b'{"op_id": NaN}',
        b'{"op_id": 123456789012345678901234567890}',
        b'{"a":' * 20 + b"1" + b"}" * 20,
        '{"op_id": "\u0000"}'.encode(),
        b'{"op_id": "\\u0000"}',
        b'{"op_id": "\\ud800"}',
        b'{"op_id": "e\\u0301"}',
        b'{"slug": "a\\u0000b", "lookup": "AAAA", "value": ""}',
        b'{"slug": "' + b"a" * 2_001 + b'", "lookup": "AAAA"}',
        b"\xff\xfe",
    ],
)
def test_malformed_requests_get_a_problem_never_a_traceback(served: Served, body: bytes) -> None:
    for path in ("/h5/v1/redeem", "/h5/v1/pickup/open", "/sync/v1/enroll", "/h5/v1/links/abc/open"):
        answer = requests.post(served.url + path, data=body, timeout=60)
        assert answer.status_code in (404, 422), (path, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    answer = requests.post(served.url + "/h5/v1/redeem", data=b" " * (2 << 20), timeout=60)
    assert (answer.status_code, key_of(answer)) == (413, "too-large")


def test_an_unknown_op_is_refused_and_the_rest_of_the_push_goes_on(desktop: Desktop) -> None:
    assert desktop.push("merchant.eat@1", {}).problem.key == "op-unknown"
    assert desktop.push("merchant.update@1", {"name": "新名字"}).status == "applied"
    assert desktop.client.hello().merchant.name == "新名字"


def test_a_refused_op_keeps_its_outcome(desktop: Desktop) -> None:
    op_id = new_op_id()
    body: dict[str, object] = {"batch_id": "0190a000-0000-7000-8000-000000000000"}
    assert desktop.push("batch.freeze@1", body, op_id).problem.key == "batch-unknown"
    assert desktop.push("batch.freeze@1", body, op_id).problem.key == "batch-unknown"
    assert desktop.push("batch.freeze@1", {"batch_id": "x"}, op_id).problem.key == "op-id-reused"


def test_every_answer_carries_the_headers_that_protect_the_page(served: Served) -> None:
    answer = requests.get(served.url + "/c/anything", timeout=60)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_guessing_from_one_address_is_slowed_down(served: Served) -> None:
    url = served.url + "/h5/v1/pickup/open"
    body = {"slug": "nobody", "lookup": "A" * 43, "value": "1234"}
    answers = [requests.post(url, json=body, timeout=60) for _ in range(12)]
    assert [answer.status_code for answer in answers[:10]] == [404] * 10
    assert key_of(answers[-1]) == "rate-limited"
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_the_description_lists_every_route(served: Served) -> None:
    paths = requests.get(served.url + "/openapi.json", timeout=60).json()["paths"]
    for path in ("/sync/v1/ops", "/sync/v1/events", "/h5/v1/redeem", "/sync/v1/batches/{batch_id}/seal", "/healthz"):
        assert path in paths


def test_another_version_of_the_protocol_is_told_to_upgrade(desktop: Desktop) -> None:
    url, headers = signed(desktop)
    answer = requests.get(url, headers=headers | {"KX-Protocol": "2"}, timeout=60)
    assert (answer.status_code, key_of(answer)) == (426, "upgrade-required")


@pytest.mark.parametrize("path", ["//sync/v1/hello", "/sync//v1/hello", "/sync/v1/enroll/", "/sync/v1/../v1/hello"])
def test_no_spelling_of_an_address_gets_around_the_signature(served: Served, path: str) -> None:
    with socket.create_connection(urlsplit(served.url).netloc.split(":"), timeout=60) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        status = int(line.makefile("rb").readline().split()[1])
    assert status in (401, 404, 405)


@pytest.mark.parametrize(
    "body",
    [
        {"batch_id": 5},
        {"batch_id": None, "count": 1, "name": "x", "face": {"kind": "uses"}},
        {"batch_id": str(uuid4()), "count": 1, "name": "x", "face": [1]},
        {"batch_id": str(uuid4()), "count": 1, "name": "x", "face": {"kind": "uses"}, "max_uses": 2**40},
        {"batch_id": str(uuid4()), "count": -1, "name": "x", "face": {"kind": "uses"}},
        {"batch_id": str(uuid4()), "count": 1, "name": "x", "face": {"kind": "uses"}, "valid_until": "gestern"},
        {"batch_id": str(uuid4()), "count": 1, "name": "x", "face": {"kind": "uses"}, "valid_until": {}},
        {},
    ],
)
def test_an_op_of_the_wrong_shape_is_refused_alone(desktop: Desktop, body: dict[str, object]) -> None:
    ops = [Op(new_op_id(), "batch.create@1", NOW, body), Op(new_op_id(), "merchant.update@1", NOW, {"name": "新"})]
    wrong, right = desktop.client.push(ops).results
    assert (wrong.status, wrong.problem.key if wrong.problem else "") == ("rejected", "invalid")
    assert right.status == "applied"


@pytest.mark.parametrize("type_", ["link.put@1", "upload", "look"])
def test_what_is_no_op_is_unknown(desktop: Desktop, type_: str) -> None:
    assert desktop.push(type_, {}).problem.key == "op-unknown"


def test_numbers_no_column_takes_are_refused(desktop: Desktop) -> None:
    batch = desktop.batch(1, seal=False)
    epoch = desktop.client.hello().feed.epoch
    for ask in (
        lambda: desktop.client.events(f"{epoch}.{10**30}"),
        lambda: desktop.client.put_chunk(batch.uid, 10**25, b"\0" * 32),
        lambda: desktop.client.upload_state("a%00b"),
    ):
        with pytest.raises(Refused, match=r"invalid|batch-unknown"):
            ask()


def test_devices_enrol_while_others_are_at_work(desktop: Desktop, served: Served) -> None:
    codes = [new_merchant(served.database, merchant_id=desktop.merchant_id)["pairing_code"] for _ in range(8)]
    stop = threading.Event()

    def work() -> int:
        pushed = 0
        client = SyncClient(desktop.url, desktop.client._identity)
        while not stop.is_set():
            assert (
                client.push([Op(new_op_id(), "merchant.update@1", NOW, {"name": "忙"})]).results[0].status == "applied"
            )
            pushed += 1
        client.close()
        return pushed

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work) for _ in range(2)]
        for code in codes:
            client = SyncClient(served.url)
            client.enroll(code, device_name="新机", key=Ed25519PrivateKey.generate(), incarnation=new_incarnation())
            client.close()
        stop.set()
        assert all(each.result(30) for each in working)
    page = desktop.client.events("")
    assert [event.seq for event in page.events] == list(range(1, len(page.events) + 1))


@pytest.mark.parametrize(("value", "taken"), [("\u00e9", True), ("e\u0301", False), ("\ud800", False), ("a\0", False)])
def test_a_text_is_composed_and_such_as_can_be_kept(served: Served, value: str, taken: bool) -> None:
    body = json.dumps({"slug": "a", "lookup": "A" * 43, "value": value}).encode()
    assert (key_of(requests.post(served.url + "/h5/v1/pickup/open", data=body, timeout=60)) != "invalid") is taken
    wish = {"op_id": new_op_id(), "merchant_id": new_op_id(), "d": "A" * 43, "form": value}
    answer = requests.post(
        served.url + "/h5/v1/redeem", data=json.dumps(wish, ensure_ascii=value == "\ud800"), timeout=10
    )
    assert (key_of(answer) != "invalid") is taken


def test_a_text_is_sent_composed_however_it_was_typed(desktop: Desktop) -> None:
    assert desktop.push("merchant.update@1", {"name": "Cafe\u0301", "phone": "1"}).status == "applied"
    assert desktop.client.hello().merchant.name == "Caf\u00e9"


def test_the_description_tells_how_refusals_look(served: Served) -> None:
    described = requests.get(served.url + "/openapi.json", timeout=60).json()
    for methods in described["paths"].values():
        for operation in methods.values():
            told = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"]
            assert told.rpartition("/")[2] in described["components"]["schemas"]


def test_the_description_tells_limits_and_who_has_to_sign(served: Served) -> None:
    described = requests.get(served.url + "/openapi.json", timeout=60).json()
    asked = described["components"]["schemas"]["RedeemRequest"]
    assert asked["additionalProperties"] is False
    assert "pattern" in asked["properties"]["d"]
    signed = {path for path, methods in described["paths"].items() for each in methods.values() if "security" in each}
    assert signed == {path for path in described["paths"] if path.startswith("/sync/v1/")} - {"/sync/v1/enroll"}


def test_a_slug_with_a_line_break_is_refused(desktop: Desktop) -> None:
    result = desktop.push("merchant.update@1", {"name": "商户", "slug": "a-shop\n"})
    assert (result.status, result.problem.pointers) == ("rejected", ["/body/slug"])
