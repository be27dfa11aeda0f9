"""A home of its own for the program's processes: whatever they write, they write here; and marked data to write."""

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import xlwt

from tests.campaigns.clerk import Clerk
from tests.campaigns.needles import Needle
from tests.drivers.terminal import ROOT, Answer, Terminal

SURNAMES = "覃佟缪裴谌蔺郜逄庹阚"
GIVEN = "翊珩玥砚瑄祎晞煜璟淼澍翀骁珣昀婳"
PEOPLE = 12
SUPPLIED = 6
HEADINGS = ("姓名", "手机号", "工号", "邮箱", "部门")


@dataclass(frozen=True, slots=True)
class Marked:
    """A person whose data nobody else has."""

    name: str
    phone: str
    employee_no: str
    mail_box: str

    @property
    def email(self) -> str:
        return f"{self.mail_box}@firm.example"

    @property
    def row(self) -> tuple[str, ...]:
        return self.name, self.phone, self.employee_no, self.email, "研发部"

    def needles(self) -> Iterator[Needle]:
        yield Needle("name", self.name, self.name[0])
        yield Needle("phone", self.phone, self.phone[-2:])
        yield Needle("employee", self.employee_no, self.employee_no[-2:])
        yield Needle("email", self.mail_box, self.mail_box[-2:])


@dataclass
class Sandbox:
    """Folders below `root`. `allowed`: file → kinds of plain data a person asked to have in it."""

    root: Path
    seed: int
    allowed: dict[Path, frozenset[str]] = field(default_factory=dict)
    clerk: Clerk | None = None
    """Does the commands of a short day, in one process; else each is a process."""
    said: list[tuple[list[object], Answer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        for folder in (self.data, self.home, self.tmp, self.here, self.given, self.own):
            folder.mkdir(parents=True)
        secret = "".join(self.draw.choices(string.ascii_lowercase, k=8))
        self.passphrase = f"{secret} 雪落 {self.draw.randrange(10**6):06d} 蔷薇"
        self.zip_password = "zip-" + "".join(self.draw.choices(string.ascii_letters, k=14))
        self.smtp_password = "smtp-" + "".join(self.draw.choices(string.ascii_letters, k=14))
        self.note = f"{self.draw.choice(SURNAMES)}先生手术后安好{self.draw.randrange(10**6):06d}"
        self.people = [self._person(at) for at in range(PEOPLE)]
        self.supplied = [
            (f"VQ{self.draw.randrange(10**12):012d}", "".join(self.draw.choices(string.ascii_letters, k=12)))
            for _ in range(SUPPLIED)
        ]
        secrets = {"KX_ZIP": self.zip_password, "KX_SMTP": self.smtp_password}
        self.desk = Terminal(self.data, self.passphrase, more=self.world | secrets, folder=self.here)

    data = property(lambda self: self.root / "data")
    home = property(lambda self: self.root / "home")
    tmp = property(lambda self: self.root / "tmp")
    here = property(lambda self: self.root / "here")
    given = property(lambda self: self.root / "given")
    own = property(lambda self: self.root / "own")
    """What the person had before: rosters, lists of codes. It is theirs, and no concern of the hunt."""

    @property
    def world(self) -> dict[str, str]:
        """Where a program finds its places; none of them is a real one."""
        places = {"HOME": self.home, "TMPDIR": self.tmp, "TMP": self.tmp, "TEMP": self.tmp, "XDG_RUNTIME_DIR": self.tmp}
        for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
            places[f"XDG_{kind}_HOME"] = self.home / f".{kind.lower()}"
        return {name: str(place) for name, place in places.items()} | {
            "PYTHONPATH": str(ROOT),
            "SSL_CERT_FILE": str(self.own / "peer.crt"),
            "QT_QPA_PLATFORM": "offscreen",
        }

    def send_clerk_home(self) -> None:
        if self.clerk is not None:
            self.clerk.go()
        self.clerk = None

    def allow(self, path: Path | str, *kinds: str) -> Path:
        """A file that is asked for and may hold these kinds."""
        self.allowed[Path(path)] = frozenset(kinds)
        return Path(path)

    def do(self, *arguments: object) -> dict[str, Any]:
        answer = (self.clerk or self.desk).run(*arguments)
        self.said.append(([*arguments], answer))
        assert answer.code == 0, f"{arguments}: {answer.said}"
        return answer.document

    def refused(self, *arguments: object) -> None:
        answer = (self.clerk or self.desk).run(*arguments)
        self.said.append(([*arguments], answer))
        assert answer.code != 0, arguments

    def needles(self) -> Iterator[Needle]:
        """Everything that is known before the program has made anything."""
        for person in self.people:
            yield from person.needles()
        for name, password in self.supplied:
            yield Needle("supplier", name, name[-2:])
            yield Needle("supplier", password, password[-2:])
        yield Needle("passphrase", self.passphrase)
        yield Needle("smtp password", self.smtp_password)
        yield Needle("zip password", self.zip_password)
        yield Needle("note", self.note)

    def write_own_files(self) -> None:
        """Rosters as XLSX and as old XLS, which is read by a process of its own, and a supplier's list."""
        book = openpyxl.Workbook()
        old = xlwt.Workbook()
        page = old.add_sheet("名单")
        lost = (self.people[-1].name, "1.39E+10", *self.people[-1].row[2:])  # a phone that nobody can tell any more
        for at, row in enumerate((HEADINGS, *(person.row for person in self.people[:-1]), lost)):
            if at <= PEOPLE // 2:
                book.active.append(row)
            for column, cell in enumerate(row):
                page.write(at, column, cell)
        book.save(self.own / "roster.xlsx")
        old.save(str(self.own / "roster.xls"))
        lines = "".join(f"{name}\t{password}\n" for name, password in self.supplied)
        (self.own / "codes.txt").write_text("卡号\t密码\n" + lines, "utf-8")
        (self.own / "broken.xlsx").write_bytes((self.own / "roster.xlsx").read_bytes()[:900])

    def _person(self, at: int) -> Marked:
        draw = self.draw
        name = draw.choice(SURNAMES) + "".join(draw.sample(GIVEN, 2))
        phone = f"139{at:02d}{draw.randrange(10**6):06d}"
        box = "".join(draw.choices(string.ascii_lowercase, k=12))
        return Marked(name, phone, f"HX{draw.randrange(10**8):08d}", box)
