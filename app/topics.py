"""What can change. A write transaction names its topics; a screen listens to them."""

from enum import StrEnum


class Topic(StrEnum):
    AUDIT = "audit"
    BATCHES = "batches"
    CARDS = "cards"
    CATALOG = "catalog"
    CLOUD = "cloud"
    DISTRIBUTIONS = "distributions"
    LEASES = "leases"
    OUTBOX = "outbox"
    PEOPLE = "people"
    REDEMPTIONS = "redemptions"
    SETTINGS = "settings"
