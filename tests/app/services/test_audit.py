"""The audit log shows every later change."""

import pytest
from sqlalchemy import text

from app.services import Services
from app.services.vault.vaults import OpenVault
from app.topics import Topic

UNLOCK = ("audit_entry_no_update", "audit_entry_no_delete", "audit_checkpoint_no_delete")


def tamper(vault: OpenVault, *statements: str) -> None:
    """What somebody with the file key and SQL could do: drop the triggers and write."""
    with vault.database.write(Topic.AUDIT) as session:
        for trigger in UNLOCK:
            session.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
        for statement in statements:
            session.execute(text(statement))


@pytest.fixture
def filled(services: Services) -> Services:
    for number in range(12):
        services.audit.note("setting.changed", subject=f"look.{number}", after=number)
    return services


def test_an_untouched_log_holds(filled: Services) -> None:
    verdict = filled.audit.verify()
    assert (verdict.ok, verdict.entries, verdict.checkpoints) == (True, 12, 1)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE audit_entry SET action = 'nothing' WHERE id = 5", "changed: 5"),
        ("UPDATE audit_entry SET details = '{}' WHERE id = 5", "changed: 5"),
        ("UPDATE audit_entry SET at = at + 1 WHERE id = 5", "changed: 5"),
        ("DELETE FROM audit_entry WHERE id = 5", "gap: 6"),
        ("DELETE FROM audit_entry WHERE id > 9", "truncated: 10"),
        ("DELETE FROM audit_entry", "missing: 1"),
        ("UPDATE audit_entry SET mac = randomblob(32) WHERE id = 12", "mac: 12"),
    ],
)
def test_a_change_is_found(filled: Services, vault: OpenVault, statement: str, finding: str) -> None:
    tamper(vault, statement)
    assert filled.audit.verify().findings == (finding,)


def test_the_file_itself_refuses_changes(filled: Services, vault: OpenVault) -> None:
    from sqlalchemy.exc import DatabaseError

    with pytest.raises(DatabaseError, match="append-only"), vault.database.write(Topic.AUDIT) as session:
        session.execute(text("DELETE FROM audit_entry"))


def test_a_chain_forged_with_today_s_key_is_found(filled: Services, vault: OpenVault) -> None:
    """Whoever steals the current ratchet key cannot write a past that verifies."""
    tamper(vault, "DELETE FROM audit_entry WHERE id > 5")
    filled.audit.note("setting.changed", subject="forged")
    assert not filled.audit.verify().ok


def test_a_page_is_newest_first(filled: Services) -> None:
    assert [row.id for row in filled.audit.rows(limit=3)] == [12, 11, 10]
    assert [row.id for row in filled.audit.rows(before_id=10, limit=2)] == [9, 8]


def test_people_are_digests(services: Services) -> None:
    assert services.audit.digest_of("13800138000") == services.audit.digest_of("13800138000")
    assert len(services.audit.digest_of("13800138000")) == 16
