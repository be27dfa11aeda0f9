"""What tests of the phone page stand on: the real endpoint as a child process, a desk that issues cards, a phone."""

import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, ViewportSize

from app.services.distribution.links import Gate, LinkSecrets, LinkTarget, claim_url, link_body
from sync.client import Identity, SyncClient, new_incarnation
from sync.codes import ALPHABET, check_symbols, digest
from sync.merkle import merkle_root
from sync.phone import Gate as WireGate
from sync.phone import LinkRequest
from sync.phone import Pickup as WirePickup
from sync.protocol import Op, SealRequest, b64, new_op_id, to_wire
from tests.drivers.quick import quick_python

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
SHOP = "嘉味食品"
SLUG = "jiawei"
PHONE = "0571-8888 6666"
UNTIL = datetime(2099, 12, 31, 15, 59, 59, tzinfo=UTC)
LISTENING = re.compile(r"listening on (http://\S+)")


@dataclass(frozen=True, slots=True)
class Issued:
    """One card with its link."""

    path: str
    """Of the claim link, with its fragment."""
    link_id: str
    secret: str
    pickup_code: str
    code: str
    batch_id: str


@dataclass(slots=True)
class Desk:
    """A paired desktop that issues cards one by one."""

    base: str
    merchant_id: UUID
    client: SyncClient

    def tell(self, type_: str, **body: Any) -> None:
        op = Op(new_op_id(), type_, to_wire(datetime.now(UTC)), body)
        result = self.client.push([op]).results[0]
        assert result.status == "applied", result

    def issue(
        self,
        *,
        gate: Gate | None = None,
        sealed: bool = True,
        valid_until: datetime = UNTIL,
        expires_at: datetime | None = UNTIL,
        **payload: Any,
    ) -> Issued:
        """A card of a batch of its own. `payload` overrides fields of a partial ¥200.00 card."""
        batch_id, drawn, code = uuid4(), LinkSecrets.draw(), new_code()
        card: dict[str, Any] = {
            "v": 1,
            "merchant_id": str(self.merchant_id),
            "kind": "fixed",
            "product": "中秋团圆礼金卡",
            "face_minor": 20_000,
            "uses": 1,
            "partial": True,
            "valid_until": to_wire(valid_until),
            "holder": "林晓雨",
            "note": "结账前出示",
            "code": code,
            "target_url": None,
        } | payload
        self._create(batch_id, card, valid_until)
        if sealed and card["kind"] != "supplier":
            d = digest(self.merchant_id, code)
            self.client.put_chunk(str(batch_id), 0, d)
            self.client.seal(str(batch_id), SealRequest(new_op_id(), 1, b64(merkle_root([d]))))
        target = LinkTarget(self.merchant_id, batch_id, 0, expires_at)
        self._put(drawn, link_body(drawn, target, payload=card, gate=gate))
        path = claim_url("", drawn.link_id, drawn.secret)
        return Issued(path, drawn.link_id, drawn.secret, drawn.pickup_code, code, str(batch_id))

    def _create(self, batch_id: UUID, card: dict[str, Any], valid_until: datetime) -> None:
        voucher = card["kind"] == "exchange"
        face = {"kind": "uses"} if voucher else {"kind": "money", "amount_minor": card["face_minor"], "currency": "CNY"}
        self.tell(
            "batch.create@1",
            batch_id=str(batch_id),
            name=card["product"],
            kind=card["kind"],
            face=face,
            max_uses=card["uses"] if voucher else None,
            partial=card["partial"],
            valid_from=None,
            valid_until=to_wire(valid_until),
            count=1,
        )

    def _put(self, drawn: LinkSecrets, body: dict[str, Any]) -> None:
        gate, pickup = body.pop("gate"), body.pop("pickup")
        request = LinkRequest(
            op_id=new_op_id(),
            gate=WireGate(**gate) if gate else None,
            pickup=WirePickup(**pickup) if pickup else None,
            **body,
        )
        self.client.put_link(drawn.link_id, request)

    def state(self, card: Issued) -> dict[str, Any]:
        """What the endpoint answers to whoever holds the link."""
        derived = HKDF(SHA256(), 32, None, b"kx/link/auth").derive(card.secret.encode())
        address = f"{self.base}/h5/v1/links/{card.link_id}/state"
        return dict(requests.post(address, json={"auth": b64(derived)}, timeout=60).json()["state"])

    def redeem(self, card: Issued, amount_minor: int | None) -> str:
        """At a counter; None takes all. Gives the id of the redemption."""
        op_id = str(uuid4())
        body = {
            "op_id": op_id,
            "merchant_id": str(self.merchant_id),
            "d": b64(digest(self.merchant_id, card.code)),
            "amount_minor": amount_minor,
        }
        requests.post(f"{self.base}/h5/v1/redeem", json=body, timeout=60).raise_for_status()
        return op_id


def new_code() -> str:
    payload = "".join(secrets.choice(ALPHABET) for _ in range(18))
    return payload + check_symbols(payload)


@contextmanager
def running_endpoint(folder: Path) -> Iterator[Desk]:
    """The endpoint in a process of its own, with one merchant and one desktop."""
    database = str(folder / "endpoint.db")
    run = [quick_python(), "-m", "sync.server"]
    add = [*run, "merchant", "add", "--database", database, "--name", SHOP, "--slug", SLUG, "--json"]
    subprocess.run([*run, "migrate", "--database", database], check=True, capture_output=True, timeout=60)
    made = json.loads(subprocess.run(add, check=True, capture_output=True, text=True, timeout=60).stdout)
    with (folder / "stderr.txt").open("w") as errors:
        serving = [*run, "serve", "--port", "0", "--database", database]
        child = subprocess.Popen(serving, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert child.stdout is not None
            told = LISTENING.search(child.stdout.readline())
            assert told, (folder / "stderr.txt").read_text()
            desk = _paired(told[1], made)
            desk.tell("merchant.update@1", name=SHOP, phone=PHONE, slug=SLUG)
            yield desk
            desk.client.close()
        finally:
            child.terminate()
            child.wait(timeout=60)
            if child.stdout is not None:
                child.stdout.close()


def _paired(base: str, made: dict[str, str]) -> Desk:
    key, incarnation = Ed25519PrivateKey.generate(), new_incarnation()
    stranger = SyncClient(base)
    answer = stranger.enroll(made["pairing_code"], device_name="desk", key=key, incarnation=incarnation)
    stranger.close()
    client = SyncClient(base, Identity(answer.device_id, incarnation, key))
    return Desk(base, UUID(made["merchant_id"]), client)


def launch(playwright: Playwright, *flags: str) -> Browser:
    shell = shutil.which("chromium-headless-shell")
    return playwright.chromium.launch(executable_path=shell, args=[*FLAGS, *QUIET, *flags])


@dataclass(slots=True)
class Phone:
    """One phone with one tab; remembers every request and whatever the console complained about."""

    context: BrowserContext
    page: Page
    base: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.page.wait_for_selector("#page h1")

    def act(self) -> None:
        """Taps the one button at the thumb."""
        self.page.tap(".bar button")

    def open_card(self, card: Issued) -> None:
        self.open(card.path)
        self.act()
        self.page.wait_for_selector(".code, dl")

    def ask_redeem(self) -> None:
        self.act()
        self.page.wait_for_selector("dialog .primary:enabled")

    def confirm(self) -> None:
        self.page.tap("dialog .primary")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def title(self) -> str:
        return self.text("#page h1")

    def paste(self, selector: str, text: str) -> None:
        run = """([selector, text]) => {
            const data = new DataTransfer();
            data.setData("text", text);
            const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
            document.querySelector(selector).dispatchEvent(event);
        }"""
        self.page.evaluate(run, [selector, text])

    def overflow(self) -> list[str]:
        """What is wider than the screen: classes of elements, `page` for the page itself."""
        wide = self.page.evaluate(
            """() => [...document.querySelectorAll("#page *, dialog *")]
                .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => `${one.tagName}.${one.className}`)
                .concat(document.documentElement.scrollWidth > innerWidth ? ["page"] : [])"""
        )
        return [str(one) for one in wide]


@contextmanager
def phone_of(browser: Browser, base: str, *, width: int = 390, language: str = "zh-CN", **more: Any) -> Iterator[Phone]:
    size: ViewportSize = {"width": width, "height": 568 if width < 375 else 760}
    context = browser.new_context(
        viewport=size, is_mobile=True, has_touch=True, device_scale_factor=2, locale=language, **more
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    phone = Phone(context, page, base)
    page.on("request", lambda request: phone.requests.append(request.url))
    page.on("pageerror", lambda error: phone.complaints.append(str(error)))
    page.on("console", lambda line: phone.complaints.append(line.text) if "Security Policy" in line.text else None)
    try:
        yield phone
    finally:
        context.close()


def lose_answer(route: Route) -> None:
    """The server gets the request and acts; the phone never hears of it."""
    route.fetch()
    route.abort()
