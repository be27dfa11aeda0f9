"""Runs: one at a time for each distribution, resumable after a pause, a cancel or a crash."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import select, update

from app.errors import AppError, DistributionRunning, JobCancelled, NoEndpoint
from app.models.base import now
from app.models.catalog import Product
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.services.audit import AuditLog
from app.services.cards.codes import CodeReader
from app.services.channels import ON_PAPER, PaperChannel
from app.services.channels.email import EmailChannel, MailServer
from app.services.distribution.delivering import PaperRun, RunFacts, back_to_prepared, drop_dead_cards
from app.services.distribution.linking import LinkMaker
from app.services.distribution.listing import distribution_rows, found
from app.services.distribution.mailing import MailRun, PhonePage, release
from app.services.distribution.rows import Delivered, DistributionRow
from app.services.progress import Progress
from app.services.secret import Secret
from app.services.settings import SettingService
from app.topics import Topic


class CloudDoor(Protocol):
    """What a distribution needs of the endpoint."""

    def public_url(self) -> str | None:
        """Base address of the phone page; None when there is no endpoint."""

    def push_links(self, distribution_id: int, progress: Progress) -> None:
        """Push the waiting links of a distribution and everything they need. Raises an AppError when it cannot."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The ways out that exist."""

    file: PaperChannel
    print: PaperChannel
    email: EmailChannel


class Runs:
    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        *,
        reader: CodeReader,
        cloud: CloudDoor,
        settings: SettingService,
        channels: Channels,
    ) -> None:
        self._database, self._audit, self._reader = database, audit, reader
        self._cloud, self._settings, self._channels = cloud, settings, channels
        self._running: set[int] = set()
        self._lock = threading.Lock()

    def deliver(self, distribution_id: int, progress: Progress, *, zip_password: Secret | None) -> Delivered:
        """Hand everything that waits to the channel; on a refusal or a cancel the rest goes on waiting."""
        with self._alone(distribution_id):
            before = self._start(distribution_id)
            files: tuple[Path, ...] = ()
            try:
                facts = self._facts(distribution_id)
                if facts.distribution.channel in ON_PAPER:
                    files = self._on_paper(facts, zip_password, progress)
                else:
                    self._by_mail(facts, progress)
            except (AppError, JobCancelled):
                self._stop(distribution_id)
                raise
            after = self._finish(distribution_id)
        return Delivered(
            sent=after.sent - before.sent,
            failed=after.failed,
            uncertain=after.uncertain,
            left=after.prepared,
            files=tuple(str(path) for path in files),
        )

    def make_links(self, distribution_id: int, channel: str, progress: Progress) -> None:
        if channel not in ON_PAPER:
            merchant_id = UUID(self._settings.merchant().id)
            LinkMaker(self._database, self._reader, merchant_id).make(distribution_id, progress)

    @contextmanager
    def _alone(self, distribution_id: int) -> Iterator[None]:
        """One run of a distribution at a time: two would send everything twice."""
        with self._lock:
            if distribution_id in self._running:
                raise DistributionRunning(self._row(distribution_id).name)
            self._running.add(distribution_id)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(distribution_id)

    def _start(self, distribution_id: int) -> DistributionRow:
        """Whatever is still `sending` was left by a crash: a mail may have gone out, a file is written anew."""
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            distribution = found(session, distribution_id)
            if distribution.channel in ON_PAPER:
                back_to_prepared(session, distribution_id)
            else:
                session.execute(
                    update(Delivery)
                    .where(Delivery.distribution_id == distribution_id, Delivery.state == "sending")
                    .values(state="uncertain", reason="interrupted")
                )
            drop_dead_cards(session, distribution_id)
            if distribution.state != "cancelled":
                distribution.state = "sending"
            session.flush()
            return distribution_rows(session, distribution_id)[0]

    def _stop(self, distribution_id: int) -> None:
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            session.execute(
                update(Distribution)
                .where(Distribution.id == distribution_id, Distribution.state == "sending")
                .values(state="paused")
            )

    def _finish(self, distribution_id: int) -> DistributionRow:
        with self._database.write(Topic.DISTRIBUTIONS, Topic.AUDIT) as session:
            distribution = found(session, distribution_id)
            row = distribution_rows(session, distribution_id)[0]
            if distribution.state == "sending":
                distribution.state = "paused" if row.prepared else "finished"
                distribution.finished_at = None if row.prepared else now()
            self._audit.record(
                session,
                "distribution.delivered",
                subject=row.name,
                channel=row.channel,
                sent=row.sent,
                left=row.prepared,
            )
        return row

    def _row(self, distribution_id: int) -> DistributionRow:
        with self._database.read() as session:
            found(session, distribution_id)
            return distribution_rows(session, distribution_id)[0]

    def _facts(self, distribution_id: int) -> RunFacts:
        merchant = self._settings.merchant().name
        with self._database.read() as session:
            distribution = found(session, distribution_id)
            products = {row.id: row.name for row in session.execute(select(Product.id, Product.name))}
            return RunFacts(distribution, products, merchant)

    def _on_paper(self, facts: RunFacts, zip_password: Secret | None, progress: Progress) -> tuple[Path, ...]:
        channel = self._channels.file if facts.distribution.channel == "file" else self._channels.print
        return PaperRun(self._database, self._reader, channel).run(facts, zip_password, progress)

    def _by_mail(self, facts: RunFacts, progress: Progress) -> None:
        distribution_id = facts.distribution.id
        base = self._cloud.public_url()
        if base is None:
            raise NoEndpoint
        server = MailServer.from_settings(self._settings.get("mail.server"))
        self.make_links(distribution_id, "email", progress)
        if not self._row(distribution_id).prepared:
            return
        self._cloud.push_links(distribution_id, progress)
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            release(session, distribution_id)
        page = PhonePage(base, str(self._settings.get("merchant.slug")))
        with self._channels.email.open(server) as post:
            MailRun(self._database, page).run(facts, post, progress)
