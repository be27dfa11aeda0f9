"""The pages, commands and search of the window over one open vault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.bootstrap.pages import page_builders
from app.errors import AppError
from app.views.main_window.specs import Command, Found, PageSpec, Scope, Workspace
from app.vocabulary import CARD_STATES, word
from app.words import tr

if TYPE_CHECKING:
    from app.bootstrap.parts import DeskParts
    from app.services import Services
    from app.services.vault.vaults import OpenVault

ORDERS = {
    "sell": ("home", "catalog", "batches", "cards", "distribution", "people", "counter", "dashboard"),
    "welfare": ("home", "distribution", "people", "catalog", "batches", "cards", "dashboard", "counter"),
    "shop": ("counter", "home", "cards", "catalog", "batches", "distribution", "people", "dashboard"),
}
FOUND_PEOPLE = 8
LISTS = {"ledger": "counter", "deliveries": "distribution", "leases": "sync", "conflicts": "sync", "bin": ""}
"""Lists without an entry in the rail, and under which entry each belongs, if under one."""
FOOT = ("tasks", "sync", "audit", "settings")


def workspace_of(desk: DeskParts, services: Services, vault: OpenVault) -> Workspace:
    """Only what works is shown: a page without a builder has no entry in the rail."""
    merchant = services.settings.merchant()
    builders = page_builders(desk, services, vault)
    titles, symbols = page_titles(), page_symbols()
    keys = {"counter": "F9", "settings": "Ctrl+,"}
    specs = [
        PageSpec(key, titles[key], symbols[key], builders[key], shortcut=keys.get(key, ""), foot=key in FOOT)
        for key in (*ORDERS[merchant.purpose], *FOOT)
        if key in builders
    ]
    return Workspace(
        merchant=merchant.name,
        pages=specs,
        lists=[
            PageSpec(key, titles[key], symbols[key], builders[key], under=under)
            for key, under in LISTS.items()
            if key in builders
        ],
        commands=commands_of(desk),
        find=lambda scope, text: find(services, scope, text),
        ribbon=_demo_words if desk.is_demo else None,
    )


def _demo_words() -> str:
    return tr("Demo data: nothing here is kept when Kaxia is closed")


def page_titles() -> dict[str, Callable[[], str]]:
    return {
        "home": lambda: tr("Home"),
        "catalog": lambda: tr("Products"),
        "batches": lambda: tr("Code batches"),
        "cards": lambda: tr("Cards"),
        "distribution": lambda: tr("Distribution"),
        "people": lambda: tr("People"),
        "counter": lambda: tr("Counter"),
        "dashboard": lambda: tr("Dashboard"),
        "tasks": lambda: tr("Tasks"),
        "sync": lambda: tr("Sync"),
        "audit": lambda: tr("Audit log"),
        "settings": lambda: tr("Settings"),
        "ledger": lambda: tr("Redemptions"),
        "deliveries": lambda: tr("Deliveries"),
        "leases": lambda: tr("Leases"),
        "conflicts": lambda: tr("Conflicts"),
        "bin": lambda: tr("Recycle bin"),
    }


def page_symbols() -> dict[str, str]:
    return {
        "home": "house",
        "catalog": "package",
        "batches": "layers",
        "cards": "credit-card",
        "distribution": "send",
        "people": "users",
        "counter": "scan-line",
        "dashboard": "chart-line",
        "tasks": "list-checks",
        "sync": "refresh-cw",
        "audit": "scroll-text",
        "settings": "settings",
        "ledger": "scroll-text",
        "deliveries": "send",
        "leases": "download",
        "conflicts": "triangle-alert",
        "bin": "trash-2",
    }


def commands_of(desk: DeskParts) -> tuple[Command, ...]:
    """What the menu bar offers beside the pages."""
    go = desk.window.go
    return (
        Command("new-product", lambda: tr("New product"), lambda: go("catalog", "new"), "cards", "package"),
        Command("generate", lambda: tr("Generate codes"), lambda: go("batches", ("generate", 0)), "cards", "layers"),
        Command("import-people", lambda: tr("Import people"), lambda: go("people", "import"), "file", "user-plus"),
        Command(
            "distribute",
            lambda: tr("Bulk distribution"),
            lambda: go("distribution", "new"),
            "distribution",
            "send",
            "Ctrl+Shift+D",
        ),
        Command("lease", lambda: tr("Lease cards"), lambda: go("leases", "take"), "cards", "download"),
        Command("leases", lambda: tr("Leases"), lambda: go("leases"), "tools", "download"),
        Command("conflicts", lambda: tr("Conflicts"), lambda: go("conflicts"), "tools", "triangle-alert"),
        Command("bin", lambda: tr("Recycle bin"), lambda: go("bin"), "tools", "trash-2"),
        Command("backup", lambda: tr("Back up now"), lambda: go("settings", "backups"), "file", "archive-restore"),
    )


def find(services: Services, scope: Scope, text: str) -> Sequence[Found]:
    """Cards by serial or code, people by name, pinyin, phone tail or number; runs on a worker."""
    found: list[Found] = []
    if scope in ("", "#"):
        try:
            row = services.cards.detail(services.cards.find(text)).row
            state = word(CARD_STATES, row.state)
            found.append(Found(row.serial, f"{row.product} · {state}", "credit-card", "cards", row.id))
        except AppError:
            pass  # no such card: nothing to list
    if scope in ("", "@"):
        found += [
            Found(row.name, " · ".join(filter(None, (row.department, row.phone_masked))), "user", "people", row.id)
            for row in services.people.find(text, FOUND_PEOPLE)
        ]
    return found
