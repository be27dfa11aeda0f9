"""The phone page in a real browser against the real endpoint: opening, redeeming, both doors, every state."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from app.services.distribution.links import Gate
from sync.codes import ALPHABET, check_symbols
from tests.sync.server.browser import SLUG, Desk, Issued, Phone, phone_of

PAGES = Path("sync/server/pages")
LIMIT = 60_000
AT_PLAIN_HTTP = "subtle.js"
"""Never loaded over https."""
FOREIGN = re.compile(r"https?://\w|innerHTML|outerHTML|insertAdjacentHTML|\beval\(|<style|\bstyle=|\son\w+=")
PAST = datetime(2020, 1, 1, tzinfo=UTC)
TAIL = Gate("phone_tail", "0137")
VOUCHER: dict[str, Any] = {"kind": "exchange", "face_minor": None, "uses": 5, "partial": False}
SUPPLIER: dict[str, Any] = {
    "kind": "supplier",
    "code": "",
    "fields": [["卡号", "IQY20260001234"], ["卡密", "a8Kd+99fQ"]],
    "target_url": "https://supplier.example/redeem?c={code}",
}


@pytest.fixture
def phone(phone: Phone, desk: Desk) -> Iterator[Phone]:
    """One that asks nobody else."""
    yield phone
    assert {re.match(r"\w+://[^/]+|data:", url)[0] for url in phone.requests} <= {desk.base, "data:"}  # type: ignore[index]


# --- the shell ---


def test_all_files_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in PAGES.iterdir() if path.name != AT_PLAIN_HTTP) <= LIMIT


def test_no_file_loads_or_runs_anything_of_somebody_else() -> None:
    for path in PAGES.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r"https?://\w|innerHTML|outerHTML|insertAdjacentHTML|\beval\(|<style|\bstyle=|\son\w+=", text
        )


def test_the_shell_forbids_everything_but_its_own_files(desk: Desk) -> None:
    for path in ("/c/AAAAAAAAAAAAAAAAAAAAAA", f"/p/{SLUG}"):
        headers = requests.get(desk.base + path, timeout=60).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


# --- opening ---


def test_opening_the_address_changes_nothing(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    for _ in range(2):
        requests.get(desk.base + card.path, timeout=60)
        phone.open(card.path)
    assert phone.title() == "你收到一张嘉味食品的卡"
    assert desk.state(card)["link"] == "waiting"


def test_nothing_of_the_card_is_shown_before_the_tap(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.open(card.path)
    assert not {"200", "中秋", card.code[:4]} & set(re.findall(r"\w+", phone.text("body")))
    assert phone.text(".bar button") == "立即领取"
    box = phone.page.locator(".bar button").bounding_box()
    assert box is not None
    assert box["height"] >= 48


def test_the_tap_shows_the_card_and_claims_it(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    with phone.page.expect_response("**/ack"):
        phone.open_card(card)
    assert phone.text(".code").split() == [card.code[at : at + 4] for at in range(0, 20, 4)]
    face = phone.text(".face")
    for shown in ("嘉味食品", "中秋团圆礼金卡", "¥200.00", "有效至 2099-12-31 23:59:59", "持卡人 林晓雨", "可用"):
        assert shown in face
    assert desk.state(card)["link"] == "claimed"


def test_the_key_leaves_the_address_and_survives_a_reload(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.open(card.path + "&from=chat")
    assert phone.page.url == f"{desk.base}/c/{card.link_id}"
    phone.page.reload()
    phone.act()
    expect(phone.page.locator(".code")).to_be_visible()
    assert not any(card.secret in url for url in phone.requests[1:])


def test_the_code_is_copied(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.context.grant_permissions(["clipboard-read", "clipboard-write"])
    phone.open_card(card)
    phone.page.tap("text=复制卡码")
    expect(phone.page.locator("text=已复制").first).to_be_visible()
    assert phone.page.evaluate("navigator.clipboard.readText()") == card.code


def test_a_card_of_a_supplier_shows_its_fields_and_where_to_use_it(desk: Desk, phone: Phone) -> None:
    phone.open_card(desk.issue(**SUPPLIER))
    assert "IQY20260001234" in phone.text("dl")
    assert phone.page.get_attribute(".bar a", "href") == "https://supplier.example/redeem?c=a8Kd%2B99fQ"
    assert phone.page.locator("dd button").count() == 2


@pytest.mark.parametrize("address", ["http://supplier.example/{code}", "javascript:alert(1)", "nonsense"])
def test_only_https_leads_away(desk: Desk, phone: Phone, address: str) -> None:
    phone.open_card(desk.issue(**SUPPLIER | {"target_url": address}))
    assert phone.page.locator("a:not([href^='tel:'])").count() == 0


def test_data_is_never_markup(desk: Desk, phone: Phone) -> None:
    phone.open_card(desk.issue(product="<img src=x onerror=alert(1)>", note="<script>1</script>"))
    assert "<img src=x" in phone.text(".product")
    assert phone.page.locator("#page script, #page .product img").count() == 0


# --- the gate ---


def test_a_gated_card_opens_for_the_right_digits_only(desk: Desk, phone: Phone) -> None:
    card = desk.issue(gate=TAIL)
    phone.open(card.path)
    phone.act()
    for typed, fault in (("01", "请输入 4 位数字"), ("9999", "对不上，请检查")):
        phone.page.fill("#gate", typed)
        phone.act()
        expect(phone.page.locator("#gate-fault")).to_have_text(fault)
    phone.page.fill("#gate", "0137")
    phone.page.keyboard.press("Enter")
    expect(phone.page.locator(".code")).to_be_visible()


def test_an_employee_number_is_read_forgivingly(desk: Desk, phone: Phone) -> None:
    card = desk.issue(gate=Gate("employee_no", "HZ-017"))
    phone.open(card.path)
    phone.act()
    phone.page.fill("#gate", " hz-017 ")
    phone.act()
    expect(phone.page.locator(".code")).to_be_visible()


def test_too_many_wrong_digits_count_down(desk: Desk, phone: Phone) -> None:
    card = desk.issue(gate=TAIL)
    phone.open(card.path)
    phone.act()
    for _ in range(15):
        phone.page.fill("#gate", "9999")
        with phone.page.expect_response("**/open") as answer:
            phone.act()
        if answer.value.status == 429:
            break
        expect(phone.page.locator("#gate-fault")).not_to_be_empty()
        expect(phone.page.locator(".bar button")).not_to_have_attribute("aria-busy", "true")
    expect(phone.page.locator("#page h1")).to_have_text(re.compile(r"操作太快了，请等 \d+ 秒"))
    expect(phone.page.locator(".bar button")).to_be_disabled()


# --- the pick-up door ---


def test_a_pasted_message_fills_both_fields_and_opens_the_card(desk: Desk, phone: Phone) -> None:
    card = desk.issue(gate=TAIL)
    phone.open(f"/p/{SLUG}")
    shown = "-".join(card.pickup_code[at : at + 4] for at in range(0, 14, 4))
    phone.paste("#code", f"【嘉味食品】提取码 {shown}，手机尾号 0137，请尽快领取")
    assert phone.page.input_value("#code") == shown
    assert phone.page.input_value("#value") == "0137"
    phone.act()
    expect(phone.page.locator(".code")).to_be_visible()
    assert phone.text(".code").replace(" ", "").replace("\n", "") == card.code
    phone.ask_redeem()
    phone.page.fill("#amount", "1")
    phone.confirm()
    expect(phone.page.locator("#page h1")).to_have_text("兑换成功")


def test_a_code_is_read_forgivingly(desk: Desk, phone: Phone) -> None:
    card = desk.issue(gate=TAIL)
    phone.open(f"/p/{SLUG}")
    typed = card.pickup_code.lower().replace("0", "o").replace("1", "l")
    phone.page.fill("#code", f" {typed[:5]} － {typed[5:]} ")
    phone.page.fill("#value", "０137")
    phone.act()
    expect(phone.page.locator(".code")).to_be_visible()


def test_a_slip_never_leaves_the_phone_and_is_pointed_at(desk: Desk, phone: Phone) -> None:
    card = desk.issue(gate=TAIL)
    phone.open(f"/p/{SLUG}")
    place = 6
    wrong = ALPHABET[(ALPHABET.index(card.pickup_code[place]) + 1) % 32]
    phone.page.fill("#code", card.pickup_code[:place] + wrong + card.pickup_code[place + 1 :])
    phone.page.fill("#value", "0137")
    phone.act()
    expect(phone.page.locator("#code-fault")).to_have_text(f"第 7 个字符“{wrong}”看起来不对")
    chosen = "() => { const one = document.querySelector('#code'); return [one.selectionStart, one.selectionEnd]; }"
    assert phone.page.evaluate(chosen) == [place + 1, place + 2]
    assert not any("/pickup/" in url for url in phone.requests)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [("", "请输入提取码"), ("ABCD-EFGH-JK", "还差 4 个字符，共 14 个"), ("ABCU", "第 4 个字符“U”不会出现在提取码里")],
)
def test_what_is_wrong_with_a_code_is_said(phone: Phone, typed: str, fault: str) -> None:
    phone.open(f"/p/{SLUG}")
    phone.page.fill("#code", typed)
    phone.act()
    expect(phone.page.locator("#code-fault")).to_have_text(fault)


def test_a_wrong_tail_and_an_unknown_code_get_the_same_answer(desk: Desk, phone: Phone) -> None:
    card = desk.issue(gate=TAIL)
    unknown = "0123456789AB" + check_symbols("0123456789AB")
    for code, tail in ((card.pickup_code, "9999"), (unknown, "0137")):
        phone.open(f"/p/{SLUG}")
        phone.page.fill("#code", code)
        phone.page.fill("#value", tail)
        phone.act()
        expect(phone.page.locator("#code-fault")).to_have_text("没有找到这张卡，请核对提取码和手机尾号或工号")


def test_an_unknown_shop_is_a_wrong_link(phone: Phone) -> None:
    phone.open("/p/nobody")
    assert phone.title() == "链接不对或不完整"


# --- states ---


def freeze(desk: Desk, card: Issued) -> None:
    desk.tell("batch.freeze@1", batch_id=card.batch_id)


def void(desk: Desk, card: Issued) -> None:
    desk.tell("card.void@1", batch_id=card.batch_id, card_no=0)


def recall(desk: Desk, card: Issued) -> None:
    desk.tell("link.recall@1", link_id=card.link_id)


def spend(desk: Desk, card: Issued) -> None:
    desk.redeem(card, None)


def leave(desk: Desk, card: Issued) -> None:
    """Nothing more happens to the card."""


STATES: dict[str, tuple[str, Callable[[Desk, Issued], None], dict[str, Any]]] = {
    "frozen": ("这张卡已冻结，暂时不能用", freeze, {}),
    "voided": ("这张卡已作废", void, {}),
    "recalled": ("这张卡已被收回", recall, {}),
    "spent": ("这张卡已用完", spend, {}),
    "expired": ("这张卡已过期", leave, {"valid_until": PAST}),
    "link expired": ("领取时间已过", leave, {"expires_at": PAST}),
    "unsealed": ("这张卡还在准备中", leave, {"sealed": False}),
}


@pytest.mark.parametrize("name", STATES)
def test_each_state_says_what_is_the_matter_and_whom_to_call(desk: Desk, phone: Phone, name: str) -> None:
    title, happen, made = STATES[name]
    card = desk.issue(**made)
    happen(desk, card)
    phone.open(card.path)
    assert phone.title() == title
    assert phone.page.locator(".frame svg").count() == 1
    assert phone.page.get_attribute(".help a", "href") == "tel:057188886666"


@pytest.mark.parametrize("path", ["/c/AAAAAAAAAAAAAAAAAAAAAA#" + "0" * 26, "/c/AAAAAAAAAAAAAAAAAAAAAA", "/c/x#y"])
def test_a_wrong_link_is_told(phone: Phone, path: str) -> None:
    phone.open(path)
    assert phone.title() == "链接不对或不完整"


def test_without_a_network_the_page_waits_and_tries_again(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.open(card.path)
    phone.context.set_offline(True)
    phone.act()
    expect(phone.page.locator("#page h1")).to_have_text("网络断开了")
    phone.context.set_offline(False)
    phone.act()
    expect(phone.page.locator(".code")).to_be_visible()


def test_other_languages_get_english(desk: Desk, browser: Browser) -> None:
    with phone_of(browser, desk.base, language="fr-FR") as phone:
        phone.open_card(desk.issue(product="Gift card", holder="Lin", note="Show it"))
        assert phone.page.get_attribute("html", "lang") == "en"
        shown = phone.text("body").replace("嘉味食品", "")
        assert not re.search(r"[\u4e00-\u9fff]", shown)


# --- how it looks ---


@pytest.mark.parametrize("scale", [100, 200])
@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_the_screen(desk: Desk, browser: Browser, width: int, scale: int) -> None:
    with phone_of(browser, desk.base, width=width, color_scheme="dark") as phone:
        enlarge = f"document.documentElement.style.fontSize = '{scale}%'"
        for card in (desk.issue(), desk.issue(**VOUCHER), desk.issue(face_minor=123_456_700)):
            phone.open(card.path)
            phone.page.evaluate(enlarge)
            assert phone.overflow() == []
            phone.act()
            phone.page.wait_for_selector(".code")
            assert phone.overflow() == []
            phone.ask_redeem()
            assert phone.overflow() == []
        phone.open(f"/p/{SLUG}")
        phone.page.evaluate(enlarge)
        assert phone.overflow() == []


def test_a_new_screen_takes_the_focus_and_is_read_out(desk: Desk, phone: Phone) -> None:
    phone.open_card(desk.issue())
    assert phone.page.evaluate("document.activeElement.tagName") == "H1"
    expect(phone.page.locator("#live")).to_have_text("中秋团圆礼金卡")
