"""Scenes of distributions and people: lists, one in detail, the nine steps of the wizard, importing people."""

from pathlib import Path
from typing import Any

from build_scripts.scenes.post import slow_post
from build_scripts.scenes.samples import damaged_roster, long_roster
from build_scripts.scenes.stage import Scene, Stage

FIXED, VARIABLE = 1, 3
MAIL = {
    "host": "smtp.example.cn",
    "port": 465,
    "security": "tls",
    "user": "hr@example.cn",
    "password": "not a real one",
    "sender": "hr@example.cn",
    "sender_name": "Moonlight Foods",
}


def distribution(stage: Stage) -> None:
    page = stage.go("distribution")
    stage.shoot("list")
    page.list.state_box.setCurrentIndex(1)
    page.list.channel_box.setCurrentIndex(1)
    stage.shoot("list-filtered")
    page.show_detail(1)
    stage.shoot("detail")
    page.detail.table.go_to_row(2)
    page.detail.ask_to_recall()
    stage.shoot("recall")
    stage.clear()
    page.detail.search.setText("xue")
    page.detail.state_box.setCurrentIndex(3)
    stage.shoot("detail-filtered")


def mending(stage: Stage) -> None:
    """A failure and what mends it, another channel, a reminder."""
    page = stage.go("distribution")
    page.show_detail(1)
    detail = page.detail
    detail.failed_button.click()
    stage.settle()
    failed = detail.table.rows.ids[0]
    detail.table.go_to_row(0)
    detail.open_record(failed)
    stage.shoot("failed")
    detail.acts.mend_field(detail.table.current_row(), "email")
    stage.shoot("address")
    stage.clear()
    detail.drawer.shut()
    detail.ask_for_channel()
    stage.shoot("channel")
    stage.clear()
    detail.acts.remind()
    stage.shoot("remind")


def person(stage: Stage) -> None:
    page = stage.go("people")
    page.table.go_to_row(0)
    page.open_record(page.table.rows.ids[0])
    stage.shoot()
    page.ask_to_forget([page.table.rows.ids[0]], page.drawer.heading.text())
    stage.shoot("forget")
    stage.clear()
    page.drawer.shut()
    page.search.setText("zzzz")
    stage.shoot("none")


def import_people(stage: Stage) -> None:
    page = stage.go("people")
    dialog = page.ask_for_list()
    stage.shoot()
    dialog.read(damaged_roster(Path(stage.scratch)))
    stage.shoot("damaged")
    dialog.store()
    stage.shoot("stored")


def wizard(stage: Stage) -> None:
    """The nine steps with a faulty list, by file; on the way every channel."""
    page = stage.go("distribution", "new")
    stage.shoot("1-load")
    page.begin(damaged_roster(Path(stage.scratch)))
    stage.shoot("1-loaded")
    wizard = page.wizard
    wizard.go_on()
    stage.shoot("2-columns")
    wizard.go_on()
    stage.shoot("3-check")
    _scrolled(stage, wizard, "3-check")
    wizard.go_on()
    stage.shoot("4-assign")
    wizard.go_on()
    stage.shoot("4-assign-lacking")
    wizard.assign.group.button(VARIABLE).click()
    stage.shoot("4-assign-variable")
    wizard.assign.group.button(FIXED).click()
    stage.shoot("4-assign-chosen")
    wizard.go_on()
    _channels(stage, wizard)
    wizard.go_on()
    stage.shoot("6-when")
    wizard.when.later.setChecked(True)
    stage.shoot("6-when-later")
    wizard.when.now.setChecked(True)
    wizard.go_on()
    stage.shoot("7-confirm")
    wizard.confirm.entry.setText("1")
    wizard.go_on()
    stage.shoot("7-confirm-mistyped")
    wizard.confirm.entry.setText(str(wizard.confirm.plan.people))
    wizard.go_on()
    stage.settle()
    stage.shoot("9-receipt")


def wizard_rules(stage: Stage) -> None:
    """By department, with a budget that does not do, and mails in parts at night."""
    page = stage.go("distribution", "new")
    wizard = page.wizard
    with slow_post() as setting:
        stage.services.settings.put("mail.server", setting)
        page.begin(long_roster(Path(stage.scratch)))
        _to_assign(stage, wizard)
        wizard.assign.by_department.click()
        stage.shoot("empty")
        for at, product in ((0, FIXED), (1, VARIABLE)):
            if at:
                wizard.assign.editor.add_button.click()
            rule = wizard.assign.editor.lines[-1]
            rule.departments.tick(("研发部", "市场部")[at])
            rule.product.setCurrentIndex(rule.product.findData(product))
            stage.settle()
        wizard.assign.budget.setText("1000")
        wizard.assign.budget.textEdited.emit("1000")
        stage.shoot("over-budget")
        _scrolled(stage, wizard, "over-budget")
        wizard.assign.generate()
        wizard.assign.budget.setText("")
        wizard.assign.budget.textEdited.emit("")
        stage.settle()
        wizard.go_on()
        wizard.channel.tiles["email"].click()
        stage.settle()
        wizard.channel.mail.try_out()
        stage.shoot("trial")
        stage.clear()
        wizard.go_on()
        wizard.when.in_parts.setChecked(True)
        stage.shoot("parts")
        wizard.go_on()
        stage.shoot("confirm")
        _scrolled(stage, wizard, "confirm")


def wizard_short(stage: Stage) -> None:
    """More people than cards."""
    page = stage.go("distribution", "new")
    page.begin(long_roster(Path(stage.scratch)))
    _to_assign(stage, page.wizard)
    page.wizard.assign.group.button(FIXED).click()
    stage.shoot()
    page.wizard.assign.generate()
    stage.shoot("generated")
    page.show_list()
    stage.shoot("draft")


def wizard_mail(stage: Stage) -> None:
    """Mails under way, paused, and what became of them, with two addresses nobody knows."""
    page = stage.go("distribution", "new")
    wizard = page.wizard
    with slow_post() as setting:
        stage.services.settings.put("mail.server", setting)
        page.begin(damaged_roster(Path(stage.scratch)))
        _to_assign(stage, wizard)
        wizard.assign.group.button(FIXED).click()
        wizard.assign.again.setChecked(True)
        stage.settle()
        wizard.go_on()
        wizard.channel.tiles["email"].click()
        for _ in range(2):
            stage.settle()
            wizard.go_on()
        stage.settle()
        wizard.confirm.entry.setText(str(wizard.confirm.plan.people))
        wizard.go_on()
        panel = wizard.sending.panel
        stage.wait(lambda: panel.row is not None and panel.row.sent > 1)
        stage.shoot("under-way", busy=True)
        panel.pause()
        stage.shoot("paused", busy=True)
        page.show_list()
        stage.shoot("list", busy=True)
        page.show_wizard()
        panel.go_on()
        stage.shoot("receipt")
        page.show_detail(wizard.receipt.row.id)
        stage.shoot("detail")


def _to_assign(stage: Stage, wizard: Any) -> None:
    """From a list that was dropped to the step where it gets its product."""
    for _ in range(3):
        stage.settle()
        wizard.go_on()
    stage.settle()


def _channels(stage: Stage, wizard: Any) -> None:
    wizard.channel.tiles["print"].click()
    stage.shoot("5-channel-print")
    stage.services.settings.put("mail.server", {})
    wizard.channel.tiles["email"].click()
    stage.shoot("5-channel-email-not-set-up")
    stage.services.settings.put("mail.server", MAIL)
    wizard.back()
    wizard.go_on()
    stage.shoot("5-channel-email")
    _scrolled(stage, wizard, "5-channel-email")
    wizard.channel.tiles["file"].click()
    wizard.channel.folder.setText(str(stage.scratch))
    stage.shoot("5-channel-file")
    wizard.channel.protect.setChecked(True)
    stage.shoot("5-channel-file-protected")
    wizard.channel.protect.setChecked(False)


def _scrolled(stage: Stage, wizard: Any, detail: str) -> None:
    """The rest of a step that is higher than its room."""
    bar = wizard.pages.currentWidget().verticalScrollBar()
    if bar.maximum() > 0:
        bar.setValue(bar.maximum())
        stage.shoot(f"{detail}-below")


SCENES = (
    Scene("distribution", distribution),
    Scene("mending", mending),
    Scene("person", person),
    Scene("import-people", import_people),
)
WIZARD = (
    Scene("wizard", wizard),
    Scene("wizard-rules", wizard_rules),
    Scene("wizard-short", wizard_short),
    Scene("wizard-mail", wizard_mail),
)
