"""The dashboard: every number by its one definition, and every number the length or sum of a list."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from app.errors import InvalidInput
from app.models.base import now
from app.models.batch import Batch
from app.models.distribution import Delivery
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.dashboard import FORMULAS, DashboardService, Period, formula
from app.services.dashboard.rows import mid_autumn
from app.services.ledger import CardsOut, DeliveryFilter, LedgerService, RedemptionFilter
from app.services.recount import recounted, take_back_deliveries
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.words import set_language, zone
from tests.drivers.asked import asked, plan
from tests.drivers.days import last_days, today
from tests.drivers.trade import Trade

pytestmark = pytest.mark.usefixtures("noon")
FACE = 20_000


def days_ago(days: int, *, hour: int = 10) -> datetime:
    """An instant in the merchant's zone, that long ago."""
    return (
        datetime.combine(today() - timedelta(days=days), datetime.min.time(), zone()).replace(hour=hour).astimezone(UTC)
    )


@dataclass
class Desk:
    services: Services
    vault: OpenVault
    trade: Trade
    dashboard: DashboardService
    ledger: LedgerService
    product: int

    def batch(self, quantity: int) -> int:
        return self.services.batches.generate(BatchSpec(self.product, quantity))

    def first_card(self, batch_id: int) -> int:
        with self.vault.database.read() as session:
            return session.get_one(Batch, batch_id).first_card_id


@pytest.fixture
def desk(services: Services, vault: OpenVault) -> Desk:
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))
    database = vault.database
    return Desk(
        services, vault, Trade(database), DashboardService(database, services.audit), LedgerService(database), product
    )


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Twenty cards by mail five days ago, thirty released three days ago; two and a half redeemed, one given back."""
    desk.batch(40)
    mailed = desk.trade.hand_out(desk.product, 20, at=days_ago(5), steps=(18, 16, 12, 10))
    released = desk.batch(30)
    desk.trade.release(released, at=days_ago(3))
    desk.trade.redeem(mailed[0], FACE, at=days_ago(2, hour=9))
    desk.trade.redeem(mailed[1], FACE // 2, at=days_ago(2, hour=9))
    desk.trade.redeem(desk.first_card(released), FACE, at=days_ago(1, hour=20))
    mistaken = desk.trade.redeem(mailed[2], FACE, at=days_ago(1, hour=20))
    desk.trade.redeem(mailed[2], FACE, at=days_ago(1, hour=21), reverses=mistaken)
    return desk


def test_an_empty_vault_has_zeros_and_no_rates(desk: Desk) -> None:
    shown = desk.dashboard.summary(last_days(30))
    assert (shown.issued.count, shown.redeemed.minor, shown.outstanding_minor) == (0, 0, 0)
    assert shown.rates.delivery is None
    assert shown.rates.redemption_money is None
    assert len(shown.trend) == 30
    assert [len(hours) for hours in shown.heatmap] == [24] * 7


def test_issued_redeemed_and_outstanding_tie_together(busy: Desk) -> None:
    shown = busy.dashboard.summary(last_days(30))
    assert (shown.issued.count, shown.issued.minor) == (50, 50 * FACE)
    assert (shown.redeemed.count, shown.redeemed.minor) == (3, 2 * FACE + FACE // 2)
    assert shown.outstanding_minor == shown.issued.minor - shown.redeemed.minor
    assert shown.outstanding_count == 48


def test_rates_follow_their_formulas(busy: Desk) -> None:
    rates = busy.dashboard.summary(last_days(30)).rates
    assert rates.delivery == pytest.approx(16 / 18)
    assert rates.open == pytest.approx(12 / 16)
    assert rates.claim == pytest.approx(10 / 16)
    assert rates.redemption_cards == pytest.approx(3 / 50)
    assert rates.redemption_money == pytest.approx(2.5 / 50)
    assert rates.mature_30 is None


def test_young_cards_stay_out_of_the_mature_rate(desk: Desk) -> None:
    desk.batch(20)
    old = desk.trade.hand_out(desk.product, 4, at=days_ago(40))
    desk.trade.hand_out(desk.product, 6, at=days_ago(2))
    desk.trade.redeem(old[0], FACE, at=days_ago(1))
    rates = desk.dashboard.summary(last_days(60)).rates
    assert rates.redemption_money == pytest.approx(1 / 10)
    assert rates.mature_30 == pytest.approx(1 / 4)


def test_products_days_and_hours_add_up_to_the_total(busy: Desk) -> None:
    shown = busy.dashboard.summary(last_days(30))
    assert sum(row.issued for row in shown.by_product) == shown.issued.count
    assert sum(row.redeemed_minor for row in shown.by_product) == shown.redeemed.minor
    assert sum(row.outstanding_minor for row in shown.by_product) == shown.outstanding_minor
    assert [row.name for row in shown.by_product] == ["中秋福利卡"]
    assert sum(day.issued for day in shown.trend) == shown.issued.count
    assert sum(day.redeemed_minor for day in shown.trend) == shown.redeemed.minor
    assert sum(map(sum, shown.heatmap)) == shown.redeemed.count
    assert shown.heatmap[(today() - timedelta(days=2)).weekday()][9] >= 2


def test_the_funnel_goes_by_channel_and_in_total(busy: Desk) -> None:
    shown = busy.dashboard.summary(last_days(30))
    assert [step.count for step in shown.channels["email"]] == [20, 18, 16, 12, 10, 2]
    assert shown.channels["email"][1].rate_of_before == pytest.approx(18 / 20)
    assert shown.channels["email"][2].rate_of_first == pytest.approx(16 / 20)
    assert [step.count for step in shown.channels["direct"]] == [30, 0, 0, 0, 0, 1]
    assert [step.count for step in shown.funnel] == [50, 18, 16, 12, 10, 3]


def test_a_channel_or_product_narrows_every_number(busy: Desk) -> None:
    mailed = busy.dashboard.summary(last_days(30), channel="email")
    direct = busy.dashboard.summary(last_days(30), channel="direct")
    assert (mailed.issued.count, direct.issued.count) == (20, 30)
    assert mailed.outstanding_minor == 20 * FACE - FACE - FACE // 2
    assert direct.outstanding_minor == 29 * FACE
    nothing = busy.dashboard.summary(last_days(30), product_id=99)
    assert (nothing.issued.count, nothing.outstanding_minor, nothing.expiring.count) == (0, 0, 0)


def test_a_voided_card_counts_nowhere(busy: Desk) -> None:
    card = busy.ledger.card_ids(CardsOut(channel="email", live=True))[0]
    direct = busy.ledger.card_ids(CardsOut(channel="direct", live=True))[0]
    busy.services.cards.void(card, reason="丢失")
    busy.services.cards.void(direct, reason="丢失")
    shown = busy.dashboard.summary(last_days(30))
    assert shown.issued.count == 48
    assert shown.channels["email"][0].count == 19
    assert shown.channels["direct"][0].count == 29
    assert shown.outstanding_count == 46


def test_a_second_release_counts_only_what_it_adds(busy: Desk) -> None:
    busy.trade.release(2, at=days_ago(0))
    assert busy.dashboard.summary(last_days(30)).issued.count == 50


def test_what_is_taken_back_is_what_a_recount_leaves_out(busy: Desk) -> None:
    batches = [row.id for row in busy.services.batches.batches()]
    with busy.vault.database.write(Topic.BATCHES) as session:
        take_back_deliveries(session, [20])
        session.get_one(Delivery, 20).state = "recalled"
    for batch_id in batches:
        busy.services.batches.void(batch_id, confirm=str(busy.services.batches.batch(batch_id).quantity))
    with busy.vault.database.read() as session:
        wanted = recounted(session)
    shown = busy.dashboard.summary(last_days(30))
    issued = sum(count for key, (count, _) in wanted.items() if key.metric == "issued")
    assert shown.issued.count == issued == 2
    assert shown.outstanding_minor == 0


def test_expired_cards_leave_the_outstanding_but_not_the_issued(busy: Desk) -> None:
    [released, _] = [row.id for row in busy.services.batches.batches()]
    busy.trade.end_validity(released, now() + timedelta(days=20))
    assert busy.dashboard.summary(last_days(30)).expiring.count == 29
    assert busy.dashboard.summary(last_days(30)).expiring.minor == 29 * FACE
    busy.trade.end_validity(released, days_ago(0, hour=0))
    shown = busy.dashboard.summary(last_days(30))
    assert (shown.issued.count, shown.outstanding_count, shown.expiring.count) == (50, 19, 0)
    assert shown.sparks["outstanding"][-2:] == (48 * FACE - FACE // 2, 19 * FACE - FACE // 2)


def test_sparks_walk_thirty_days_back(busy: Desk) -> None:
    sparks = busy.dashboard.summary(last_days(30)).sparks
    assert {len(values) for values in sparks.values()} == {30}
    assert sparks["issued"][-6:] == (20, 0, 30, 0, 0, 0)
    assert sparks["outstanding"][-7] == 0
    assert sparks["outstanding"][-4] == 50 * FACE
    assert sparks["outstanding"][-1] == 48 * FACE - FACE // 2


def test_a_period_compares_with_the_one_before(busy: Desk) -> None:
    before = busy.dashboard.summary(last_days(4)).compared
    assert before.period == Period(today() - timedelta(days=7), today() - timedelta(days=4))
    assert (before.issued.count, before.redeemed.count, before.outstanding_minor) == (20, 0, 20 * FACE)


def test_a_festival_compares_with_the_same_festival_last_year() -> None:
    assert [mid_autumn(year) for year in (2025, 2026, 2027)] == [
        date(2025, 10, 6),
        date(2026, 9, 25),
        date(2027, 9, 15),
    ]
    week = Period(date(2026, 9, 20), date(2026, 9, 26))
    assert week.compared("lunar") == Period(date(2025, 10, 1), date(2025, 10, 7))
    assert week.compared("year") == Period(date(2025, 9, 20), date(2025, 9, 26))
    assert Period(date(2028, 2, 29), date(2028, 2, 29)).compared("year").first_day == date(2027, 2, 28)


def test_a_period_that_ends_before_it_begins_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInput):
        desk.dashboard.summary(Period(today(), today() - timedelta(days=1)))
    with pytest.raises(InvalidInput):
        desk.dashboard.summary(last_days(30), compare="tomorrow")
    with pytest.raises(InvalidInput):
        desk.dashboard.drill("profit", last_days(30))


def listed(desk: Desk, number: str, **narrowed: object) -> int:
    """Length of the list behind a number; a reversal in it counts as minus one."""
    link = desk.dashboard.drill(number, last_days(30), **narrowed)  # type: ignore[arg-type]
    if isinstance(link.filter, CardsOut):
        return len(desk.ledger.card_ids(link.filter))
    if isinstance(link.filter, DeliveryFilter):
        return len(desk.ledger.delivery_ids(link.filter))
    rows = desk.ledger.redemptions_of(desk.ledger.redemption_ids(link.filter))
    return sum(1 if row.kind == "redeemed" else -1 for row in rows)


@pytest.mark.parametrize("channel", [None, "email", "direct"])
def test_every_number_leads_to_a_list_of_that_length(busy: Desk, channel: str | None) -> None:
    shown = busy.dashboard.summary(last_days(30), channel=channel)
    funnel = {step.step: step.count for step in shown.funnel}
    assert listed(busy, "issued", channel=channel) == shown.issued.count
    assert listed(busy, "outstanding", channel=channel) == shown.outstanding_count
    assert listed(busy, "expiring", channel=channel) == shown.expiring.count
    assert listed(busy, "redeemed", channel=channel) == shown.redeemed.count
    assert listed(busy, "redeemed_cards", channel=channel) == funnel["redeemed"]
    assert listed(busy, "mature_30", channel=channel) == 0
    for step in ("sent", "delivered", "opened", "claimed"):
        assert listed(busy, step, channel=channel) == funnel[step]
    weekday = (today() - timedelta(days=2)).weekday()
    assert listed(busy, "heatmap", channel=channel, cell=(weekday, 9)) == shown.heatmap[weekday][9]


def test_expiring_cards_are_listed_too(busy: Desk) -> None:
    [released, mailed] = [row.id for row in busy.services.batches.batches()]
    busy.trade.end_validity(released, now() + timedelta(days=20))
    busy.trade.end_validity(mailed, now() + timedelta(days=90))
    assert listed(busy, "expiring") == busy.dashboard.summary(last_days(30)).expiring.count == 29


def test_a_reversal_of_an_earlier_period_takes_away(desk: Desk) -> None:
    desk.batch(1)
    [card] = desk.trade.hand_out(desk.product, 1, at=days_ago(60))
    entry = desk.trade.redeem(card, FACE, at=days_ago(50))
    desk.trade.redeem(card, FACE, at=days_ago(2), reverses=entry)
    shown = desk.dashboard.summary(last_days(30))
    assert (shown.redeemed.count, shown.redeemed.minor) == (-1, -FACE)
    assert listed(desk, "redeemed") == -1
    assert shown.outstanding_minor == FACE


def test_what_was_owed_on_a_past_day_knows_top_ups_and_refunds(desk: Desk) -> None:
    desk.batch(1)
    [card] = desk.trade.hand_out(desk.product, 1, at=days_ago(9))
    desk.trade.pay(card, 5_000, at=days_ago(5))
    desk.trade.pay(card, -FACE, at=days_ago(2))
    owed = desk.dashboard.summary(last_days(30)).sparks["outstanding"]
    assert [owed[-1 - days] for days in (7, 4, 0)] == [FACE, FACE + 5_000, 5_000]


def test_the_ledger_lists_an_entry_with_its_card(busy: Desk) -> None:
    [newest, *_] = busy.ledger.redemptions_of(busy.ledger.redemption_ids(RedemptionFilter(kind="reversed")))
    assert newest.serial.endswith("-000003")
    assert (newest.product, newest.amount_minor, newest.uses, newest.place) == ("中秋福利卡", -FACE, 0, "门店")
    assert newest.reverses is not None
    assert len(busy.ledger.redemption_ids(RedemptionFilter(card_id=newest.card_id), descending=False)) == 2


def test_the_ledger_is_listed_out_of_the_index_of_its_times(busy: Desk) -> None:
    """Half a million entries are read at each change of the list: none of them is looked at, and none is sorted."""
    with asked(busy.vault.database) as questions:
        listed = busy.ledger.redemption_ids(RedemptionFilter())
    rows = busy.ledger.redemptions_of(listed)
    assert [row.number for row in rows] == list(listed)
    assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
    found = plan(busy.vault.database, questions[-1])
    assert "COVERING INDEX ix_redemption_at" in found
    assert "TEMP B-TREE" not in found


def test_every_figure_has_a_formula_in_both_languages() -> None:
    set_language("zh_CN")
    assert all(formula(key) != FORMULAS[key] for key in FORMULAS)
    set_language("en")
    assert formula("claim").startswith("Deliveries claimed")


def test_the_workbook_has_the_same_numbers(busy: Desk, tmp_path: Path) -> None:
    shown = busy.dashboard.summary(last_days(30))
    busy.dashboard.export_xlsx(tmp_path / "看板.xlsx", shown)
    book = openpyxl.load_workbook(tmp_path / "看板.xlsx")
    assert len(book.sheetnames) == 5
    figures = {row[3]: row for row in book.worksheets[0].iter_rows(values_only=True)}
    assert figures[formula("issued")][1:3] == (50, 10000)
    assert figures[formula("outstanding")][2] == shown.outstanding_minor / 100
    assert book.worksheets[2].max_row == 31
    assert busy.services.audit.rows()[0].action == "dashboard.exported"
