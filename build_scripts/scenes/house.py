"""Scenes of the house: sync with its queue, tasks, audit, every section of the settings."""

from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtWidgets import QScrollArea

from app.bootstrap.demo import PASSPHRASE
from app.errors import OldEndpointSilent
from app.services.batches import BatchSpec
from app.services.cloud.devices import Invitation
from app.services.outbox import enqueue
from app.services.settings import store
from app.topics import Topic
from app.views.sync.leaving import ask_to_leave
from app.words import language
from build_scripts.scenes.giving import MAIL
from build_scripts.scenes.stage import Scene, Stage
from sync.client import SyncClient, new_incarnation

SECTIONS = ("merchant", "counter", "security", "backups", "mail", "look", "about")
FIXED = 1
MANY = 400_000
OTHERS = {
    "zh_CN": ("门店一 · 前台电脑", "财务", "人事部"),
    "en": ("Shop one, front counter", "Accounts", "Human resources"),
}
UNKNOWN_BATCH = "0199d1a0-0000-7000-8000-000000000000"


def sync(stage: Stage) -> None:
    page = stage.go("sync")
    page.connect_cloud()
    dialog = stage.dialog
    stage.shoot("connect")
    dialog.url.setText("http://card.example.cn")
    dialog.code.setText("ABCD-EFGH")
    dialog.connect_now()
    stage.shoot("connect-refused")
    silent = OldEndpointSilent("https://card.example.cn", "card.example.cn", datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    dialog.refuse(silent)
    stage.shoot("connect-silent")
    stage.clear()
    ask_to_leave(page, silent, then=lambda: None)
    stage.shoot("leave")
    stage.clear()
    stage.services.cloud.start_embedded()
    with stage.vault.database.write(Topic.OUTBOX) as session:
        enqueue(session, "batch.thaw@1", aggregate="batch:99", body={"batch_id": UNKNOWN_BATCH})
    page.sync()
    stage.shoot("refused")
    stage.services.batches.freeze(stage.services.batches.batches()[0].id)
    stage.settle()
    page.table.go_to_row(0)
    page.open_record(page.table.rows.ids[0])
    stage.shoot("waiting")
    page.withdraw(page.table.rows.ids[0])
    stage.shoot("withdraw")
    stage.clear()
    page.drawer.shut()
    page.stop_embedded()
    stage.shoot("stop")
    stage.clear()
    with stage.offline():
        page = stage.go("sync")
        page.sync()
        stage.shoot("offline")


def folding(stage: Stage) -> None:
    """The cards of the sync page, and the line in their place, whatever the height of the window."""
    page = stage.go("sync")
    page.overview.line.unfold_button.click()
    stage.shoot("unfolded")
    page.overview.endpoint.fold_button.click()
    stage.shoot("folded")


def devices(stage: Stage) -> None:
    """A second desktop's whole story: let in, seen in the list, changed, revoked."""
    cloud, service = stage.services.cloud, stage.services.devices
    cloud.start_embedded()
    cloud.sync()
    for role, name in zip(("clerk", "manager", "distributor"), OTHERS[language()], strict=True):
        joined(service.invite(role, name))
    service.revoke(service.listed()[2])
    page = stage.go("sync")
    page.show_devices()
    stage.shoot("list")
    page.devices.open_record(1)
    stage.shoot("one")
    page.drawer.shut()
    page.devices.add()
    stage.shoot("add")
    stage.dialog.name.setText(OTHERS[language()][0])
    stage.dialog.invite()
    stage.settle()
    stage.shoot("code")
    stage.clear()
    page.devices.change_role(1)
    stage.shoot("role")
    stage.clear()
    page.devices.rename(1)
    stage.shoot("rename")
    stage.clear()
    page.devices.revoke(1)
    stage.shoot("revoke")
    stage.clear()


def devices_troubles(stage: Stage) -> None:
    """What the page says of a vault that lives twice, and on a device that was revoked."""
    stage.services.cloud.start_embedded()
    stage.services.cloud.sync()
    page = stage.go("sync")
    _put(stage, "cloud.twin_since", "2026-11-20T09:30:00+00:00")
    stage.shoot("twin")
    page.settle_twin()
    stage.shoot("settle")
    stage.clear()
    _put(stage, "cloud.last_problem", "device-revoked")
    stage.shoot("revoked")
    page.connect_cloud()
    stage.shoot("pair-again")
    stage.clear()
    _put(stage, "cloud.twin_since", None)
    _put(stage, "cloud.last_problem", "")


def tasks(stage: Stage) -> None:
    stage.go("audit").verify()
    job = stage.go("batches").generate(BatchSpec(FIXED, MANY))
    stage.window.go("tasks")
    stage.shoot("running", busy=True)
    job.cancel()
    stage.shoot("ended")


def audit(stage: Stage) -> None:
    page = stage.go("audit")
    stage.shoot("before")
    page.verify()
    stage.shoot("verified")
    page.filters.action_box.setCurrentIndex(3)
    stage.shoot("filtered")


def settings(stage: Stage) -> None:
    for section in SECTIONS:
        stage.go("settings", section)
        stage.shoot(section)


def settings_acts(stage: Stage) -> None:
    page = stage.go("settings", "backups")
    section = _section(page)
    section.back_up()
    stage.shoot("backed-up")
    section.try_restore()
    stage.shoot("trial")
    stage.go("settings", "security")
    section = _section(page)
    section.new.entry.setText("three quiet words more")
    section.change()
    stage.shoot("passphrase-wrong")
    section.renew()
    dialog = stage.dialog
    stage.shoot("renew")
    dialog.passphrase.entry.setText(PASSPHRASE)
    dialog.renew_button.click()
    stage.shoot("renewed")
    stage.clear()
    section.check()
    stage.dialog.key.setText("ZRN8 nkja 4EM7")
    stage.dialog.check_button.click()
    stage.shoot("check-wrong")
    stage.clear()
    _set_a_pin(stage)
    stage.services.settings.put("mail.server", MAIL)
    stage.window.rebuild()
    page = stage.go("settings", "mail")
    stage.shoot("mail")
    section = _section(page)
    section.host.setText("127.0.0.1")
    section.password.entry.setText("not a real one")
    section.test_connection()
    stage.shoot("mail-refused")
    section.remove()
    stage.shoot("mail-remove")


def _set_a_pin(stage: Stage) -> None:
    page = stage.go("settings", "counter")
    section = _section(page)
    section.set_pin()
    dialog = stage.dialog
    stage.shoot("pin")
    dialog.first.setText("1111")
    dialog.second.setText("1111")
    dialog.passphrase.entry.setText(PASSPHRASE)
    dialog.verb_button.click()
    stage.shoot("pin-weak")
    dialog.first.setText("270815")
    dialog.second.setText("270815")
    dialog.verb_button.click()
    stage.settle()
    section.uses.setValue(500)
    section.save()
    stage.shoot("pin-asked")
    section.remove_pin()
    stage.shoot("pin-remove")
    stage.clear()


def _put(stage: Stage, key: str, value: str | None) -> None:
    with stage.vault.database.write(Topic.CLOUD) as session:
        store(session, key, value)


def joined(invitation: Invitation) -> None:
    """As another machine does."""
    client = SyncClient(invitation.url)
    key, code = Ed25519PrivateKey.generate(), invitation.code.reveal()
    client.enroll(code, device_name="", key=key, incarnation=new_incarnation())
    client.close()


def _section(page: Any) -> Any:
    """What stands in the tab in front."""
    area = page.tabs.currentWidget().findChild(QScrollArea)
    return area.widget()


SCENES = (
    Scene("sync", sync),
    Scene("folding", folding),
    Scene("devices", devices),
    Scene("devices-troubles", devices_troubles),
    Scene("tasks", tasks),
    Scene("audit", audit),
    Scene("settings", settings),
    Scene("settings-acts", settings_acts),
)
