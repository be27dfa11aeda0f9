"""The settings page's sections, each joined with the service it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.bootstrap.beginnings import save_recovery_sheet
from app.views.settings.page import Section, SettingsPage
from app.words import tr

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from app.bootstrap.parts import DeskParts
    from app.services import Services
    from app.services.vault.vaults import OpenVault


def settings_page(desk: DeskParts, services: Services, vault: OpenVault) -> SettingsPage:
    jobs = desk.jobs

    def merchant() -> QWidget:
        from app.views.settings.merchant import MerchantSection

        return MerchantSection(services.settings, jobs=jobs)

    def counter() -> QWidget:
        from app.views.settings.counter import CounterSection

        return CounterSection(services.settings, services.leases, jobs=jobs)

    def security() -> QWidget:
        from app.views.settings.security import SecuritySection

        return SecuritySection(
            OpenKeys(desk, services, vault),
            services.settings,
            on_idle=desk.window.lock_after,
            jobs=jobs,
            judge=desk.judge,
        )

    def backups() -> QWidget:
        from app.views.settings.backups import BackupsSection

        return BackupsSection(services.backups, services.settings, jobs=jobs)

    return SettingsPage(
        (
            Section("merchant", tr("Merchant"), merchant),
            Section("counter", tr("Counter"), counter),
            Section("security", tr("Security"), security),
            Section("backups", tr("Backups"), backups),
            Section("mail", tr("Mail"), lambda: _mail(desk, services)),
            Section("look", tr("Appearance"), lambda: _look(desk)),
            Section("about", tr("About Kaxia"), lambda: _about(desk)),
        )
    )


def _mail(desk: DeskParts, services: Services) -> QWidget:
    from app.services.channels.email import EmailChannel
    from app.views.settings.mail import MailSection

    return MailSection(services.settings, test=EmailChannel().test_connection, jobs=desk.jobs)


def _look(desk: DeskParts) -> QWidget:
    from app.views.settings.look import LookSection

    return LookSection(on_language=desk.window.choose_language, on_theme=desk.window.choose_theme)


def _about(desk: DeskParts) -> QWidget:
    from app.views.settings.about import AboutSection

    return AboutSection(jobs=desk.jobs)


class OpenKeys:
    """The keys of the open vault, as the security section asks for them; every change is an entry of the log."""

    def __init__(self, desk: DeskParts, services: Services, vault: OpenVault) -> None:
        self._vaults, self._audit, self._keys = desk.vaults(), services.audit, vault.keys
        self._settings = services.settings

    def change_passphrase(self, current: str, new: str) -> None:
        self._vaults.change_passphrase(current, new)
        self._audit.note("passphrase.changed")

    def renew_recovery_key(self, passphrase: str) -> str:
        self._vaults.check_passphrase(passphrase)
        key = self._vaults.renew_recovery_key(self._keys)
        self._audit.note("recovery.renewed")
        self._settings.put("recovery.confirmed", False)  # a value
        return key

    def check_recovery_key(self, typed: str) -> None:
        self._vaults.check_recovery_key(typed)
        self._settings.put("recovery.confirmed", True)  # a value

    def save_recovery_sheet(self, path: Path, key: str) -> None:
        save_recovery_sheet(path, key, merchant=str(self._settings.get("merchant.name")))

    def remember(self) -> bool:
        return self._vaults.remember_on_this_machine(self._keys)

    def forget(self) -> None:
        self._vaults.forget_on_this_machine(self._keys)

    @property
    def remembered(self) -> bool:
        return self._vaults.remembered
