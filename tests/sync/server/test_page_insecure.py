"""The phone page at plain http, as the endpoint on a desk serves its own network: browsers lack WebCrypto there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.sync.server.browser import Desk, Phone, launch, phone_of

NAME = "desk.test"
VECTORS = json.loads(Path("tests/vectors/codes.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Where a name stands for this machine: the machine's own address would count as secure."""
    with sync_playwright() as playwright:
        made = launch(playwright, f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
        yield made
        made.close()


@pytest.fixture
def phone(browser: Browser, desk: Desk) -> Iterator[Phone]:
    with phone_of(browser, re.sub(r"127\.0\.0\.1|localhost", NAME, desk.base)) as made:
        yield made
        assert made.complaints == []


def test_a_card_is_opened_and_redeemed_without_webcrypto(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.open_card(card)
    assert phone.page.evaluate("() => [isSecureContext, typeof crypto.subtle]") == [False, "undefined"]
    assert re.sub(r"\W", "", phone.text(".code")) == card.code
    phone.ask_redeem()
    phone.page.tap("text=全部")
    phone.confirm()
    expect(phone.page.locator("#page h1")).to_have_text("兑换成功")
    assert desk.state(card)["card"] == "spent"


def test_the_library_computes_the_digests_of_the_vectors(desk: Desk, phone: Phone) -> None:
    phone.open(desk.issue().path)
    run = """async ([merchant, code]) => {
        const { cardDigest } = await import("/h5/assets/keys.js");
        const words = (await cardDigest(merchant, code)).replace(/-/g, "+").replace(/_/g, "/");
        return [...atob(words)].map((one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
    }"""
    for vector in VECTORS["codes"]:
        assert phone.page.evaluate(run, [vector["merchant_id_hex"], vector["code"]]) == vector["digest_hex"]
