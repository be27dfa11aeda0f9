"""Who gets what by department, in one distribution of several products, each card told by its own product."""

from collections import Counter
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from openpyxl import load_workbook

from app.errors import NotEnoughCards
from app.services import Services
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionService, Gift, Rule
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import (
    OFFICE,
    RESEARCH,
    SALES,
    Door,
    Spec,
    added,
    counts,
    deliveries,
    figures,
    held,
    stock,
)
from tests.app.services.mail_peer import MailPeer
from tests.drivers.days import last_days


@pytest.fixture
def video(services: Services) -> int:
    """A supplier's codes of two fields."""
    product = services.catalog.add(ProductSpec("视频会员", "supplier"))
    lines = "\n".join(f"880000000000{n:04d}\tPW{n:04d}云" for n in range(10))
    services.supplier_imports.import_text(f"卡号\t密码\n{lines}", product)
    return product


def test_each_department_gets_what_its_rule_says_and_everything_adds_up(
    distributions: DistributionService,
    services: Services,
    vault: OpenVault,
    by_rules: Spec,
    staff: dict[str, list[int]],
    product: int,
    gift_card: int,
) -> None:
    with pytest.raises(NotEnoughCards):
        distributions.prepare(by_rules(rules=(Rule((SALES, RESEARCH), Gift(gift_card, 30_000)),)))
    assert (stock(vault, product), stock(vault, gift_card)) == (20, 10)
    plan = distributions.preview(by_rules())
    assert [(one.listed, one.people, one.total_minor) for one in plan.groups] == [
        (3, 3, 60_000),
        (4, 4, 120_000),
        (2, 0, 0),
    ]
    assert [(one.label, one.people, one.total_minor, one.stock) for one in plan.shares] == [
        ("中秋福利卡", 3, 60_000, 20),
        ("生日礼金 ¥300.00", 4, 120_000, 4),
    ]
    assert (plan.people, plan.total_minor, plan.nothing) == (7, 180_000, tuple(staff[OFFICE]))
    run = distributions.prepare(by_rules())
    assert held(vault, run) == [(product, 20_000)] * 3 + [(gift_card, 30_000)] * 4
    done = distributions.deliver(run)
    lines = list(load_workbook(done.files[0]).active.iter_rows(min_row=2, values_only=True))
    assert Counter((line[4], line[5]) for line in lines) == {("中秋福利卡", 200): 3, ("生日礼金", 300): 4}
    cards = [one.card_id for one in deliveries(vault, run) if one.card_id is not None]
    assert [services.cards.find_by_code(str(line[7])) for line in lines] == cards
    row = distributions.distribution(run)
    assert [(one.product, one.people, one.total_minor) for one in row.products] == [
        ("中秋福利卡", 3, 60_000),
        ("生日礼金", 4, 120_000),
    ]
    assert (row.product, row.total_minor, counts(row)) == ("中秋福利卡、生日礼金", 180_000, {"sent": 7, "skipped": 2})
    assert figures(vault) == {"issued": (7, 180_000), "sent": (7, 0), "delivered": (7, 0)}
    assert services.integrity.verify(deep=True).ok


def test_the_first_rule_that_fits_decides_and_the_last_is_for_everybody_else(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, product: int, gift_card: int
) -> None:
    rules = (
        Rule((RESEARCH, OFFICE), Gift(gift_card, 20_000)),
        Rule((OFFICE, RESEARCH), Gift(product)),
        Rule((SALES,), None),
    )
    run = distributions.prepare(by_rules(rules=rules))
    assert held(vault, run) == [(gift_card, 20_000)] * 5
    rest = distributions.prepare(by_rules(rules=(Rule((RESEARCH,), None),), product_id=product))
    assert held(vault, rest) == [(product, 20_000)] * 6


def test_people_without_a_department_can_be_named(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, product: int
) -> None:
    nowhere = tuple(added(vault, ["无门"], department=""))
    plan = distributions.preview(by_rules(rules=(Rule(("",), Gift(product)),), person_ids=nowhere))
    assert (plan.people, plan.nothing) == (1, ())
    assert distributions.departments(nowhere) == {"": 1}


def test_a_receipt_of_several_products_adds_up_for_each_of_them(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, tmp_path: Path
) -> None:
    run = distributions.prepare(by_rules())
    distributions.deliver(run)
    distributions.recall([distributions.delivery_ids(run)[0]])
    receipt = distributions.receipt(run)
    whole = next(iter(receipt.totals.values()))
    sums = {total.words: (total.cards, total.minor) for total in receipt.by_product}
    assert sums == {
        "中秋福利卡": (3, 60_000),
        "中秋福利卡：已发送": (2, 40_000),
        "中秋福利卡：已收回": (1, 20_000),
        "生日礼金": (4, 120_000),
        "生日礼金：已发送": (4, 120_000),
    }
    assert whole == (9, 180_000)
    distributions.write_receipt(run, tmp_path / "r.xlsx")
    lines, totals = load_workbook(tmp_path / "r.xlsx").worksheets
    cells = list(lines.iter_rows(values_only=True))
    assert cells[0][3] == "商品"
    by_product: Counter[Any] = Counter()
    for line in cells[1:]:
        by_product[line[3]] += round((line[6] or 0) * 100)
    assert by_product == {"中秋福利卡": 60_000, "生日礼金": 120_000, None: 0}
    assert ("生日礼金", 4, 1200) in [row[:3] for row in totals.iter_rows(values_only=True)]
    distributions.write_receipt(run, tmp_path / "r.pdf")
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(tmp_path / "r.pdf")]
    assert "生日礼金：已发送 4 张 ¥1,200.00" in pages[-1]


def test_a_file_of_our_cards_and_a_suppliers_has_every_code(
    distributions: DistributionService, services: Services, vault: OpenVault, by_rules: Spec, product: int, video: int
) -> None:
    rules = (Rule((RESEARCH,), Gift(video)), Rule((SALES,), Gift(product)))
    run = distributions.prepare(by_rules(rules=rules))
    done = distributions.deliver(run)
    head, *lines = load_workbook(done.files[0]).active.iter_rows(values_only=True)
    names = [str(cell) for cell in head]
    assert names[7:10] == ["卡密", "供应商卡号", "供应商密码"]
    cards = [one.card_id for one in deliveries(vault, run) if one.card_id is not None]
    for card, line in zip(cards, lines, strict=True):
        code = line[7] or " ".join(map(str, line[8:10]))
        assert services.cards.find_by_code(code) == card
    printed = distributions.prepare(by_rules(rules=rules, channel="print", allow_again=True))
    _, control = distributions.deliver(printed).files
    words = pypdfium2.PdfDocument(control)[0].get_textpage().get_text_range()
    assert ("视频会员" in words, "中秋福利卡" in words) == (True, True)


def test_a_mail_names_the_product_and_the_link_leads_to_it(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, peer: MailPeer, door: Door
) -> None:
    run = distributions.prepare(by_rules(channel="email"))
    distributions.deliver(run)
    said = [mail.get_body(("plain",)).get_content() for mail in peer.arrived]  # type: ignore[union-attr]
    assert ["生日礼金 ¥300.00" in text for text in said] == [False] * 3 + [True] * 4
    assert ["中秋福利卡 ¥200.00" in text for text in said] == [True] * 3 + [False] * 4
    subjects = Counter(str(mail["Subject"]).rpartition("：")[2] for mail in peer.arrived)
    assert sum(count for words, count in subjects.items() if "生日礼金" in words) == 4
    assert figures(vault) == {"issued": (7, 180_000), "sent": (7, 0)}


def test_figures_and_lists_of_the_dashboard_go_by_the_product_of_the_card(
    distributions: DistributionService, services: Services, by_rules: Spec, product: int, gift_card: int
) -> None:
    distributions.deliver(distributions.prepare(by_rules()))
    period = last_days(1)
    for wanted, cards, minor in ((product, 3, 60_000), (gift_card, 4, 120_000)):
        shown = services.dashboard.summary(period, product_id=wanted)
        assert (shown.issued.count, shown.issued.minor) == (cards, minor)
        assert {step.step: step.count for step in shown.funnel}["sent"] == cards
        link = services.dashboard.drill("sent", period, product_id=wanted)
        assert len(services.ledger.delivery_ids(link.filter)) == cards  # type: ignore[arg-type]
