"""Runs: one at a time for each distribution, resumable after a pause, a cancel or a crash."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from app.errors import AppError, DistributionRunning, JobCancelled, MailServerRefused, NoEndpoint, ZipPasswordNeeded
from app.models.base import now
from app.models.catalog import Product
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.services.audit import AuditLog
from app.services.cards.codes import CodeReader
from app.services.channels import CHANNELS, ON_PAPER, PaperChannel
from app.services.channels.email import EmailChannel, Mail, MailServer
from app.services.channels.letters import TRIAL_CODE, Template, trial, written
from app.services.distribution.delivering import PaperRun, RunFacts, drop_dead_cards
from app.services.distribution.linking import LinkMaker
from app.services.distribution.listing import distribution_rows, found
from app.services.distribution.mailing import WAITING, MailRun, PhonePage, release, trust_openings
from app.services.distribution.reminding import ReminderRun, settle_broken
from app.services.distribution.rerouting import changing, settle_changes
from app.services.distribution.rows import IN_HAND, Delivered, DistributionRow, Reminded
from app.services.progress import Progress
from app.services.secret import Secret
from app.services.settings import SettingService
from app.topics import Topic
from sync.protocol import new_op_id

CHANGING = (Topic.DISTRIBUTIONS, Topic.CARDS, Topic.BATCHES, Topic.CATALOG, Topic.OUTBOX)


NOWHERE = "https://trial.invalid"
"""A name that leads nowhere for ever, where there is no phone page yet."""
TRIAL_LINK = "trial"


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
        """Hand everything that waits to its channel; on a refusal or a cancel the rest goes on waiting.

        A channel that refuses does not hold up another: the first refusal is raised at the end.
        """
        with self._alone(distribution_id):
            self._require_password(distribution_id, zip_password)
            before = self._start(distribution_id)
            files: list[Path] = []
            try:
                refusals = self._end_links(distribution_id, progress)
                facts = self._facts(distribution_id)
                for channel in self._waiting_channels(distribution_id):
                    try:
                        files += self._hand_over(facts, channel, zip_password, progress)
                    except AppError as refusal:
                        refusals.append(refusal)
            except JobCancelled:
                self._stop(distribution_id)
                raise
            if refusals:
                self._stop(distribution_id)
                raise refusals[0]
            after = self._finish(distribution_id)
        return Delivered(
            sent=after.sent - before.sent,
            failed=after.failed,
            uncertain=after.uncertain,
            left=after.waits,
            files=tuple(str(path) for path in files),
        )

    def remind(self, distribution_id: int, template: Template, progress: Progress, *, days: int) -> Reminded:
        """Mail everybody who has not opened the first one. Raises MailServerRefused, NoEndpoint, JobCancelled."""
        with self._alone(distribution_id):
            facts, page, server = self._facts(distribution_id), self._page(), self._mail_server()
            with self._database.write(Topic.DISTRIBUTIONS) as session:
                settle_broken(session, distribution_id)
            with self._channels.email.open(server) as post:
                return ReminderRun(self._database, page, days=days).run(facts, template, post, progress)

    def try_out(self, template: Template, values: Mapping[str, str], address: str) -> None:
        """One mail that looks like the real one and opens nothing. Raises MailServerRefused, InvalidInput."""
        server = self._mail_server()
        base = self._cloud.public_url() or NOWHERE
        harmless = {"link": f"{base.rstrip('/')}/c/{TRIAL_LINK}", "pickup_code": TRIAL_CODE}
        words = written(trial(template), {**values, **harmless})
        message_id = f"<{new_op_id()}@{server.sender.rpartition('@')[2]}>"
        with self._channels.email.open(server) as post:
            outcome = post.send(Mail("", address, message_id, words))
        if outcome.state != "sent":
            raise MailServerRefused(outcome.reason or "connection-lost", outcome.said)

    def make_links(self, distribution_id: int, progress: Progress) -> None:
        """Of the deliveries that travel by mail and have none yet."""
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
        """Whatever is still `sending` was left by a crash."""
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            distribution = found(session, distribution_id)
            settle_cut(session, distribution_id)
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

    def _require_password(self, distribution_id: int, zip_password: Secret | None) -> None:
        """Where nothing but a protected file waits, a missing password is told before anything is touched."""
        row = self._row(distribution_id)
        if row.protected and row.for_file and row.for_file == row.prepared and zip_password is None:
            raise ZipPasswordNeeded(row.name)

    def _end_links(self, distribution_id: int, progress: Progress) -> list[AppError]:
        """Links of what goes another way die before anything goes out; what the endpoint does not answer waits."""
        with self._database.read() as session:
            if not changing(session, distribution_id):
                return []
        refusals: list[AppError] = []
        try:
            self._cloud.push_links(distribution_id, progress)
        except AppError as refusal:
            refusals.append(refusal)
        with self._database.write(*CHANGING) as session:
            settle_changes(session)
        return refusals

    def _waiting_channels(self, distribution_id: int) -> list[str]:
        """Channels that something waits for, paper first: it is done in a moment. None once it was paused."""
        wanted = select(Delivery.channel).where(
            Delivery.distribution_id == distribution_id, Delivery.state.in_(WAITING), Delivery.change_to.is_(None)
        )
        with self._database.read() as session:
            if found(session, distribution_id).state != "sending":
                return []
            waiting = set(session.scalars(wanted.distinct()))
        return [channel for channel in CHANNELS if channel in waiting]

    def _hand_over(
        self, facts: RunFacts, channel: str, zip_password: Secret | None, progress: Progress
    ) -> tuple[Path, ...]:
        if channel not in ON_PAPER:
            self._by_mail(facts, progress)
            return ()
        way = self._channels.file if channel == "file" else self._channels.print
        if channel == "file":
            self._keep_protected(facts.distribution, zip_password)
        return PaperRun(self._database, self._reader, way, name=channel).run(facts, zip_password, progress)

    def _keep_protected(self, distribution: Distribution, zip_password: Secret | None) -> None:
        """What was once begun under a password is never written without one. Raises ZipPasswordNeeded."""
        protected = bool(distribution.template.get("protected"))
        if zip_password is None and protected:
            raise ZipPasswordNeeded(distribution.name)
        if zip_password is not None and not protected:
            with self._database.write(Topic.DISTRIBUTIONS) as session:
                kept = session.get_one(Distribution, distribution.id)
                kept.template = {**kept.template, "protected": True}

    def _by_mail(self, facts: RunFacts, progress: Progress) -> None:
        distribution_id = facts.distribution.id
        page, server = self._page(), self._mail_server()
        self.make_links(distribution_id, progress)
        self._cloud.push_links(distribution_id, progress)
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            release(session, distribution_id)
        way = self._channels.email
        with way.open(server) as post:
            MailRun(self._database, page, again_after_s=way.again_after_s).run(facts, post, progress)

    def _page(self) -> PhonePage:
        base = self._cloud.public_url()
        if base is None:
            raise NoEndpoint
        return PhonePage(base, str(self._settings.get("merchant.slug")))

    def _mail_server(self) -> MailServer:
        return MailServer.from_settings(self._settings.get("mail.server"))


def settle_cut(session: Session, distribution_id: int | None = None) -> None:
    """What a crash left going out, of one distribution or of all: a file is written anew, a mail may have arrived."""
    cut = [Delivery.state == "sending"]
    if distribution_id is not None:
        cut.append(Delivery.distribution_id == distribution_id)
    session.execute(update(Delivery).where(*cut, Delivery.channel.in_(ON_PAPER)).values(state="prepared"))
    session.execute(update(Delivery).where(*cut).values(state="uncertain", reason="interrupted"))
    of_run = () if distribution_id is None else (Delivery.distribution_id == distribution_id,)
    trust_openings(session, Delivery.state == "uncertain", *of_run)


def pause_cut(session: Session) -> int:
    """Runs that a crash or a quit cut off are paused, and what was going out is settled, so that it can be taken back;
    how many runs. Only for a vault that was just opened.
    """
    settle_cut(session)
    waiting = exists().where(Delivery.distribution_id == Distribution.id, Delivery.state.in_(IN_HAND))
    unbegun = (Distribution.state == "prepared") & Distribution.scheduled_at.is_(None) & waiting
    won = session.execute(
        update(Distribution).where((Distribution.state == "sending") | unbegun).values(state="paused")
    )
    count: int = won.rowcount  # type: ignore[attr-defined]
    return count
