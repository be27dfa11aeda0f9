"""Builds each screen over the services it shows; a screen is imported when it is first visited."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from app.bootstrap.parts import DeskParts
    from app.services import Services
    from app.services.vault.vaults import OpenVault

Builders = dict[str, Callable[[], QWidget]]
LISTS = {"cards": "cards", "deliveries": "deliveries", "redemptions": "ledger"}
"""Which page shows the list behind a number of the dashboard."""


def page_builders(desk: DeskParts, services: Services, vault: OpenVault) -> Builders:
    trade = _stock(desk, services) | _shop(desk, services) | _people(desk, services)
    return trade | _insight(desk, services) | _house(desk, services, vault)


def _stock(desk: DeskParts, services: Services) -> Builders:
    jobs, changes = desk.jobs, desk.changes

    def catalog() -> QWidget:
        from app.views.catalog.page import CatalogPage

        return CatalogPage(services.catalog, services.removals, jobs=jobs, changes=changes, views=services.list_views)

    def batches() -> QWidget:
        from app.views.batches.page import BatchesPage

        return BatchesPage(
            services.batches,
            services.catalog,
            exports=services.exports,
            imports=services.supplier_imports,
            removals=services.removals,
            leases=services.leases,
            jobs=jobs,
            changes=changes,
            views=services.list_views,
        )

    def cards() -> QWidget:
        from app.views.cards.page import CardsPage

        return CardsPage(
            services.cards,
            services.ledger,
            services.batches,
            services.people,
            redemptions=services.redemptions,
            exports=services.exports,
            jobs=jobs,
            changes=changes,
            views=services.list_views,
        )

    return {"catalog": catalog, "batches": batches, "cards": cards}


def _shop(desk: DeskParts, services: Services) -> Builders:
    jobs, changes = desk.jobs, desk.changes

    def counter() -> QWidget:
        from app.views.counter.page import CounterPage

        parts = (services.redemptions, services.settings, services.leases, services.slips)
        return CounterPage(*parts, jobs=jobs, changes=changes)

    def ledger() -> QWidget:
        from app.views.counter.ledger import LedgerPage

        parts = (services.ledger, services.catalog, services.slips)
        return LedgerPage(*parts, jobs=jobs, changes=changes, views=services.list_views)

    def leases() -> QWidget:
        from app.views.counter.leases import LeasesPage

        return LeasesPage(services.leases, jobs=jobs, changes=changes)

    def conflicts() -> QWidget:
        from app.views.counter.conflicts import ConflictsPage

        return ConflictsPage(services.leases, jobs=jobs, changes=changes)

    return {"counter": counter, "ledger": ledger, "leases": leases, "conflicts": conflicts}


def _people(desk: DeskParts, services: Services) -> Builders:
    jobs, changes = desk.jobs, desk.changes

    def people() -> QWidget:
        from app.views.people.page import PeoplePage

        return PeoplePage(services.people, services.removals, jobs=jobs, changes=changes, views=services.list_views)

    def distribution() -> QWidget:
        from app.views.distribution.page import DistributionPage
        from app.views.distribution.parts import Parts

        parts = Parts(
            services.distribution,
            services.people,
            services.catalog,
            services.batches,
            services.settings,
            services.cloud.public_url,
            views=services.list_views,
            shelf=desk.shelf(),
        )
        return DistributionPage(parts, jobs=jobs, changes=changes)

    def deliveries() -> QWidget:
        from app.views.distribution.reached import ReachedPage

        return ReachedPage(services.ledger, services.distribution, jobs=jobs, changes=changes)

    return {"people": people, "distribution": distribution, "deliveries": deliveries}


def _insight(desk: DeskParts, services: Services) -> Builders:
    jobs, changes = desk.jobs, desk.changes

    def home() -> QWidget:
        from app.views.home.page import HomePage

        return HomePage(services.home, jobs=jobs, changes=changes)

    def dashboard() -> QWidget:
        from app.views.dashboard.page import DashboardPage

        page = DashboardPage(services.dashboard, services.catalog, jobs=jobs, changes=changes)
        page.drill_wanted.connect(lambda link: desk.window.go(LISTS.get(link.list, link.list), link.filter))
        return page

    return {"home": home, "dashboard": dashboard}


def _house(desk: DeskParts, services: Services, vault: OpenVault) -> Builders:
    jobs, changes = desk.jobs, desk.changes

    def sync() -> QWidget:
        from app.views.sync.page import SyncPage

        return SyncPage(services.cloud, services.devices, jobs=jobs, changes=changes)

    def tasks() -> QWidget:
        from app.views.tasks.page import TasksPage

        return TasksPage(jobs=jobs)

    def audit() -> QWidget:
        from app.views.audit.page import AuditPage

        return AuditPage(services.audit, jobs=jobs, changes=changes, views=services.list_views)

    def removals() -> QWidget:
        from app.views.removals.page import RemovalsPage

        return RemovalsPage(services.removals, jobs=jobs, changes=changes)

    def settings() -> QWidget:
        from app.bootstrap.sections import settings_page

        return settings_page(desk, services, vault)

    return {"sync": sync, "tasks": tasks, "audit": audit, "bin": removals, "settings": settings}
