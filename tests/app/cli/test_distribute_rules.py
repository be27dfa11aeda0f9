"""`distribute` by rules, as a script does it: who gets what, what is refused, and sums that add up."""

import shutil
from pathlib import Path

import pytest

from tests.drivers.terminal import Terminal

pytestmark = pytest.mark.timeout(300)

ROSTER = "姓名,手机号,部门\n" + "".join(
    f"员工{at},1380013{at:04d},{department}\n"
    for at, department in enumerate(("研发部", "研发部", "市场部", "销售部", "销售部", "行政部"))
)


@pytest.fixture(scope="module")
def stocked(new_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fixed card of ¥200 (1) with three in stock, one of variable value (2) with two of ¥500 and one of ¥100."""
    terminal = Terminal(Path(shutil.copytree(new_folder, tmp_path_factory.mktemp("stocked") / "desk")))
    terminal.do("product", "add", "--name", "福利卡", "--kind", "fixed", "--face", "200.00")
    terminal.do(
        "product", "add", "--name", "礼金", "--kind", "variable", "--min", "100", "--max", "500", "--step", "100"
    )
    terminal.do("batch", "generate", "--product", 1, "--quantity", 3)
    terminal.do("batch", "generate", "--product", 2, "--quantity", 1, "--amount", "100")
    terminal.do("batch", "generate", "--product", 2, "--quantity", 2, "--amount", "500")
    return terminal.data


@pytest.fixture
def desk(stocked: Path, tmp_path: Path) -> Terminal:
    return Terminal(Path(shutil.copytree(stocked, tmp_path / "desk")))


def test_rules_decide_who_gets_what_and_refusals_take_nothing(desk: Terminal, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER, "utf-8-sig")
    order = ("distribute", "--people", roster, "--channel", "file", "--out", tmp_path / "out")
    rules = ("--rule", "研发部，市场部=1", "--rule", "销售部=2:500.00")
    assert desk.refused(*order, "--rule", "研发=1")["data"] == {"what": "department", "which": "研发"}
    for wrong in ("研发部", "研发部=福利卡", "研发部=2:五百"):
        assert desk.refused(*order, "--rule", wrong)["code"] == "invalid-input"
    assert desk.refused(*order)["data"] == {"field": "product", "reason": "required"}
    assert desk.refused(*order, "--rule", "销售部=2:550.00")["data"] == {"field": "amount", "reason": "out-of-range"}
    short = desk.refused(*order, *rules, "--product", 1)
    assert (short["code"], short["data"]) == ("not-enough-cards", {"have": 3, "need": 4, "product": "福利卡"})
    dear = desk.refused(*order, *rules, "--budget", "1599.99")
    assert (dear["code"], dear["data"]) == ("over-budget", {"total_minor": 160_000, "budget_minor": 159_999})
    assert desk.do("distribution", "list") == {"distributions": []}
    done = desk.do(*order, *rules, "--rule", "行政部=none", "--budget", "1600")
    assert {name: done[name] for name in ("people", "total_minor", "sent", "failed", "skipped", "recalled")} == {
        "people": 6,
        "total_minor": 160_000,
        "sent": 5,
        "failed": 0,
        "skipped": 1,
        "recalled": 0,
    }
    assert [(one["product_id"], one["people"], one["total_minor"]) for one in done["products"]] == [
        (1, 3, 60_000),
        (2, 2, 100_000),
    ]
    again = desk.do(*order, *rules)
    assert (again["sent"], again["skipped"], again["files"]) == (0, 6, [])
    by_product = {row["product_id"]: row["issued_minor"] for row in desk.do("dashboard")["by_product"]}
    assert by_product == {1: 60_000, 2: 100_000}
    assert desk.do("verify", "--deep").items() >= {"ok": True, "findings": []}.items()


def test_a_roster_tells_who_is_not_in_the_run_and_why(desk: Terminal, tmp_path: Path) -> None:
    roster = tmp_path / "mixed.csv"
    roster.write_text("姓名,手机\n张三,13800138000\n李四,1380013\n#N/A,13800138002\n张三,13800138000\n", "utf-8")
    order = ("distribute", "--people", roster, "--product", 1, "--channel", "file", "--out", tmp_path / "out")
    told = desk.do(*order)["roster"]
    assert {name: told[name] for name in ("read", "good", "faulty", "merged")} == {
        "read": 4,
        "good": 1,
        "faulty": 2,
        "merged": 1,
    }
    assert [(problem["line"], problem["kind"]) for problem in told["problems"]] == [
        (3, "phone-wrong"),
        (4, "formula-error"),
    ]
    said = desk.run(*order, as_json=False).out.splitlines()
    assert said[:3] == [
        "第 3 行  手机：不是手机号",
        "第 4 行  姓名：公式出错，这一格没有内容",
        "1 行可用，2 行要改，1 行已合并",
    ]
    roster.write_text("姓名,手机\n李四,1380013\n", "utf-8")
    assert desk.refused(*order)["data"] == {"field": "people", "reason": "no-good-row"}


def test_whoever_waits_in_a_run_that_was_cut_off_is_not_just_left_out(desk: Terminal, tmp_path: Path) -> None:
    roster, out = tmp_path / "two.csv", tmp_path / "out"
    roster.write_text("姓名,手机\n张三,13800138000\n李四,13800138001\n", "utf-8")
    order = ("distribute", "--people", roster, "--product", 1, "--channel", "file", "--out", out)
    (out / "two 1.xlsx").mkdir(parents=True)
    assert desk.refused(*order)["code"] == "not-writable"
    assert desk.run(*order, as_json=False).out.splitlines()[-1] == "two 还没有发完。继续：distribution resume 1"
    (out / "two 1.xlsx").rmdir()
    assert desk.do("distribution", "resume", 1)["sent"] == 2
    assert "resume" not in desk.run(*order, as_json=False).out
