"""The merchant's settings: what is saved together is stored together."""

from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.jobs import JobRunner
from app.views.settings.merchant import MerchantSection


def test_name_phone_and_purpose_are_saved_in_one_go(qtbot: QtBot, services: Services, vault: OpenVault) -> None:
    """A fault between them would leave a new name beside an old phone."""
    told: list[frozenset[Topic]] = []
    vault.database.subscribe(told.append)
    jobs = JobRunner()
    section = MerchantSection(services.settings, jobs=jobs)
    qtbot.addWidget(section)
    section.name.setText("  新名 ")
    section.phone.setText("4008001234")
    section.purpose.setCurrentIndex(section.purpose.findData("welfare"))
    section.save()
    qtbot.waitUntil(lambda: jobs.idle, timeout=20_000)
    jobs.stop()
    merchant = services.settings.merchant()
    assert (merchant.name, merchant.phone, merchant.purpose) == ("新名", "4008001234", "welfare")
    assert told == [frozenset({Topic.SETTINGS, Topic.AUDIT})]
