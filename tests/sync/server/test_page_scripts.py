"""What the phone page computes: digests, check symbols, QR codes, compared with somebody else's."""

import json
from pathlib import Path

import pytest
import segno
import segno.encoder

from sync.codes import ALPHABET, check_symbols
from sync.protocol import gate_digest, pickup_lookup
from tests.sync.server.browser import SLUG, Desk, Phone

VECTORS = json.loads(Path("tests/vectors/codes.json").read_text(encoding="utf-8"))


def test_the_page_computes_the_digests_of_the_vectors(desk: Desk, phone: Phone) -> None:
    phone.open(f"/p/{SLUG}")
    run = """async ([merchant, code]) => {
        const { cardDigest } = await import("/h5/assets/keys.js");
        const words = (await cardDigest(merchant, code)).replace(/-/g, "+").replace(/_/g, "/");
        return [...atob(words)].map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
    }"""
    for vector in VECTORS["codes"]:
        assert phone.page.evaluate(run, [vector["merchant_id_hex"], vector["code"]]) == vector["digest_hex"]
    read = """async (typed) => (await import("/h5/assets/codes.js")).read(typed).text"""
    for vector in VECTORS["reading"]:
        assert phone.page.evaluate(read, vector["typed"]) == vector["canonical"]


def test_the_page_and_the_server_agree_on_gates_and_lookups(desk: Desk, phone: Phone) -> None:
    phone.open(f"/p/{SLUG}")
    run = """async ([link, value, merchant, code]) => {
        const keys = await import("/h5/assets/keys.js");
        return [await keys.gateDigest(link, value), await keys.pickupLookup(code, merchant)];
    }"""
    code = "0123456789AB" + check_symbols("0123456789AB")
    here = [gate_digest("AAAAAAAAAAAAAAAAAAAAAA", "工号7"), pickup_lookup(desk.merchant_id, code)]
    asked = ["AAAAAAAAAAAAAAAAAAAAAA", "工号7", str(desk.merchant_id), code]
    assert phone.page.evaluate(run, asked) == here


def test_check_symbols_catch_every_single_slip_and_find_it(phone: Phone) -> None:
    phone.open(f"/p/{SLUG}")
    code = "0123456789AB" + check_symbols("0123456789AB")
    run = """async (code) => {
        const { ALPHABET, check } = await import("/h5/assets/codes.js");
        const found = [];
        for (let place = 0; place < code.length; place++) {
            for (const symbol of ALPHABET) {
                const { valid, suspect } = check(code.slice(0, place) + symbol + code.slice(place + 1));
                found.push(symbol === code[place] ? valid : !valid && suspect === place);
            }
        }
        return found.every(Boolean);
    }"""
    assert phone.page.evaluate(run, code) is True


@pytest.mark.parametrize("length", [1, 14, 20, 26, 42, 62, 84, 106, 122, 152, 180, 213])
def test_qr_codes_are_those_of_another_encoder(phone: Phone, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    # segno adds a stray zero byte where nothing needs padding; both are readable, only one is to the letter.
    monkeypatch.setattr(segno.encoder, "write_padding_bits", lambda buff, version, length: None)
    text = (ALPHABET * 7)[:length]
    other = segno.make(text, mode="byte", error="m", boost_error=False, micro=False, mask=0)
    phone.open(f"/p/{SLUG}")
    run = """async (text) => (await import("/h5/assets/qr.js")).matrix(text)"""
    assert phone.page.evaluate(run, text) == [list(row) for row in other.matrix]


def test_a_text_too_long_for_a_qr_code_gets_none(phone: Phone) -> None:
    phone.open(f"/p/{SLUG}")
    assert phone.page.evaluate("""async () => (await import("/h5/assets/qr.js")).dataUri("x".repeat(214))""") is None
