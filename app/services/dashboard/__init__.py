"""The dashboard: what was issued, came through, was redeemed and is still owed, in one period against another."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import InvalidInput
from app.models.base import now
from app.models.catalog import Product
from app.models.database import Database
from app.models.redemption import DailyFigure
from app.services.audit import AuditLog
from app.services.dashboard.drill import ListLink, link_to
from app.services.dashboard.export import sheets_of
from app.services.dashboard.formulas import FORMULAS, formula
from app.services.dashboard.rows import (
    COMPARISONS,
    STEPS,
    Compared,
    Dashboard,
    DayFigures,
    FunnelStep,
    Period,
    ProductFigures,
    Rates,
    Sum,
)
from app.services.dashboard.sums import Begun, Cohort, Live, Narrow, cohorts, holds_money, live_cards, net, totals
from app.services.recount import PAID
from app.services.writers.tables import write_xlsx
from app.words import end_of_local_day, zone

SPARK_DAYS = 30
EXPIRING = timedelta(days=30)
MATURE = timedelta(days=30)
LONGEST_DAYS = 3_660


class DashboardService:
    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    def summary(
        self, period: Period, *, product_id: int | None = None, channel: str | None = None, compare: str = "previous"
    ) -> Dashboard:
        """Every figure of a period. `compare` is one of COMPARISONS. Raises InvalidInput."""
        if not 1 <= period.length <= LONGEST_DAYS:
            raise InvalidInput("period", "out-of-range")
        if compare not in COMPARISONS:
            raise InvalidInput("compare", "unknown-kind")
        with self._database.read() as session:
            return _Summary(session, period, Narrow(product_id, channel)).made(compare)

    def drill(
        self,
        number: str,
        period: Period,
        *,
        product_id: int | None = None,
        channel: str | None = None,
        cell: tuple[int, int] | None = None,
    ) -> ListLink:
        """The list a number counts. `number` is a KPI or a funnel step; `cell` a (weekday, hour) of the heat map."""
        return link_to(number, period, product_id=product_id, channel=channel, cell=cell)

    def export_xlsx(self, path: Path, dashboard: Dashboard) -> None:
        """The figures as a workbook, with period, filters and formulas. Raises DiskFull, NotWritable."""
        write_xlsx(path, sheets_of(dashboard))
        first, last = dashboard.period.first_day.isoformat(), dashboard.period.last_day.isoformat()
        self._audit.note("dashboard.exported", subject=path.name, first_day=first, last_day=last)


class _Summary:
    """One reading of the dashboard."""

    def __init__(self, session: Session, period: Period, narrow: Narrow) -> None:
        self._session = session
        self._period = period
        self._narrow = narrow
        self._at = now()
        self._today = self._at.astimezone(zone()).date()
        self._begun = Begun(session)
        self._live = live_cards(session, self._begun, narrow)

    def made(self, compare: str) -> Dashboard:
        period, narrow = self._period, self._narrow
        found = totals(self._session, period, narrow)
        issued_in_it = self._issued_in(period)
        unexpired = [cards for cards in self._live if not _expired(cards, self._at)]
        return Dashboard(
            period=period,
            product_id=narrow.product_id,
            channel=narrow.channel,
            as_of=self._at,
            issued=Sum(*found.get(("issued",), (0, 0))),
            redeemed=net(found),
            topped_up=Sum(*found.get(("topped_up",), (0, 0))),
            refunded=Sum(*found.get(("refunded",), (0, 0))),
            has_money=holds_money(self._session, narrow),
            outstanding_minor=sum(cards.minor for cards in unexpired),
            outstanding_count=sum(cards.count for cards in unexpired),
            expiring=_expiring(unexpired, self._at + EXPIRING),
            rates=self._rates(found, issued_in_it),
            by_product=self._by_product(unexpired),
            heatmap=self._heatmap(),
            funnel=_funnel([found.get((step,), (0, 0))[0] for step in STEPS[:-1]], issued_in_it),
            channels=self._channels(issued_in_it),
            trend=self._trend(period),
            compared=self._compared(compare),
            sparks=self._sparks(unexpired),
        )

    def _issued_in(self, period: Period) -> list[Cohort]:
        return cohorts(self._session, self._begun, period, self._narrow)

    def _rates(self, found: dict[tuple[object, ...], tuple[int, int]], issued: Sequence[Cohort]) -> Rates:
        sent, delivered, opened, claimed = (found.get((step,), (0, 0))[0] for step in STEPS[1:-1])
        mature = [cohort for cohort in issued if cohort.at <= self._at - MATURE]
        return Rates(
            delivery=share(delivered, sent),
            open=share(opened, delivered),
            claim=share(claimed, delivered),
            redemption_cards=_card_rate(issued),
            redemption_money=_money_rate(issued),
            mature_30=_money_rate(mature),
        )

    def _by_product(self, unexpired: Sequence[Live]) -> tuple[ProductFigures, ...]:
        """Most redeemed first."""
        found = totals(self._session, self._period, self._narrow, DailyFigure.product_id)
        names = dict(self._session.execute(select(Product.id, Product.name)).all())
        owed: dict[int, int] = {}
        for cards in unexpired:
            owed[cards.product_id] = owed.get(cards.product_id, 0) + cards.minor
        rows = []
        for product_id in sorted({key[1] for key in found} | set(owed)):
            redeemed = net(found, product_id)
            issued = found.get(("issued", product_id), (0, 0))
            name, held = names.get(product_id, ""), owed.get(product_id, 0)
            rows.append(ProductFigures(product_id, name, *issued, redeemed.count, redeemed.minor, held))
        rows.sort(key=lambda row: (row.redeemed_minor, row.redeemed, row.issued_minor, row.issued), reverse=True)
        return tuple(rows)

    def _heatmap(self) -> tuple[tuple[int, ...], ...]:
        cells = [[0] * 24 for _ in range(7)]
        for (metric, day, hour), (count, _) in totals(
            self._session, self._period, self._narrow, DailyFigure.day, DailyFigure.hour
        ).items():
            if metric in ("redeemed", "reversed"):
                cells[date.fromisoformat(day).weekday()][hour] += count if metric == "redeemed" else -count
        return tuple(tuple(hours) for hours in cells)

    def _channels(self, issued: Sequence[Cohort]) -> dict[str, tuple[FunnelStep, ...]]:
        found = totals(self._session, self._period, self._narrow, DailyFigure.channel)
        return {
            channel: _funnel(
                [found.get((step, channel), (0, 0))[0] for step in STEPS[:-1]],
                [cohort for cohort in issued if cohort.channel == channel],
            )
            for channel in sorted({key[1] for key in found if key[0] in STEPS[:-1]})
        }

    def _trend(self, period: Period) -> tuple[DayFigures, ...]:
        found = totals(self._session, period, self._narrow, DailyFigure.day)
        rows = []
        for day in period.days():
            redeemed = net(found, day.isoformat())
            put_on, paid_out = (found.get((kind, day.isoformat()), (0, 0))[1] for kind in PAID)
            issued = found.get(("issued", day.isoformat()), (0, 0))
            rows.append(DayFigures(day, *issued, redeemed.count, redeemed.minor, put_on, paid_out))
        return tuple(rows)

    def _compared(self, how: str) -> Compared:
        period = self._period.compared(how)
        found = totals(self._session, period, self._narrow)
        rates = self._rates(found, self._issued_in(period))
        issued = Sum(*found.get(("issued",), (0, 0)))
        return Compared(how, period, issued, net(found), rates, self._outstanding_at([period.last_day])[0])

    def _outstanding_at(self, days: Sequence[date]) -> list[int]:
        """What was owed at the end of each day, walked back from what is owed now; days ascend."""
        after = Period(min(days[0], self._today), self._today)
        flows = self._trend(after)
        owed = []
        for day in days:
            end = min(end_of_local_day(day), self._at)
            held = sum(cards.minor for cards in self._live if not _expired(cards, end))
            later = [flow for flow in flows if flow.day > day]
            came = sum(flow.issued_minor + flow.topped_up_minor for flow in later)
            went = sum(flow.redeemed_minor + flow.refunded_minor for flow in later)
            owed.append(held - came + went)
        return owed

    def _sparks(self, unexpired: Sequence[Live]) -> dict[str, tuple[float, ...]]:
        last = min(self._period.last_day, self._today)
        window = Period(last - timedelta(days=SPARK_DAYS - 1), last)
        days, flows = window.days(), self._trend(window)
        found = totals(self._session, window, self._narrow, DailyFigure.day)
        by_day: dict[date, list[Cohort]] = {}
        for cohort in self._issued_in(window):
            by_day.setdefault(cohort.at.astimezone(zone()).date(), []).append(cohort)
        ending = [Period(self._today + timedelta(days=n), self._today + timedelta(days=n)) for n in range(SPARK_DAYS)]
        return {
            "issued": tuple(float(flow.issued) for flow in flows),
            "redeemed": tuple(float(flow.redeemed_minor) for flow in flows),
            "redeemed_times": tuple(float(flow.redeemed) for flow in flows),
            "redemption_money": tuple(_money_rate(by_day.get(day, ())) or 0.0 for day in days),
            "redemption_cards": tuple(_card_rate(by_day.get(day, ())) or 0.0 for day in days),
            "outstanding": tuple(float(owed) for owed in self._outstanding_at(days)),
            "claim": tuple(
                share(*(found.get((step, day.isoformat()), (0, 0))[0] for step in ("claimed", "delivered"))) or 0.0
                for day in days
            ),
            "expiring": tuple(
                float(sum(c.count for c in unexpired if c.valid_until and day.begin <= c.valid_until < day.end))
                for day in ending
            ),
        }


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _money_rate(issued: Sequence[Cohort]) -> float | None:
    """Of what the cards could give: their faces, with what was put onto them and without what was paid out."""
    could_give = sum(cohort.issued_minor + cohort.adjusted_minor for cohort in issued)
    return share(sum(cohort.redeemed_minor for cohort in issued), could_give)


def _card_rate(issued: Sequence[Cohort]) -> float | None:
    return share(sum(cohort.redeemed for cohort in issued), sum(cohort.issued for cohort in issued))


def _expired(cards: Live, at: datetime) -> bool:
    return cards.valid_until is not None and cards.valid_until <= at


def _expiring(unexpired: Sequence[Live], until: datetime) -> Sum:
    ending = [cards for cards in unexpired if _expired(cards, until)]
    return Sum(sum(cards.count for cards in ending), sum(cards.minor for cards in ending))


def _funnel(counts: Sequence[int], issued: Sequence[Cohort]) -> tuple[FunnelStep, ...]:
    """`counts` of the steps before the last; the last follows from the cards issued."""
    every = [*counts, sum(cohort.redeemed for cohort in issued)]
    return tuple(
        FunnelStep(step, count, share(count, before), share(count, every[0]))
        for step, count, before in zip(STEPS, every, [every[0], *every], strict=False)
    )


__all__ = ["FORMULAS", "Dashboard", "DashboardService", "ListLink", "Period", "formula"]
