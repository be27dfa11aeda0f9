"""What the program can do; no Qt. `Services` is the bundle that bootstrap hands to the window and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the window paints its first screen before any of these is loaded
    from app.services.audit import AuditLog
    from app.services.backups import BackupService
    from app.services.batches import BatchService
    from app.services.cards import CardService
    from app.services.catalog import CatalogService
    from app.services.cloud import CloudService
    from app.services.cloud.devices import DeviceService
    from app.services.dashboard import DashboardService
    from app.services.distribution import DistributionService
    from app.services.exports import ExportService
    from app.services.home import HomeService
    from app.services.integrity import IntegrityService
    from app.services.leases import LeaseService
    from app.services.ledger import LedgerService
    from app.services.list_views import ListViewService
    from app.services.people import PeopleService
    from app.services.redemptions import RedemptionService
    from app.services.removals import RemovalService
    from app.services.settings import SettingService
    from app.services.slips import SlipService
    from app.services.supplier_imports import SupplierImportService


class Services(NamedTuple):
    """All use cases of one open vault."""

    audit: AuditLog
    backups: BackupService
    batches: BatchService
    cards: CardService
    catalog: CatalogService
    cloud: CloudService
    dashboard: DashboardService
    devices: DeviceService
    distribution: DistributionService
    exports: ExportService
    home: HomeService
    integrity: IntegrityService
    leases: LeaseService
    ledger: LedgerService
    list_views: ListViewService
    people: PeopleService
    redemptions: RedemptionService
    removals: RemovalService
    settings: SettingService
    slips: SlipService
    supplier_imports: SupplierImportService
