"""Pictures of the phone page in every state: `python build_scripts/phone_pictures.py OUT`.

A real endpoint and a real browser; 320 and 390 px, light and dark, both languages, and text at 200 %.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, sync_playwright  # noqa: E402 - the path comes first

from app.services.distribution.links import Gate  # noqa: E402
from tests.sync.server.browser import SLUG, Desk, Issued, Phone, launch, phone_of, running_endpoint  # noqa: E402

PAST = datetime(2020, 1, 1, tzinfo=UTC)
TAIL = Gate("phone_tail", "0137")
TRIES, TOO_MANY = 15, 429
VOUCHER: dict[str, Any] = {
    "kind": "exchange",
    "product": "大闸蟹提货券",
    "face_minor": None,
    "uses": 5,
    "partial": False,
}
SUPPLIER: dict[str, Any] = {
    "kind": "supplier",
    "product": "视频会员年卡",
    "code": "",
    "fields": [["卡号", "IQY20260001234"], ["卡密", "a8Kd+99fQ"]],
    "target_url": "https://supplier.example/redeem?c={code}",
}
LONG: dict[str, Any] = {
    "product": "二〇二六年度优秀员工暨中秋国庆双节特别慰问礼金卡（含运费）",
    "face_minor": 123_456_700,
    "note": "请在十二月三十一日之前到总部一楼服务台出示，每人限领一次，周末及法定节假日不办理。",
}


@dataclass(frozen=True, slots=True)
class Dress:
    """How the phone is set."""

    name: str
    width: int = 390
    scheme: Literal["light", "dark"] = "light"
    language: str = "zh-CN"
    scale: int = 100


DRESSES = (
    Dress("390-light-zh"),
    Dress("320-dark-zh", 320, "dark"),
    Dress("390-dark-en", 390, "dark", "en-GB"),
    Dress("320-light-en", 320, "light", "en-GB"),
    Dress("320-large-zh", 320, "light", "zh-CN", 200),
)

Scene = Callable[[Desk, Phone], None]


def _closed(**card: Any) -> Scene:
    return lambda desk, phone: phone.open(desk.issue(**card).path)


def _open(**card: Any) -> Scene:
    return lambda desk, phone: phone.open_card(desk.issue(**card))


def _asked(**card: Any) -> Scene:
    def scene(desk: Desk, phone: Phone) -> None:
        phone.open_card(desk.issue(**card))
        phone.ask_redeem()

    return scene


def _done(desk: Desk, phone: Phone) -> None:
    _asked()(desk, phone)
    phone.page.fill("#amount", "50")
    phone.confirm()
    phone.page.wait_for_selector(".frame p")


def _after(happen: Callable[[Desk, Issued], object], **card: Any) -> Scene:
    def scene(desk: Desk, phone: Phone) -> None:
        issued = desk.issue(**card)
        happen(desk, issued)
        phone.open(issued.path)

    return scene


def _pay(desk: Desk, card: Issued, type_: str, amount_minor: int | None) -> None:
    desk.tell(type_, batch_id=card.batch_id, card_no=0, amount_minor=amount_minor, reason="客户要求")


def _paid(desk: Desk, card: Issued) -> None:
    """Redeemed, topped up beyond its face, and paid out in part."""
    desk.redeem(card, 5_000)
    _pay(desk, card, "card.topup@1", 30_000)
    _pay(desk, card, "card.refund@1", 2_000)


def _gated(desk: Desk, phone: Phone) -> None:
    phone.open(desk.issue(gate=TAIL).path)
    phone.act()
    phone.page.wait_for_selector("#gate")


def _wrong_digits(desk: Desk, phone: Phone) -> None:
    _gated(desk, phone)
    phone.page.fill("#gate", "9999")
    with phone.page.expect_response("**/open"):
        phone.act()
    phone.page.wait_for_selector("#gate-fault:not(:empty)")


def _too_fast(desk: Desk, phone: Phone) -> None:
    _gated(desk, phone)
    for _ in range(TRIES):
        phone.page.fill("#gate", "9999")
        with phone.page.expect_response("**/open") as answer:
            phone.act()
        if answer.value.status == TOO_MANY:
            break
        phone.page.wait_for_selector(".bar button:not([aria-busy=true])")
    phone.page.wait_for_selector(".bar button:disabled")


def _offline(desk: Desk, phone: Phone) -> None:
    phone.open(desk.issue().path)
    phone.context.set_offline(True)
    phone.act()
    phone.page.wait_for_timeout(500)


def _door(desk: Desk, phone: Phone) -> None:
    phone.open(f"/p/{SLUG}")


def _slip(desk: Desk, phone: Phone) -> None:
    _door(desk, phone)
    for field in phone.page.locator("input").all():
        field.fill("ABCD-1234")
    phone.act()


SCENES: dict[str, Scene] = {
    "closed": _closed(),
    "gated": _gated,
    "wrong-digits": _wrong_digits,
    "too-fast": _too_fast,
    "open": _open(),
    "open-voucher": _open(**VOUCHER),
    "open-supplier": _open(**SUPPLIER),
    "open-long": _open(**LONG),
    "ask": _asked(),
    "ask-voucher": _asked(**VOUCHER),
    "done": _done,
    "later": _after(lambda desk, card: desk.redeem(card, 5_000)),
    "paid": _after(_paid),
    "refunded": _after(lambda desk, card: _pay(desk, card, "card.refund@1", None)),
    "frozen": _after(lambda desk, card: desk.tell("batch.freeze@1", batch_id=card.batch_id)),
    "voided": _after(lambda desk, card: desk.tell("card.void@1", batch_id=card.batch_id, card_no=0)),
    "recalled": _after(lambda desk, card: desk.tell("link.recall@1", link_id=card.link_id)),
    "spent": _after(lambda desk, card: desk.redeem(card, None)),
    "expired": _closed(valid_until=PAST),
    "link-expired": _closed(expires_at=PAST),
    "unsealed": _closed(sealed=False),
    "wrong-link": lambda desk, phone: phone.open("/c/x#y"),
    "offline": _offline,
    "door": _door,
    "door-slip": _slip,
}


def with_chinese_fonts(home: Path) -> None:
    """A machine without a Chinese font would draw boxes. The browser looks into the home folder only."""
    (home / ".fonts").mkdir()
    shutil.copy(ROOT / "resources" / "fonts" / "NotoSansSC-Regular.ttf", home / ".fonts")
    os.environ["HOME"] = str(home)


def draw(desk: Desk, browser: Browser, dress: Dress, name: str, out: Path) -> None:
    more = {"color_scheme": dress.scheme}
    with phone_of(browser, desk.base, width=dress.width, language=dress.language, **more) as phone:
        grow = f"addEventListener('DOMContentLoaded', () => document.documentElement.style.fontSize = '{dress.scale}%')"
        phone.context.add_init_script(grow)
        SCENES[name](desk, phone)
        phone.page.screenshot(
            path=out / dress.name / f"{name}.png", full_page=not phone.page.locator("dialog[open]").count()
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scene", nargs="+", choices=SCENES, default=list(SCENES))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, running_endpoint(Path(made)) as desk:
        with_chinese_fonts(Path(made))
        with sync_playwright() as playwright:
            browser = launch(playwright)
            for dress in DRESSES:
                for name in asked.scene:
                    draw(desk, browser, dress, name, asked.out)
            browser.close()
    print(f"{len(DRESSES) * len(asked.scene)} → {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
