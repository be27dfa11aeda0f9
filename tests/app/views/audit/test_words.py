"""Entries of the audit log as people read them, in both languages."""

from datetime import UTC, datetime

import pytest

from app.services.audit import AuditRow
from app.views.audit.words import details, subject, who
from app.words import set_language

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
FINGERPRINT = "87d9603722c59cad7698f46d15bac247d70159d99fc4bddf985606c4f365b442"


def entry(action: str, about: str = "", **known: object) -> AuditRow:
    return AuditRow(1, AT, "owner", action, about, known)


@pytest.mark.parametrize(
    ("row", "about", "words"),
    [
        (entry("card.revealed", "B261125-01-000005", reason="抽查"), "B261125-01-000005", "原因：抽查"),
        (entry("batch.started", "B1", cards=400_000, format="STANDARD"), "B1", "张数：400,000 · 格式：标准"),
        (
            entry("codes.exported", "B1", plain=True, sha256=FINGERPRINT),
            "B1",
            "完整卡密：是 · 文件指纹 (SHA-256)：87d9603722c59cad",
        ),
        (entry("codes.imported", "B1", file=FINGERPRINT), "B1", "文件：87d9603722c59cad"),
        (entry("product.added", "product:3", name="中秋福利卡"), "商品 3", "名称：中秋福利卡"),
        (entry("person.left", "person:12", people=[12, 13]), "人员 12", "人数：2"),
        (
            entry("setting.changed", "merchant.purpose", before="sell", after="shop"),
            "这台电脑的用途",
            "改前：卖卡 · 改后：门店核销",
        ),
        (
            entry("setting.changed", "backup.last", before=None, after="2026-11-29T22:45:03.474000+00:00"),
            "上次备份",
            "改前：-- · 改后：2026-11-30 06:45",
        ),
        (
            entry("setting.changed", "look.language", before="zh_CN", after="en"),
            "语言",
            "改前：简体中文 · 改后：English",
        ),
        (entry("setting.changed", "backup.on_exit", before=True, after=False), "关闭程序时备份", "改前：是 · 改后：否"),
        (entry("setting.changed", "counter.place", before="", after="前台"), "核销台所在地点", "改前：-- · 改后：前台"),
        (entry("distribution.prepared", "中秋", channel="email", cards=5), "中秋", "渠道：邮件 · 张数：5"),
        (entry("batch.started", "B1", format="KX-####-####"), "B1", "格式：KX-####-####"),
        (entry("vault.opened"), "", ""),
    ],
)
def test_an_entry_is_told_in_chinese(row: AuditRow, about: str, words: str) -> None:
    assert (subject(row), details(row)) == (about, words)


def test_the_same_entry_in_english() -> None:
    set_language("en")
    row = entry("setting.changed", "backup.on_exit", before=True, after=False)
    assert (who(row), subject(row)) == ("Owner", "Back up when the program is closed")
    assert details(row) == "Before: Yes · After: No"
