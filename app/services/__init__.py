"""What the program can do; no Qt. `Services` is the bundle that bootstrap hands to the window and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the window paints its first screen before any of these is loaded
    from app.services.audit import AuditLog
    from app.services.backups import BackupService
    from app.services.batches import BatchService
    from app.services.cards import CardService
    from app.services.catalog import CatalogService
    from app.services.settings import SettingService


@dataclass(frozen=True, slots=True)
class Services:
    """All use cases of one open vault."""

    audit: AuditLog
    backups: BackupService
    batches: BatchService
    cards: CardService
    catalog: CatalogService
    settings: SettingService
