"""Is the vault whole? File, audit chain, and that all books say the same; on request every sealed code."""

from collections.abc import Callable, Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import VaultDamaged
from app.models.batch import Batch, Card
from app.models.database import Database
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp
from app.models.redemption import DailyFigure, Redemption
from app.services.audit import AuditLog
from app.services.cards.codes import CodeReader
from app.services.integrity import books
from app.services.integrity.deep import DeepCheck
from app.services.integrity.rows import FEW, FINDINGS, Finding, Verdict
from app.services.progress import Progress, unwatched
from app.services.sealing import BlindIndex

Check = Callable[[Session], Iterable[Finding]]
CHECKS: tuple[Check, ...] = (
    books.batch_counts,
    books.balances,
    books.states,
    books.deliveries,
    books.figures,
    books.outbox,
)
COUNTED = {
    "batches": Batch,
    "cards": Card,
    "redemptions": Redemption,
    "deliveries": Delivery,
    "figures": DailyFigure,
    "ops": OutboxOp,
}


class IntegrityService:
    def __init__(self, database: Database, audit: AuditLog, *, reader: CodeReader, blind: BlindIndex) -> None:
        self._database = database
        self._audit = audit
        self._reader = reader
        self._blind = blind

    def verify(self, *, deep: bool = False, progress: Progress = unwatched) -> Verdict:
        """Look at everything and change nothing. `deep` opens every block, about a second for 200,000 codes.

        A file that cannot be read any more is a finding, not an error; the rest is then left out.
        """
        steps = len(CHECKS) + 2
        checked: dict[str, int] = {}
        findings = self._file()
        progress(1, steps)
        try:
            audit = self._audit.verify(lambda *_: progress(1, steps))  # a counter's log is as long as its ledger
            checked["audit"] = audit.entries
            findings += [Finding("audit", detail=found) for found in audit.findings]
            progress(2, steps)
            findings += self._books(checked, progress)
            if deep:
                findings += self._deep(checked, progress)
        except VaultDamaged:
            findings = findings or [Finding("file", detail="malformed")]
        return Verdict(not findings, tuple(findings), checked)

    def _file(self) -> list[Finding]:
        try:
            return [Finding("file", detail=found) for found in self._database.findings()[:FEW]]
        except VaultDamaged:
            return [Finding("file", detail="malformed")]

    def _books(self, checked: dict[str, int], progress: Progress) -> list[Finding]:
        """All checks see one snapshot."""
        findings: list[Finding] = []
        with self._database.read() as session:
            for name, table in COUNTED.items():
                checked[name] = session.scalar(select(func.count()).select_from(table)) or 0
            for done, check in enumerate(CHECKS, 3):
                findings += check(session)
                progress(done, len(CHECKS) + 2)
        return findings

    def _deep(self, checked: dict[str, int], progress: Progress) -> list[Finding]:
        check = DeepCheck(self._reader, self._blind, progress)
        with self._database.read() as session:
            findings = list(check.findings(session))
        checked |= {"blocks": check.blocks, "codes": check.codes}
        return findings


__all__ = ["FINDINGS", "Finding", "IntegrityService", "Verdict"]
