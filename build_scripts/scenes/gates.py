"""Scenes before a vault is open: the first run, unlocking, and their dialogs."""

from app.bootstrap.demo import PASSPHRASE
from build_scripts.scenes.stage import Scene, Stage

MAKING_S = 120.0
"""A whole demo is made, which takes half a minute."""


def first_run(stage: Stage) -> None:
    stage.shoot("1-welcome")
    page = stage.page
    page.go_on()
    page.passphrase.entry.setText("password1")
    page.go_on()
    stage.shoot("2-passphrase-weak")
    page.passphrase.entry.setText(PASSPHRASE)
    stage.shoot("2-passphrase")
    page.go_on()
    stage.shoot("3-recovery")
    page.groups[0].setText("XXXX")
    page.go_on()
    stage.shoot("3-recovery-wrong")
    page.later.setChecked(True)
    page.go_on()
    stage.shoot("4-shop")
    page.go_on()
    stage.shoot("4-shop-empty")


def restore(stage: Stage) -> None:
    stage.page.ask_for_backup()
    dialog = stage.dialog
    stage.shoot()
    dialog.restore()
    stage.shoot("no-file")


def demo(stage: Stage) -> None:
    """The last over an empty folder: from here on a vault is open."""
    stage.page.demo_button.click()
    stage.wait(lambda: stage.window.view is not None, MAKING_S)
    stage.shoot()


def unlock(stage: Stage) -> None:
    stage.shoot()
    stage.page.passphrase.entry.setText("wrong")
    stage.page.unlock()
    stage.shoot("wrong")


def recovery(stage: Stage) -> None:
    stage.page.ask_recovery_key()
    dialog = stage.dialog
    stage.shoot()
    dialog.key.setText("K7QX-ABCD-EFGH")
    dialog.passphrase.entry.setText("three quiet words more")
    dialog.open_button.click()
    stage.shoot("wrong")


SCENES = (
    Scene("first-run", first_run, "nothing", shut=True),
    Scene("restore", restore, "nothing", shut=True),
    Scene("demo", demo, "nothing", shut=True),
    Scene("unlock", unlock, "demo", shut=True),
    Scene("recovery", recovery, "demo", shut=True),
)
