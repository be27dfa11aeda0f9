"""What the screens of a distribution ask: the services, and the address of the phone page."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.services.batches import BatchService
from app.services.catalog import CatalogService
from app.services.distribution import DistributionService
from app.services.list_views import ListViewService
from app.services.people import PeopleService
from app.services.settings import SettingService
from app.views.distribution.draft import Shelf


@dataclass(frozen=True, slots=True)
class Parts:
    distribution: DistributionService
    people: PeopleService
    catalog: CatalogService
    batches: BatchService
    settings: SettingService
    public_url: Callable[[], str | None]
    """Base address of the phone page; None when there is no endpoint. Runs on a worker."""
    views: ListViewService | None = None
    shelf: Shelf = field(default_factory=Shelf)
