"""Rosters as HR departments send them: GBK, a title above the headings, damaged phones, people named twice."""

from dataclasses import dataclass
from pathlib import Path

PEOPLE = 500
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
ROUNDED_AT = (20, 120, 220)
"""People whose phone a spreadsheet has rounded to 1.38E+10: nobody can tell it any more."""


@dataclass(frozen=True)
class Person:
    name: str
    phone: str
    email: str
    department: str

    @property
    def line(self) -> str:
        return f"{self.name},{self.phone},{self.email},{self.department},,,"


def people(count: int) -> list[Person]:
    """That many different people, all data as it should be."""
    return [
        Person(
            SURNAMES[at % 20] + GIVEN[at // 20 % 20] + GIVEN[(at * 7 + at // 400) % 20],
            f"138{at:04d}{at * 37 % 10_000:04d}",
            f"p{at}@corp.example",
            f"{'研发市场行政'[at % 3 * 2 : at % 3 * 2 + 2]}部",
        )
        for at in range(count)
    ]


def damaged(at: int, person: Person) -> Person:
    """The same person as the spreadsheet has them; `at` chooses the damage."""
    phone = person.phone
    phones = {
        0: f"{phone[:3]} {phone[3:7]} {phone[7:]}",
        1: f"+86{phone}",
        2: phone.translate(WIDE),
        3: f"{phone}.0",
        4: f"{phone[0]}.{phone[1:]}E+10",
        5: f"86-{phone[:3]}-{phone[3:7]}-{phone[7:]}",
    }
    name = f"{person.name[0]}　{person.name[1:]}" if at % 50 == 7 else person.name
    wanted = "1.38E+10" if at in ROUNDED_AT else phones.get(at % 10, phone)
    return Person(name, wanted, person.email, person.department)


def write_hard_roster(path: Path) -> list[Person]:
    """500 lines in GB18030; of them 3 phones are lost, 1 line repeats a person and 1 takes another's phone.

    Gives back the 495 people that can be had from it, in the order of the list.
    """
    good = people(PEOPLE - 2)
    lines = [damaged(at, person) for at, person in enumerate(good)]
    lines += [lines[101], Person("欧阳娜娜", good[102].phone, "other@corp.example", "财务部")]
    text = "某某科技 2026 中秋福利名单,,,,,,\n姓名,手机号,邮箱,部门,,,\n" + "".join(f"{one.line}\n" for one in lines)
    path.write_bytes(text.replace("\n", "\r\n").encode("gb18030"))
    return [person for at, person in enumerate(good) if at not in ROUNDED_AT]
