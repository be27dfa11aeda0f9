"""Who gets what: by product and face, by department, one card of a product for each person, to the fen."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pypdfium2
import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from app.errors import InvalidInput, NotEnoughCards, OverBudget
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.people import Person
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.dashboard import Period
from app.services.distribution import DistributionService, DistributionSpec, Gift, Rule
from app.services.stock import faces_of, stock_of
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.words import zone
from tests.app.services.distribution.parts import Door, Spec, added, counts, deliveries, figures, stock
from tests.app.services.mail_peer import MailPeer

RESEARCH, SALES, OFFICE = "研发部", "销售部", "行政部"


@pytest.fixture
def gift_card(services: Services) -> int:
    """Of ¥100 to ¥500, with an older batch of ¥300 and a newer one of ¥200."""
    spec = ProductSpec("生日礼金", "variable", min_minor=10_000, max_minor=50_000, step_minor=10_000)
    product = services.catalog.add(spec)
    services.batches.generate(BatchSpec(product, 4, face_minor=30_000))
    services.batches.generate(BatchSpec(product, 6, face_minor=20_000))
    return product


@pytest.fixture
def video(services: Services) -> int:
    """A supplier's codes of two fields."""
    product = services.catalog.add(ProductSpec("视频会员", "supplier"))
    lines = "\n".join(f"880000000000{n:04d}\tPW{n:04d}云" for n in range(10))
    services.supplier_imports.import_text(f"卡号\t密码\n{lines}", product)
    return product


@pytest.fixture
def staff(vault: OpenVault) -> dict[str, list[int]]:
    """Department → its people: three, four and two."""
    return {
        RESEARCH: added(vault, [f"研{n}" for n in range(3)], department=RESEARCH),
        SALES: added(vault, [f"销{n}" for n in range(4)], department=SALES),
        OFFICE: added(vault, [f"行{n}" for n in range(2)], department=OFFICE),
    }


@pytest.fixture
def by_rules(spec: Spec, product: int, gift_card: int, staff: dict[str, list[int]]) -> Callable[..., DistributionSpec]:
    """Research gets the card of ¥200, sales one of ¥300, everybody else nothing."""
    rules = (Rule((RESEARCH,), Gift(product)), Rule((SALES,), Gift(gift_card, 30_000)))
    everybody = tuple(person for people in staff.values() for person in people)
    return lambda **changes: spec(**{"product_id": None, "rules": rules, "person_ids": everybody} | changes)


def held(vault: OpenVault, run: int) -> list[tuple[int | None, int | None]]:
    """(product, face) of each card of a distribution, by what its batch says."""
    with vault.database.read() as session:
        wanted = select(Batch.product_id, Batch.face_minor).join(Card, Card.batch_id == Batch.id)
        cards = [delivery.card_id for delivery in deliveries(vault, run) if delivery.card_id is not None]
        return [tuple(session.execute(wanted.where(Card.id == card)).one()) for card in cards]  # type: ignore[misc]


# --- one face of one product ---


def test_a_run_takes_cards_of_its_face_only(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int
) -> None:
    wanted = spec(product_id=gift_card, amount_minor=20_000)
    plan = distributions.preview(wanted)
    assert (plan.people, plan.total_minor, plan.stock, plan.missing) == (5, 100_000, 6, 0)
    run = distributions.prepare(wanted)
    assert held(vault, run) == [(gift_card, 20_000)] * 5
    with vault.database.read() as session:
        assert faces_of(session, gift_card) == [(30_000, 4), (20_000, 1)]
        assert stock_of(session, gift_card, 20_000) == 1


def test_too_few_of_a_face_take_nothing_and_are_named(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int
) -> None:
    wanted = spec(product_id=gift_card, amount_minor=30_000)
    plan = distributions.preview(wanted)
    assert (plan.stock, plan.missing, plan.total_minor) == (4, 1, 150_000)
    with pytest.raises(NotEnoughCards) as refused:
        distributions.prepare(wanted)
    assert refused.value.data == {"have": 4, "need": 5, "product": "生日礼金 ¥300.00"}
    assert stock(vault, gift_card) == 10
    assert distributions.distributions() == []


def test_cards_put_back_keep_their_face(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int, people: list[int]
) -> None:
    run = distributions.prepare(spec(product_id=gift_card, amount_minor=30_000, person_ids=tuple(people[:4])))
    distributions.cancel_rest(run)
    again = distributions.prepare(spec(product_id=gift_card, amount_minor=20_000))
    assert held(vault, again) == [(gift_card, 20_000)] * 5


def test_without_an_amount_a_card_has_its_usual_face(
    distributions: DistributionService, services: Services, spec: Spec, gift_card: int
) -> None:
    plan = distributions.preview(spec(product_id=gift_card))
    assert [(share.amount_minor, share.missing) for share in plan.shares] == [(10_000, 5)]
    services.batches.generate(BatchSpec(gift_card, 5))
    assert distributions.distribution(distributions.prepare(spec(product_id=gift_card))).total_minor == 50_000


@pytest.mark.parametrize("amount", [9_900, 60_000, 25_000])
def test_an_amount_off_the_range_or_the_step_is_refused(
    distributions: DistributionService, spec: Spec, gift_card: int, amount: int
) -> None:
    for act in (distributions.preview, distributions.prepare):
        with pytest.raises(InvalidInput) as refused:
            act(spec(product_id=gift_card, amount_minor=amount))
        assert (refused.value.field, refused.value.reason) == ("amount", "out-of-range")


def test_only_a_variable_card_has_an_amount_to_choose(
    distributions: DistributionService, spec: Spec, product: int
) -> None:
    with pytest.raises(InvalidInput) as refused:
        distributions.prepare(spec(amount_minor=30_000))
    assert refused.value.reason == "not-variable"
    assert distributions.preview(spec(amount_minor=20_000)).total_minor == 100_000


def test_the_sum_of_a_plan_is_that_of_the_cards_which_would_be_taken(
    distributions: DistributionService, services: Services, spec: Spec
) -> None:
    product = services.catalog.add(ProductSpec("超市卡", "supplier"))
    cells = "\n".join(f"77000000000{n:05d}\tPIN{n:05d}\t{face}" for n, face in enumerate((50, 50, 100, 100, 100, 100)))
    services.supplier_imports.import_text(f"卡号\t密码\t面额\n{cells}", product)
    plan = distributions.preview(spec(product_id=product))
    row = distributions.distribution(distributions.prepare(spec(product_id=product)))
    assert plan.total_minor == row.total_minor
    assert plan.total_minor in (2 * 5_000 + 3 * 10_000, 5_000 + 4 * 10_000)


# --- rules ---


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
    assert ("生日礼金", "4", 1200) in [row[:3] for row in totals.iter_rows(values_only=True)]
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
    assert names[7:10] == ["卡密", "卡号", "密码"]
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
    today = now().astimezone(zone()).date()
    period = Period(today, today)
    for wanted, cards, minor in ((product, 3, 60_000), (gift_card, 4, 120_000)):
        shown = services.dashboard.summary(period, product_id=wanted)
        assert (shown.issued.count, shown.issued.minor) == (cards, minor)
        assert {step.step: step.count for step in shown.funnel}["sent"] == cards
        link = services.dashboard.drill("sent", period, product_id=wanted)
        assert len(services.ledger.delivery_ids(link.filter)) == cards  # type: ignore[arg-type]


# --- one card of a product for each person ---


def test_the_guard_against_a_second_card_works_per_product(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, product: int, staff: dict[str, list[int]]
) -> None:
    distributions.prepare(by_rules(rules=(), product_id=product, person_ids=tuple(staff[SALES] + staff[RESEARCH])))
    plan = distributions.preview(by_rules())
    assert (plan.people, plan.skipped) == (4, tuple(staff[RESEARCH]))
    run = distributions.prepare(by_rules())
    assert counts(distributions.distribution(run)) == {"prepared": 4, "skipped": 5}
    again = distributions.prepare(by_rules())
    assert counts(distributions.distribution(again)) == {"skipped": 9}
    reasons = Counter(row.reason for row in distributions.deliveries_of(distributions.delivery_ids(again)))
    assert reasons == {"already-given": 7, "no-rule": 2}


def test_a_retry_gives_what_was_decided_even_after_a_move_to_another_department(
    distributions: DistributionService,
    vault: OpenVault,
    by_rules: Spec,
    gift_card: int,
    staff: dict[str, list[int]],
    peer: MailPeer,
) -> None:
    seller = staff[SALES][1]
    change(vault, seller, email=None)
    run = distributions.prepare(by_rules(channel="email"))
    assert counts(distributions.distribution(run)) == {"prepared": 6, "failed": 1, "skipped": 2}
    change(vault, seller, email="seller@firm.example", department=RESEARCH)
    assert distributions.retry_failed(run) == 1
    assert held(vault, run).count((gift_card, 30_000)) == 4
    distributions.deliver(run)
    row = distributions.distribution(run)
    assert (row.total_minor, counts(row)) == (180_000, {"sent": 7, "skipped": 2})
    assert figures(vault)["issued"] == (7, 180_000)


def test_a_retry_leaves_out_who_got_a_card_elsewhere_meanwhile(
    distributions: DistributionService, vault: OpenVault, spec: Spec, people: list[int], product: int, peer: MailPeer
) -> None:
    change(vault, people[0], email=None)
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(distributions.prepare(spec(person_ids=(people[0],))))
    change(vault, people[0], email="now@firm.example")
    assert distributions.retry_failed(run) == 0
    row = distributions.deliveries_of(distributions.delivery_ids(run))[0]
    assert (row.state, row.reason, row.card_id) == ("skipped", "already-given", None)
    assert stock(vault, product) == 15


def test_a_retry_without_enough_cards_of_the_face_changes_nothing(
    distributions: DistributionService,
    services: Services,
    vault: OpenVault,
    by_rules: Spec,
    gift_card: int,
    staff: dict[str, list[int]],
    peer: MailPeer,
) -> None:
    change(vault, staff[SALES][0], email=None)
    run = distributions.prepare(by_rules(channel="email"))
    spare = tuple(added(vault, ["外人"]))
    distributions.prepare(by_rules(rules=(), product_id=gift_card, amount_minor=30_000, person_ids=spare))
    change(vault, staff[SALES][0], email="s0@firm.example")
    with pytest.raises(NotEnoughCards):
        distributions.retry_failed(run)
    assert counts(distributions.distribution(run))["failed"] == 1
    services.batches.generate(BatchSpec(gift_card, 1, face_minor=30_000))
    assert distributions.retry_failed(run) == 1


# --- budget, comparison ---


def test_a_budget_that_is_too_small_takes_nothing(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, product: int, gift_card: int
) -> None:
    with pytest.raises(OverBudget) as refused:
        distributions.prepare(by_rules(budget_minor=179_999))
    assert (refused.value.total_minor, refused.value.budget_minor) == (180_000, 179_999)
    assert (stock(vault, product), stock(vault, gift_card)) == (20, 10)
    assert distributions.distributions() == []
    assert distributions.distribution(distributions.prepare(by_rules(budget_minor=180_000))).total_minor == 180_000


def test_a_plan_knows_the_last_run_like_it(
    distributions: DistributionService, vault: OpenVault, spec: Spec, by_rules: Spec, people: list[int]
) -> None:
    first = distributions.prepare(spec(name="八月", person_ids=tuple(people[:4])))
    distributions.prepare(by_rules(name="别的"))
    distributions.prepare(spec(name="打印", channel="print", allow_again=True))
    cancelled = distributions.prepare(spec(name="取消", allow_again=True))
    distributions.cancel_rest(cancelled)
    plan = distributions.preview(spec(person_ids=tuple(people[1:]), allow_again=True), compare=True)
    earlier = plan.earlier
    assert earlier is not None
    assert (earlier.id, earlier.people, earlier.total_minor) == (first, 4, 80_000)
    assert (earlier.joined, earlier.gone) == (1, 1)
    assert distributions.preview(spec(channel="email", allow_again=True), compare=True).earlier is None
    assert distributions.preview(spec(allow_again=True)).earlier is None


# --- two at once ---


def test_two_that_race_for_the_last_cards_never_share_one(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int
) -> None:
    """Six cards of ¥200, three runs of two people and three of three: whoever comes too late gets nothing."""
    crowds = [tuple(added(vault, [f"{at}-{n}" for n in range(2 + at % 2)])) for at in range(6)]
    barrier, won, refused = Barrier(len(crowds)), [], []

    def race(crowd: tuple[int, ...]) -> None:
        barrier.wait()
        try:
            won.append(distributions.prepare(spec(product_id=gift_card, amount_minor=20_000, person_ids=crowd)))
        except NotEnoughCards:
            refused.append(crowd)

    threads = [Thread(target=race, args=(crowd,)) for crowd in crowds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) + len(refused) == 6
    cards = [one.card_id for run in won for one in deliveries(vault, run)]
    assert len(cards) == len(set(cards))
    assert all(card == (gift_card, 20_000) for run in won for card in held(vault, run))
    with vault.database.read() as session:
        left = stock_of(session, gift_card, 20_000)
    assert (len(cards) + left, left < 3) == (6, True)


def change(vault: OpenVault, person: int, **values: object) -> None:
    with vault.database.write(Topic.PEOPLE) as session:
        session.execute(update(Person).where(Person.id == person).values(**values))
