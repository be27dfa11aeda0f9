"""Builds every use case over one open vault."""

from app.config import Config
from app.services import Services
from app.services.audit import AuditLog
from app.services.backups import BackupService
from app.services.batches import BatchService
from app.services.cards import CardService
from app.services.cards.codes import CodeReader
from app.services.catalog import CatalogService
from app.services.channels.email import EmailChannel
from app.services.channels.file import FileChannel
from app.services.channels.printed import PrintChannel
from app.services.cloud import CloudService, EmbeddedEndpoint
from app.services.cloud.blobs import Blobs
from app.services.cloud.connection import Connection
from app.services.cloud.devices import DeviceService
from app.services.cloud.recovering import Recovery
from app.services.dashboard import DashboardService
from app.services.distribution import Channels, DistributionService
from app.services.exports import ExportService
from app.services.home import HomeService
from app.services.integrity import IntegrityService
from app.services.leases import LeaseService
from app.services.ledger import LedgerService
from app.services.list_views import ListViewService
from app.services.people import PeopleService
from app.services.redemptions import RedemptionService
from app.services.removals import RemovalService
from app.services.sealing import BlindIndex, Sealer
from app.services.settings import SettingService
from app.services.slips import SlipService
from app.services.supplier_imports import SupplierImportService
from app.services.vault.vaults import OpenVault, Vaults


def services_over(config: Config, vault: OpenVault, *, autostart: bool, email: EmailChannel | None = None) -> Services:
    """`autostart`: the embedded endpoint starts when it is needed. `email` carries the mail of the demo nowhere."""
    database, keys = vault.database, vault.keys
    audit = AuditLog(database, keys)
    sealer, blind = Sealer(keys), BlindIndex(keys.blind)
    reader, settings = CodeReader(database, sealer), SettingService(database, audit)
    cards = CardService(database, audit, reader=reader, blind=blind)
    endpoint, recovery = EmbeddedEndpoint(config), Recovery(database, audit, Blobs(keys), sealer, blind)
    cloud = CloudService(
        database, audit, keys, recovery, reader=reader, settings=settings, embedded=endpoint, autostart=autostart
    )
    dashboard, check = DashboardService(database, audit), Vaults(config).check_passphrase
    leases = LeaseService(database, audit, cards=cards, cloud=cloud, check_passphrase=check)
    return Services(
        audit=audit,
        backups=BackupService(config, database, keys, audit=audit, settings=settings),
        batches=BatchService(database, audit, sealer=sealer, blind=blind),
        cards=cards,
        catalog=CatalogService(database, audit),
        cloud=cloud,
        dashboard=dashboard,
        devices=DeviceService(cloud, audit),
        distribution=DistributionService(
            database, audit, reader=reader, cloud=cloud, settings=settings, channels=_channels(email)
        ),
        exports=ExportService(database, audit, reader=reader, check_passphrase=check, settings=settings),
        home=HomeService(database, dashboard),
        integrity=IntegrityService(database, audit, reader=reader, blind=blind),
        leases=leases,
        ledger=LedgerService(database),
        list_views=ListViewService(database, audit),
        people=PeopleService(database, audit),
        redemptions=RedemptionService(
            database, audit, cards=cards, reader=reader, cloud=cloud, leases=leases, settings=settings
        ),
        removals=RemovalService(database, audit),
        settings=settings,
        slips=_slips(vault, audit, cloud=cloud, settings=settings),
        supplier_imports=SupplierImportService(database, audit, sealer=sealer, blind=blind),
    )


def _slips(vault: OpenVault, audit: AuditLog, *, cloud: CloudService, settings: SettingService) -> SlipService:
    connection = Connection(vault.database, audit, vault.keys)
    return SlipService(vault.database, audit, connection=connection, cloud=cloud, settings=settings)


def _channels(email: EmailChannel | None) -> Channels:
    return Channels(file=FileChannel(), print=PrintChannel(), email=email or EmailChannel())
