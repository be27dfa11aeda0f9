"""Files the scenes drop on the window: a roster with every kind of fault, codes of a supplier with wrong lines."""

from pathlib import Path

STAFF = 12
MANY = 1_500


def damaged_roster(folder: Path) -> Path:
    """Phones in five ways of writing, two lost, a line without a name, a phone used twice, identity numbers rounded."""
    lines = ["某某科技 中秋福利名单", "姓名,联系电话,公司邮箱,所属部门,工号,身份证号,备注"]
    lines += [",".join(_person(at)) for at in range(STAFF)]
    lines.append(lines[4])
    lines.append(f"欧阳娜娜,{_phone(5)},nana@corp.example,财务部,C0099,110101199003070000,同号")
    return _written(folder / "员工名单.csv", lines)


def long_roster(folder: Path) -> Path:
    """So many people that giving to them can be watched."""
    lines = ["姓名,手机,部门,工号"]
    lines += [
        f"员工{at:04d},138{at:08d},{'研发市场行政'[at % 3 * 2 : at % 3 * 2 + 2]}部,D{at:05d}" for at in range(MANY)
    ]
    return _written(folder / "全体员工.csv", lines)


def supplier_codes(folder: Path, *, faulty: bool) -> Path:
    lines = ["卡号,密码,有效期至", *(f"VIP2027{at:04d},{at * 7_919 + 100_000},2027-12-31" for at in range(60))]
    if faulty:
        lines += ["VIP20270061,,2027-12-31", "VIP20270062,887766,昨天", lines[3], "6.2E+18,445566,2027-12-31"]
    return _written(folder / ("供应商卡密（有误）.csv" if faulty else "供应商卡密.csv"), lines)


def _person(at: int) -> tuple[str, ...]:
    phone = _phone(at)
    written = {
        1: f"{phone[:3]} {phone[3:7]}-{phone[7:]}",
        2: f"+86{phone}",
        3: phone.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        6: "1.38E+10",
        7: "1380013",
        8: f"{phone}.0",
    }
    name = "" if at == 9 else "王李张刘陈杨赵黄周吴徐孙"[at] + "伟芳娜敏静丽强磊军洋勇艳"[at]
    mail = f"c{at}@gmial.com" if at == 10 else f"c{at}@corp.example"
    department = ("研发部", "市场部", "行政部")[at % 3]
    return (
        name,
        written.get(at, phone),
        mail,
        department,
        f"C{at:04d}",
        f"11010119900307{at * 1_000:04d}"[:15] + "000",
        "",
    )


def _phone(at: int) -> str:
    return f"138{at:04d}{at * 37 % 10_000:04d}"


def _written(path: Path, lines: list[str]) -> Path:
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    return path
