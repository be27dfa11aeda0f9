"""The inspection: a whole vault passes, and every kind of damage is named."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.models.base import now
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.integrity import FINDINGS, IntegrityService, Verdict
from app.services.sealing import BlindIndex, Sealer
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.words import set_language
from tests.drivers.trade import Trade

FACE = 20_000


@dataclass
class Books:
    vault: OpenVault
    service: IntegrityService

    def verdict(self, *, deep: bool = False) -> Verdict:
        return self.service.verify(deep=deep)

    def spoil(self, *statements: str) -> None:
        """Change rows behind everyone's back; CHECK constraints look away."""
        with self.vault.database.write(Topic.AUDIT) as session:
            session.execute(text("PRAGMA ignore_check_constraints=ON"))
            for statement in statements:
                session.execute(text(statement))
            session.execute(text("PRAGMA ignore_check_constraints=OFF"))

    def codes(self, *, deep: bool = False) -> set[str]:
        return {finding.code for finding in self.verdict(deep=deep).findings}


@pytest.fixture
def books(services: Services, vault: OpenVault) -> Books:
    """Cards handed out and released, redeemed in part and whole, one reversed, one voided, some frozen."""
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))
    trade = Trade(vault.database)
    mailed = services.batches.generate(BatchSpec(product, 1500))
    before = now() - timedelta(days=4)
    cards = trade.hand_out(product, 12, at=before, steps=(10, 9, 8, 7))
    released = services.batches.generate(BatchSpec(product, 20))
    trade.release(released, at=before)
    trade.redeem(cards[0], FACE, at=before + timedelta(days=1))
    entry = trade.redeem(cards[1], FACE // 2, at=before + timedelta(days=1))
    trade.redeem(cards[1], FACE // 2, at=before + timedelta(days=2), reverses=entry)
    trade.redeem(1505, FACE, at=before + timedelta(days=2))
    services.batches.freeze(mailed)
    services.cards.freeze(40)
    services.cards.void(1300, reason="坏")
    keys = vault.keys
    reader = CodeReader(vault.database, Sealer(keys))
    return Books(vault, IntegrityService(vault.database, services.audit, reader=reader, blind=BlindIndex(keys.blind)))


def test_a_whole_vault_has_no_findings(books: Books) -> None:
    heard: list[tuple[int, int]] = []
    verdict = books.service.verify(deep=True, progress=lambda done, total: heard.append((done, total)))
    assert (verdict.ok, verdict.findings) == (True, ())
    assert (verdict.checked["batches"], verdict.checked["blocks"], verdict.checked["codes"]) == (2, 3, 1520)
    assert verdict.checked["redemptions"] == 4
    assert heard[0] == (1, 8)
    assert heard[-1] == (3, 3)


def test_a_long_audit_log_is_walked_through_by_steps_that_can_be_stopped(books: Books) -> None:
    heard: list[int] = []
    entries = books.service.verify(progress=lambda done, _: heard.append(done)).checked["audit"]
    assert heard.count(1) == 1 + entries


def test_vouchers_with_uses_pass_too(services: Services, books: Books, vault: OpenVault) -> None:
    product = services.catalog.add(ProductSpec("提货券", "exchange", uses=3))
    services.batches.generate(BatchSpec(product, 5))
    Trade(vault.database, acts=100).hand_out(product, 2, at=now())
    assert books.verdict(deep=True).ok
    books.spoil("UPDATE card SET uses_left = 1 WHERE id = 1521")
    assert books.codes() == {"uses"}


def test_a_card_holds_more_than_its_face_only_by_what_was_put_onto_it(books: Books, vault: OpenVault) -> None:
    trade = Trade(vault.database, acts=100)
    put_on, paid_out = trade.pay(5, 3_000, at=now()), trade.pay(5, -1_000, at=now())
    assert books.verdict().ok
    books.spoil(f"UPDATE redemption SET kind = 'refunded' WHERE id = '{put_on}'")
    assert books.codes() == {"below-zero", "figure"}
    books.spoil(f"UPDATE redemption SET kind = 'topped_up' WHERE id = '{put_on}'")
    books.spoil(f"UPDATE redemption SET kind = 'redeemed' WHERE id = '{paid_out}'")
    assert books.codes() == {"adjusted", "figure"}


FAULTS = {
    "balance": ("UPDATE card SET balance_minor = 19999 WHERE id = 2", {"balance"}),
    "uses": ("UPDATE card SET uses_left = 0 WHERE id = 2", {"uses"}),
    "below-zero": ("UPDATE card SET balance_minor = -5 WHERE id = 5", {"below-zero", "balance", "file"}),
    "above-face": ("UPDATE card SET balance_minor = 20001 WHERE id = 5", {"below-zero", "balance"}),
    "adjusted": ("UPDATE card SET adjusted = 5 WHERE id = 5", {"adjusted"}),
    "state": ("UPDATE card SET state = 'spent' WHERE id = 3", {"state"}),
    "unspent": ("UPDATE card SET state = 'active' WHERE id = 1", {"state"}),
    "in-stock-but-used": ("UPDATE card SET state = 'in_stock' WHERE id = 1505", {"state", "figure"}),
    "stray-entry": ("DELETE FROM card WHERE id = 1505", {"stray-entry"}),
    "two-deliveries": ("UPDATE delivery SET card_id = 4 WHERE card_id = 5", {"two-deliveries"}),
    "delivery-card": ("UPDATE card SET state = 'in_stock' WHERE id = 6", {"delivery-card"}),
    "delivery-product": ("UPDATE delivery SET product_id = NULL WHERE card_id = 6", {"delivery-product"}),
    "no-such-card": ("UPDATE delivery SET card_id = 900 WHERE card_id = 12", {"delivery-card", "figure"}),
    "nobody": (
        "INSERT INTO card VALUES (60, 1, 'assigned', NULL, 20000, 1, NULL, 0, 0, NULL)",
        {"nobody"},
    ),
    "figure": ("UPDATE daily_figure SET count = count + 1 WHERE metric = 'claimed'", {"figure"}),
    "amount": ("UPDATE daily_figure SET amount_minor = 7 WHERE metric = 'reversed'", {"figure"}),
    "lost-figure": ("DELETE FROM daily_figure WHERE metric = 'issued'", {"figure"}),
    "unanswered": ("UPDATE outbox_op SET state = 'applied' WHERE id = 1", {"outbox"}),
    "no-problem": ("UPDATE outbox_op SET state = 'rejected', answered_at = 1 WHERE id = 1", {"outbox"}),
    "never-began": ("UPDATE outbox_op SET state = 'in_flight' WHERE id = 1", {"outbox"}),
    "batch-count": ("UPDATE batch SET made = 1499 WHERE id = 1", {"batch-count"}),
    "lost-block": ("DELETE FROM code_block WHERE batch_id = 1 AND no = 1", {"batch-count"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(books: Books, fault: str) -> None:
    statement, expected = FAULTS[fault]
    books.spoil(statement)
    assert books.codes() == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET subject = 'B1' WHERE id = 3",
        "DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)",
    ],
)
def test_a_changed_audit_log_is_named(books: Books, statement: str) -> None:
    with books.vault.database.read() as session:
        wanted = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'")
        triggers = list(session.scalars(wanted))
    books.spoil(*(f"DROP TRIGGER {name}" for name in triggers), statement)
    assert books.codes() == {"audit"}


def test_a_row_that_points_nowhere_is_a_finding(books: Books) -> None:
    with books.vault.database.schema_change() as connection:  # keys can be switched off outside a transaction only
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("UPDATE delivery SET person_id = 9999 WHERE card_id = 12")
        raw.execute("PRAGMA foreign_keys=ON")
    assert books.codes() == {"file"}


DEEP = {
    "block": ("UPDATE code_block SET sealed = zeroblob(length(sealed)) WHERE batch_id = 1 AND no = 1", {"block"}),
    "other-key": ("UPDATE batch SET data_key = zeroblob(60) WHERE id = 2", {"block"}),
    "moved": (
        "UPDATE code_block SET sealed = (SELECT sealed FROM code_block WHERE batch_id = 2) WHERE no = 0",
        {"block"},
    ),
    "unindexed": (
        "DELETE FROM card_key WHERE card_id = 7",
        {"code-unindexed", "index-count"},
    ),
    "elsewhere": (
        "UPDATE card_key SET card_id = CASE card_id WHEN 7 THEN 8 ELSE 7 END WHERE card_id IN (7, 8)",
        {"code-elsewhere"},
    ),
    "too-many": ("INSERT INTO card_key VALUES (randomblob(16), 77)", {"index-count"}),
    "beyond": ("INSERT INTO card_key VALUES (randomblob(16), 770000)", {"index-count"}),
}


@pytest.mark.parametrize("fault", DEEP)
def test_a_fault_in_the_codes_is_found_deep_down(books: Books, fault: str) -> None:
    statement, expected = DEEP[fault]
    books.spoil(statement)
    assert books.codes() == set()
    assert books.codes(deep=True) == expected


def test_a_block_that_does_not_open_hides_no_other(books: Books) -> None:
    books.spoil("UPDATE code_block SET sealed = zeroblob(9)")
    assert [finding.detail for finding in books.verdict(deep=True).findings] == ["0", "1", "0"]


def test_a_damaged_page_of_the_file_is_a_finding(books: Books) -> None:
    path = books.vault.database.path
    with books.vault.database.schema_change() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    books.vault.database.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(64))
    verdict = books.verdict()
    assert not verdict.ok
    assert "file" in {finding.code for finding in verdict.findings}


def test_a_finding_is_a_sentence_in_both_languages(books: Books) -> None:
    books.spoil("UPDATE card SET balance_minor = 19999 WHERE id = 2")
    set_language("en")
    [finding] = books.verdict().findings
    assert str(finding).endswith("-000002: the balance does not follow from the ledger (19999 ≠ 20000)")
    set_language("zh_CN")
    assert "余额" in str(finding)
    assert finding.code in FINDINGS
