"""Scenes of the window around the pages: every page of the rail, palette, keys, menus, toasts, a crash."""

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from app.bootstrap.workspace import FOOT, ORDERS
from app.errors import EndpointUnreachable
from app.views.main_window.specs import SyncStatus
from app.views.widgets.toast import toast
from app.words import tr
from build_scripts.scenes.stage import Scene, Stage

PAGES = (*ORDERS["welfare"], *FOOT)


def pages(stage: Stage) -> None:
    for key in PAGES:
        stage.go(key)
        stage.shoot(key)


def folded(stage: Stage) -> None:
    assert stage.window.view is not None, "a vault is open"
    stage.window.view.fold()
    stage.window.set_badge("sync", 2)
    stage.window.set_sync(SyncStatus("warn", tr("Offline"), tr("Offline: everything but syncing works")))
    stage.go("catalog")
    stage.shoot()
    stage.window.set_badge("sync", 0)
    stage.window.set_sync(SyncStatus("ok", tr("Synced {at}", at="10:32")))


def palette(stage: Stage) -> None:
    box = stage.window.palette_box
    assert box is not None, "a vault is open"
    stage.go("home")
    box.pop_up()
    stage.shoot()
    for detail, words in (("people", "xue"), ("card", _serial(stage)), ("nothing", "没有这个"), ("commands", ">")):
        box.pop_up(words)
        stage.shoot(detail)


def keys(stage: Stage) -> None:
    stage.go("batches")
    stage.window.show_keys()
    stage.shoot()


def menus(stage: Stage) -> None:
    stage.go("catalog")
    for number, act in enumerate(stage.window.menuBar().actions()):
        menu = act.menu()
        if isinstance(menu, QMenu):
            menu.popup(stage.window.menuBar().mapToGlobal(stage.window.menuBar().actionGeometry(act).bottomLeft()))
            stage.shoot(str(number + 1))
            menu.close()


def row_menu(stage: Stage) -> None:
    page = stage.go("batches")
    page.table.go_to_row(1)
    menu = page.table.context_menu()
    menu.popup(page.table.mapToGlobal(QPoint(320, 160)))
    stage.shoot()


def toasts(stage: Stage) -> None:
    page = stage.go("batches")
    page.freeze(page.table.rows.ids[0])
    stage.settle()
    toast(stage.window, tr("Copied. The clipboard is cleared in 30 seconds."))
    stage.window.show_refusal(EndpointUnreachable("https://card.example.cn"))
    toast(stage.window, tr("This system has no keychain that answers."), tone="error")
    stage.shoot()
    page.thaw(page.table.rows.ids[0])
    stage.settle()


def crash(stage: Stage) -> None:
    stage.go("home")
    stage.window.show_crash(ValueError())
    stage.shoot()


def locked(stage: Stage) -> None:
    stage.desk.lock()
    stage.shoot()
    stage.page.passphrase.entry.setText("wrong")
    stage.page.unlock()
    stage.shoot("wrong")
    stage.reopen()


def _serial(stage: Stage) -> str:
    return stage.services.batches.batches()[0].serial + "-000003"


EMPTY = (Scene("empty", pages, "new"),)
SCENES = (
    Scene("page", pages),
    Scene("folded", folded),
    Scene("palette", palette),
    Scene("keys", keys),
    Scene("menu", menus),
    Scene("row-menu", row_menu),
    Scene("toasts", toasts),
    Scene("crash", crash),
    Scene("locked", locked),
)
