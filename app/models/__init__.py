"""What is stored in the vault, and the one door to it."""

from app.models import audit, batch, catalog, distribution, lease, outbox, people, redemption, removal, setting

__all__ = ["audit", "batch", "catalog", "distribution", "lease", "outbox", "people", "redemption", "removal", "setting"]
