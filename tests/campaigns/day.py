"""The main job on marked data: from an empty folder to redeemed cards, with kills and refusals, process by process."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import requests
from sqlalchemy import select

from app.bootstrap import build_services
from app.config import Config
from app.models.distribution import Delivery
from app.models.people import Person
from app.services.cards import CardFilter
from app.services.distribution.links import auth_token, gate_digest
from app.services.vault.vaults import NewVault, Vaults
from sync.codes import canonical, digest
from tests.app.services.mail_peer import mail_peer
from tests.campaigns.clerk import Clerk
from tests.campaigns.kill import CHEAP_KIB
from tests.campaigns.needles import Needle
from tests.campaigns.sandbox import Sandbox
from tests.drivers.holder import Holder, unb64url

FIXED, SUPPLIER = 1, 2
KNOWN = 24
"""Cards of each batch whose codes are looked for: the first ones stand in every file that was begun."""
LONGEST_S = 120
POLL_S = 0.001
WRONG = "7K3Q-XYZ2-ABCD-EFGH-JKMN"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. A short day leaves out what a longer one only does again in another form."""

    cards: int
    killed: int
    whole: bool


LONG = Size(cards=60, killed=40_000, whole=True)
SHORT = Size(cards=30, killed=12_000, whole=False)


class Day:
    """`snapshots`: copies of everything as it lay there when something was killed."""

    def __init__(self, box: Sandbox, size: Size, plant: str = "") -> None:
        self.box, self.size, self.plant = box, size, plant
        self.snapshots: list[Path] = []
        self.mails: list[str] = []
        self.recovery_key = ""
        self.zip_password = ""

    def run(self) -> None:
        self.open_shop()
        self.make_stock()
        self.bring_people()
        self.give_on_paper()
        self.give_by_mail()
        self.use_cards()
        self.release()
        self.refuse()
        self.sit_at_the_window()
        self.kill()
        self.start_again()

    # --- the acts ---

    def open_shop(self) -> None:
        """A short day has a vault that opens at once, and one process for most commands."""
        if self.size.whole:
            made = self.box.do("init", "--merchant", "云杉科技", "--purpose", "welfare")
            self.recovery_key = made["recovery_key"]
            return
        new = NewVault("云杉科技", self.box.passphrase)
        vault, self.recovery_key = Vaults(Config(self.box.data), memory_kib=CHEAP_KIB).create(new)
        vault.close()
        self.box.clerk = Clerk(self.box.desk, self.plant)

    def make_stock(self) -> None:
        do, size = self.box.do, self.size
        do("product", "add", "--name", "福利卡", "--kind", "fixed", "--face", "200.00")
        do("product", "add", "--name", "视频会员", "--kind", "supplier")
        do("batch", "generate", "--product", FIXED, "--quantity", size.cards)
        do("codes", "import", self.box.own / "codes.txt", "--product", SUPPLIER)

    def bring_people(self) -> None:
        """From a workbook, then from an old one, which a process of its own reads."""
        problems = self.box.allow(self.box.given / "problems.csv", "name", "phone", "employee", "email")
        self.box.do("people", "import", self.box.own / "roster.xls", "--problems", problems)
        if self.size.whole:
            self.box.do("people", "import", self.box.own / "roster.xlsx")
            self.box.do("people", "list", "--text", self.box.people[0].phone[-4:])

    def give_on_paper(self) -> None:
        order = ("distribute", "--product", FIXED, "--allow-again", "--out", self.box.given, "--note", self.box.note)
        given = self.box.do(*order, "--people", self.box.own / "roster.xls", "--channel", "print")
        cards, control = sorted(given["files"], key=len)
        self.box.allow(cards, "name", "code", "note")
        self.box.allow(control, "name", "note")
        self.box.do("receipts", given["id"], "--out", self.box.allow(self.box.given / "receipt.xlsx", "name", "note"))
        if not self.size.whole:
            return
        given = self.box.do(*order, "--people", self.box.own / "roster.xlsx", "--channel", "file")
        self.box.allow(given["files"][0], "name", "code", "note")
        self.box.do(*order, "--people", "all", "--channel", "file", "--zip-password-env", "KX_ZIP", "--name", "zip")
        self.box.do("receipts", given["id"], "--out", self.box.allow(self.box.given / "receipt.pdf", "name", "note"))

    def give_by_mail(self) -> None:
        """The endpoint starts with the passwords of this shell around it, as it does for a person."""
        self.box.do("endpoint", "embedded", "start")
        with mail_peer(self.box.own, password=self.box.smtp_password) as (peer, setting, _):
            self._set_mail_server(setting)
            order = ("distribute", "--product", FIXED, "--allow-again", "--note", self.box.note, "--channel", "email")
            self.box.do(*order, "--people", self.box.own / "roster.xlsx")
        bodies = (mail.get_body(("plain",)) for mail in peer.arrived)
        self.mails = [body.get_content() for body in bodies if body is not None]
        assert len(self.mails) == len(set(peer.receivers)) > 1

    def use_cards(self) -> None:
        """At the phone and at the counter, well and badly, and with nonsense."""
        self._at_the_phone()
        code = self._code(self.size.cards)
        self.box.do("card", "show", code)
        used = self.box.do("redeem", code, "--amount", "50")
        if self.size.whole:
            self.box.do("reverse", used["redemption_id"], "--reason", "刷错了")
        self.box.do("sync")
        self._talk_nonsense(code)

    def release(self) -> None:
        box, out = self.box, self.box.given
        export = ("batch", "export", 1, "--format")
        box.do(*export, "csv", "--out", out / "masked.csv")
        plain = ("--plain", "--reason", "印刷")
        box.do(*export, "csv", "--out", box.allow(out / "plain.csv", "code"), *plain)
        if not self.size.whole:
            return
        for format_ in ("xlsx", "pdf", "txt"):
            path = box.allow(out / f"plain.{format_}", "code")
            box.do(*export, format_, "--out", path, *plain)
        box.do(*export, "xlsx", "--out", out / "masked.xlsx")
        self.zip_password = box.do(*export, "zip", "--out", out / "plain.zip", *plain)["zip_password"]
        box.do("batch", "export", 2, "--format", "csv", "--out", box.allow(out / "bought.csv", "supplier"), *plain)

    def refuse(self) -> None:
        """Errors with plain data in their arguments."""
        code, person = self._code(self.size.cards - 1), self.box.people[0]
        self.box.refused("redeem", code[:-1] + ("0" if code[-1] != "0" else "1"), "--amount", person.name)
        if not self.size.whole:
            return
        self.box.refused("card", "show", WRONG)
        self.box.refused("card", "show", person.phone)
        self.box.refused("people", "import", self.box.own / "broken.xlsx")
        self.box.refused("people", "import", self.box.own / f"{person.name}.xlsx")
        self.box.refused("batch", "show", code)
        self.box.refused("endpoint", "pair", f"http://127.0.0.1:9/{code}", code)
        right, self.box.desk.passphrase = self.box.desk.passphrase, "not this one"
        self.box.refused("batch", "list")
        self.box.desk.passphrase = right

    def sit_at_the_window(self) -> None:
        if self.size.whole:
            self.box.do("backup", "verify", self.box.do("backup", "create")["file"])
        person = self.box.people[1]
        lines = (str(self.box.data), self._code(self.size.cards - 2), person.name, person.phone)
        done = subprocess.run(
            [sys.executable, "-m", "tests.campaigns.sitting"],
            cwd=self.box.here,
            env=self.box.desk.environment(),
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            encoding="utf-8",
            timeout=LONGEST_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (self.box.home / "xsession-errors").write_text(done.stderr, "utf-8")  # where a desktop puts it

    def kill(self) -> None:
        """Work is cut while a file of it is half there, and the endpoint after it has written."""
        box, count = self.box, self.size.killed
        number = box.do("batch", "generate", "--product", FIXED, "--quantity", count)["id"]
        box.do("endpoint", "embedded", "start")
        box.do("sync")
        out = box.allow(box.given / "cut.xlsx", "code")
        plain = ("--plain", "--reason", "印刷")
        self._cut(
            lambda: any(box.given.glob(".making-*/*")),
            "batch",
            "export",
            number,
            "--format",
            "xlsx",
            *plain,
            "--out",
            out,
        )
        if self.size.whole:
            self._cut(lambda: any(box.data.glob("backups/.making-*/vault.db")), "backup", "create")
            self._cut(
                lambda: _grown(box.data / "vault.db-wal", 1 << 20),
                "batch",
                "generate",
                "--product",
                FIXED,
                "--quantity",
                200_000,
            )
        box.send_clerk_home()
        running = json.loads((box.data / "endpoint" / "endpoint.db.run.json").read_text("utf-8"))
        os.kill(int(running["pid"]), signal.SIGKILL)
        self._photograph()

    def start_again(self) -> None:
        """After the kills: whatever they left must go by itself."""
        self.box.do("endpoint", "embedded", "start")
        self.box.do("sync")
        self.box.do("endpoint", "embedded", "stop")

    # --- how ---

    def _code(self, card: int) -> str:
        """In the order of the first batch; a fresh vault numbers its cards from 1."""
        serial = self.box.do("batch", "show", 1)["serial"]
        return str(self.box.do("card", "reveal", f"{serial}-{card:06d}", "--reason", "抽查")["code"])

    def _set_mail_server(self, setting: dict[str, Any]) -> None:
        known = {name: value for name, value in setting.items() if name != "password"}
        self.box.do("setting", "put", "mail.server", json.dumps(known), "--password-env", "KX_SMTP")

    def _at_the_phone(self) -> None:
        links = [match[0] for mail in self.mails if (match := re.search(r"http://\S+/c/\S+#\S+", mail))]
        holder = Holder(links[0], self.box.people[0].phone[-4:])
        assert holder.ask("open", gate="A" * 43).status_code != 200
        card = holder.open()
        holder.claim()
        assert holder.redeem(card, None).status_code == 200
        assert holder.redeem(card, None).status_code != 200
        picked = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{2,4}){3}", self.mails[1])
        if picked is not None:
            holder.post("pickup/open", {"slug": "x", "lookup": picked[0], "gate": None})

    def _talk_nonsense(self, code: str) -> None:
        """Whatever a broken page, a scanner or somebody with bad intentions sends, plain data in every part of it."""
        url, person = self.box.do("endpoint", "status")["url"], self.box.people[2]
        plain = f"{code} {person.name} {person.phone}"
        short = canonical(code)
        for path in (f"/c/{code}", f"/c/{short}?q={person.phone}", f"/h5/v1/redeem/{code}", f"/{plain}", f"/p/{short}"):
            requests.get(url + path, headers={"Referer": f"{url}/?{short}", "User-Agent": short}, timeout=LONGEST_S)
        bodies: list[Any] = [plain, {"code": code}, {"op_id": code, "merchant_id": code, "d": code}, [code] * 3, None]
        for path in ("redeem", "pickup/open", f"links/{short}/open", f"links/{short}/state", code):
            for body in bodies:
                requests.post(f"{url}/h5/v1/{path}", json=body, timeout=LONGEST_S)
            requests.post(f"{url}/h5/v1/{path}", data=f'{{"code": "{plain}'.encode(), timeout=LONGEST_S)
        requests.post(f"{url}/v1/ops", json=bodies[1], headers={"Signature": code, "Authorization": code}, timeout=60)
        parts = urlsplit(url)
        for raw in (
            f"{code}\r\n\r\n",
            f"GET /{code} HTTP/9\r\n{code}\r\n\r\n",
            f"POST /h5/v1/redeem HTTP/1.1\r\nContent-Length: 999\r\n\r\n{plain}",
        ):
            with socket.create_connection((parts.hostname or "", parts.port or 0)) as line:
                line.sendall(raw.encode())
                line.shutdown(socket.SHUT_WR)
                with suppress(OSError):
                    line.recv(4096)

    def _cut(self, begun: Callable[[], object], *arguments: object) -> None:
        """kill −9 as soon as something half done lies there; a copy of everything is taken then."""
        desk = self.box.desk
        quiet = subprocess.DEVNULL
        command = desk.command(*arguments)
        process = subprocess.Popen(command, cwd=self.box.here, env=desk.environment(), stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + LONGEST_S
        while not begun():
            assert process.poll() is None, f"{arguments} ended before it was killed"
            assert time.monotonic() < deadline, f"{arguments} never began"
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._photograph()

    def _photograph(self) -> None:
        place = self.box.root.with_name(f"{self.box.root.name}-killed-{len(self.snapshots) + 1}")
        shutil.copytree(self.box.root, place, ignore=shutil.ignore_patterns("own"))
        self.snapshots.append(place)

    def needles(self) -> Iterator[Needle]:
        """What the program has made, straight from the vault; nobody else may have it open."""
        yield from self.box.needles()
        yield Needle("recovery", self.recovery_key)
        if self.zip_password:
            yield Needle("zip", self.zip_password)
        config = Config(self.box.data)
        vault = Vaults(config).open(self.box.passphrase)
        try:
            for name in ("file", "wrapping", "blind"):
                yield Needle("vault key", getattr(vault.keys, name), name)
            services = build_services(config, vault)
            merchant = UUID(services.settings.merchant().id)
            for batch in services.batches.batches():
                for card in services.cards.ids(CardFilter(batch_id=batch.id), sort="serial")[:KNOWN]:
                    yield from _of_card(services.cards.reveal(card, reason="hunt").reveal(), merchant, f"card {card}")
            with vault.database.read() as session:
                wanted = select(Delivery, Person).join(Person, Person.id == Delivery.person_id)
                for delivery, person in session.execute(wanted.where(Delivery.link_id.is_not(None))):
                    yield from _of_link(delivery, person)
        finally:
            vault.close()


def _of_card(code: str, merchant: UUID, label: str) -> Iterator[Needle]:
    """Whoever has the digest can redeem with it."""
    if " " in code:  # a supplier's, in several fields
        return
    yield Needle("code", code, label)
    yield Needle("code digest", digest(merchant, canonical(code)), label)


def _of_link(delivery: Delivery, person: Person) -> Iterator[Needle]:
    """The digest of a gate is as good as the four digits in it."""
    label = f"delivery {delivery.id}"
    yield Needle("link", delivery.link_secret or "", label)
    yield Needle("link token", unb64url(auth_token(delivery.link_secret or "")), label)
    yield Needle("pickup", delivery.pickup_code or "", label)
    yield Needle("gate", unb64url(gate_digest(delivery.link_id or "", (person.phone or "")[-4:])), label)


def _grown(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size > size
