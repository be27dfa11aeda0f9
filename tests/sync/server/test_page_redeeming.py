"""Redeeming on the phone: once however fast the taps, never lost however bad the network."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Browser, expect

from sync.protocol import to_wire
from tests.sync.server.browser import Desk, Phone, lose_answer, phone_of

VOUCHER: dict[str, Any] = {"kind": "exchange", "face_minor": None, "uses": 5, "partial": False}


def test_two_fast_taps_redeem_once(desk: Desk, phone: Phone) -> None:
    card = desk.issue(partial=False)
    phone.open_card(card)
    phone.ask_redeem()
    phone.page.evaluate("() => { const one = document.querySelector('dialog .primary'); one.click(); one.click(); }")
    expect(phone.page.locator("#page h1")).to_have_text("兑换成功")
    assert [entry["amount_minor"] for entry in desk.state(card)["history"]] == [20_000]
    assert len([url for url in phone.requests if url.endswith("/h5/v1/redeem")]) == 1


def test_a_part_of_the_balance_is_redeemed(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.open_card(card)
    phone.ask_redeem()
    for typed, fault in (
        ("", "请输入金额，例如 20 或 20.50"),
        ("8,50", "请输入金额，例如 20 或 20.50"),  # 8.50 to some, 850 to others
        ("200.01", "余额只有 ¥200.00，请改小一点"),
        ("1,000", "余额只有 ¥200.00，请改小一点"),
    ):
        phone.page.fill("#amount", typed)
        phone.confirm()
        expect(phone.page.locator("#amount-fault")).to_have_text(fault)
    phone.page.fill("#amount", "￥８0.5")
    phone.confirm()
    expect(phone.page.locator(".frame p")).to_have_text("¥80.50 · 剩余 ¥119.50")
    phone.act()
    assert "¥119.50" in phone.text(".figure")
    assert "−¥80.50" in phone.text(".history")


def test_a_voucher_is_redeemed_by_uses(desk: Desk, phone: Phone) -> None:
    card = desk.issue(**VOUCHER)
    phone.open_card(card)
    phone.ask_redeem()
    phone.page.tap("[aria-label='加 1 次']")
    phone.confirm()
    expect(phone.page.locator(".frame p")).to_have_text("2 次 · 剩余 3 次")
    assert desk.state(card)["remaining_uses"] == 3


def test_what_was_given_back_stands_in_the_record_with_one_sign(desk: Desk, phone: Phone) -> None:
    for issued, amount, words in ((desk.issue(), 8_050, "¥80.50"), (desk.issue(**VOUCHER), None, "1 次")):
        taken = desk.redeem(issued, amount)
        desk.tell("reverse@1", redemption_id=taken, reason="错")
        phone.open(issued.path)
        expect(phone.page.locator(".history .sum")).to_have_text([f"−{words}", f"+{words}"])


def test_money_put_on_and_paid_out_stand_in_the_record_under_their_own_names(desk: Desk, phone: Phone) -> None:
    card, voucher = desk.issue(), desk.issue(**VOUCHER)
    for issued, type_, amount in (
        (card, "card.topup@1", 30_000),
        (card, "card.refund@1", 5_000),
        (voucher, "card.refund@1", None),
    ):
        desk.tell(type_, batch_id=issued.batch_id, card_no=0, amount_minor=amount, reason="客户要求")
    phone.open(card.path)
    expect(phone.page.locator(".history .sum")).to_have_text(["+¥300.00", "−¥50.00"])
    expect(phone.page.locator(".history li")).to_contain_text(["充值", "退卡"])
    phone.open(voucher.path)
    expect(phone.page.locator(".history .sum")).to_have_text(["−5 次"])
    assert "这张卡已用完" in phone.text("body")


def test_a_lost_answer_is_asked_for_again_and_nothing_is_redeemed_twice(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.page.route("**/h5/v1/redeem", lose_answer, times=1)
    phone.open_card(card)
    phone.ask_redeem()
    phone.page.fill("#amount", "50")
    phone.confirm()
    expect(phone.page.locator("#page h1")).to_have_text("正在确认兑换结果")
    expect(phone.page.locator("#page h1")).to_have_text("兑换成功")
    assert desk.state(card)["remaining_minor"] == 15_000


def test_a_request_that_never_arrived_is_sent_again(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.page.route("**/h5/v1/redeem", lambda route: route.abort(), times=1)
    phone.open_card(card)
    phone.ask_redeem()
    phone.page.tap("text=全部")
    phone.confirm()
    expect(phone.page.locator("#page h1")).to_have_text("正在确认兑换结果")
    phone.act()
    expect(phone.page.locator("#page h1")).to_have_text("兑换成功")
    assert desk.state(card)["card"] == "spent"


def test_a_redemption_survives_leaving_the_page(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.page.route("**/h5/v1/redeem", lose_answer)
    phone.page.route("**/h5/v1/redeem/*", lambda route: route.abort())
    phone.open_card(card)
    phone.ask_redeem()
    phone.page.fill("#amount", "50")
    phone.confirm()
    expect(phone.page.locator("#page h1")).to_have_text("正在确认兑换结果")
    kept = phone.page.evaluate("JSON.stringify(localStorage)")
    assert "op_id" in kept
    assert card.code not in kept
    phone.page.unroute_all()
    phone.page.reload()
    expect(phone.page.locator("#page h1")).to_have_text("兑换成功")
    assert desk.state(card)["remaining_minor"] == 15_000


def test_a_redemption_that_never_left_is_offered_again(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.page.route("**/h5/v1/redeem", lambda route: route.abort())
    phone.open_card(card)
    phone.ask_redeem()
    phone.page.fill("#amount", "50")
    phone.confirm()
    expect(phone.page.locator("#page h1")).to_have_text("正在确认兑换结果")
    phone.page.unroute_all()
    phone.page.reload()
    phone.act()
    expect(phone.page.locator("#sheet-title")).to_have_text("上次的兑换没有完成，要继续吗？")
    phone.confirm()
    expect(phone.page.locator(".frame p")).to_have_text("¥50.00 · 剩余 ¥150.00")


def test_a_balance_that_shrank_meanwhile_is_told(desk: Desk, phone: Phone) -> None:
    card = desk.issue()
    phone.open_card(card)
    phone.ask_redeem()
    desk.redeem(card, 15_000)
    phone.page.fill("#amount", "100")
    phone.confirm()
    expect(phone.page.locator("dialog [role=alert]").last).to_have_text("卡的余额变了，请再看一眼")
    assert "¥50.00" in phone.text("dialog")


def test_a_card_frozen_meanwhile_is_told(desk: Desk, phone: Phone) -> None:
    card = desk.issue(partial=False)
    phone.open_card(card)
    phone.ask_redeem()
    desk.tell("card.freeze@1", batch_id=card.batch_id, card_no=0)
    phone.confirm()
    expect(phone.page.locator("#page h1")).to_have_text("这张卡已冻结，暂时不能用")


def test_a_card_that_a_counter_leased_meanwhile_is_sent_to_it(desk: Desk, phone: Phone) -> None:
    card = desk.issue(partial=False)
    phone.open_card(card)
    phone.ask_redeem()
    until = to_wire(datetime.now(UTC) + timedelta(hours=1))
    desk.tell("lease.take@1", batch_id=card.batch_id, first_no=0, count=1, until=until)
    phone.confirm()
    expect(phone.page.locator("dialog [role=alert]").last).to_have_text("请到店里的核销台使用")


def test_the_same_link_later_shows_how_it_stands(desk: Desk, browser: Browser, phone: Phone) -> None:
    card = desk.issue()
    with phone.page.expect_response("**/ack"):
        phone.open_card(card)
    desk.redeem(card, 5_000)
    with phone_of(browser, desk.base) as later:
        later.open(card.path)
        assert later.title() == "你已领取这张卡"
        assert "−¥50.00" in later.text(".history")
        later.act()
        expect(later.page.locator(".figure")).to_contain_text("¥150.00")
