"""What can be done once a distribution is prepared: try again, another way, remind, take back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import select, true, update

from app.errors import InvalidInput, NoEndpoint
from app.models.base import now
from app.models.database import Database
from app.models.distribution import Delivery
from app.models.people import Person
from app.services.audit import AuditLog
from app.services.channels import CHANNELS, ON_PAPER
from app.services.channels.email import is_address
from app.services.channels.letters import Template, default_reminder
from app.services.distribution import recalling, reminding, rerouting
from app.services.distribution.listing import found
from app.services.distribution.preparing import chunks, refuse_useless
from app.services.distribution.reminding import REMIND_AFTER_DAYS
from app.services.distribution.rows import Reminded, Rerouted
from app.services.distribution.runs import CloudDoor, Runs
from app.services.hidden import refuse_removed
from app.services.people.contacts import put_contact
from app.services.progress import Progress, unwatched
from app.services.settings import SettingService
from app.topics import Topic

CHANGED = (
    Topic.DISTRIBUTIONS,
    Topic.CARDS,
    Topic.BATCHES,
    Topic.CATALOG,
    Topic.OUTBOX,
    Topic.AUDIT,
)
MOST_DAYS = 365
NAMED_IN_AUDIT = 50
"""Digests of people in one audit entry."""


class FollowUps:
    def __init__(
        self, database: Database, audit: AuditLog, *, cloud: CloudDoor, settings: SettingService, runs: Runs
    ) -> None:
        self._database, self._audit = database, audit
        self._cloud, self._settings, self._runs = cloud, settings, runs

    def retry_failed(self, distribution_id: int, only: Sequence[int] | None = None) -> int:
        """Put what failed and may go well now back in line, with a card where none was taken; how many.

        `only` narrows it to some deliveries. Raises NotEnoughCards, InBin; then nothing is changed.
        `deliver` sends them.
        """
        with self._database.write(*CHANGED) as session:
            distribution = found(session, distribution_id)
            count = rerouting.retry(session, distribution, only)
        self._runs.make_links(distribution_id, unwatched)
        return count

    def change_channel(self, delivery_ids: Sequence[int], channel: str, *, out_folder: Path | None = None) -> Rerouted:
        """Let deliveries of one distribution travel another way; `deliver` sends them.

        The link of a mail ends first: until the endpoint has said so the card stays where it is. Raises AlreadyClaimed,
        AlreadyHandedOut, DistributionRunning, NoEndpoint, InvalidInput, NotEnoughCards, InBin; then nothing is changed.
        """
        if channel not in CHANNELS:
            raise InvalidInput("channel", "unknown-kind")
        if channel == "email" and self._cloud.public_url() is None:
            raise NoEndpoint
        with self._database.write(*CHANGED) as session:
            distribution, deliveries = rerouting.of_one(session, delivery_ids)
            if channel in ON_PAPER:
                rerouting.set_folder(distribution, out_folder)
            done = rerouting.change(session, distribution, deliveries, channel)
            self._audit.record(
                session, "distribution.changed", subject=distribution.name, channel=channel, cards=done.changed
            )
        return done

    def readdress(self, delivery_id: int, field: str, text: str) -> Rerouted:
        """Mend the e-mail, phone or employee_no of the person of a delivery and put the delivery back in line.

        A mail that may lie with somebody else loses its link; the new one gets another. Raises InvalidInput,
        AlreadyClaimed, DistributionRunning, NotEnoughCards, NotFound, InBin; then nothing is changed.
        """
        with self._database.write(*CHANGED, Topic.PEOPLE) as session:
            distribution, (delivery,) = rerouting.of_one(session, [delivery_id])
            person = session.get_one(Person, delivery.person_id)
            refuse_removed(session, "person", person.id, person.name)
            put_contact(session, person, field, text)
            done = rerouting.follow(session, distribution, delivery, person, field=field)
            self._audit.record(session, "person.changed", subject=f"person:{person.id}", field=field)
        return done

    def send_trial(self, template: Template, values: Mapping[str, str], address: str) -> None:
        """Mail these words to oneself, marked as a trial; its link and its code open nothing. The address is kept.

        `values` are those of the person whose mail it is to look like. Raises InvalidInput, MailServerRefused.
        """
        address = address.strip()
        if not is_address(address):
            raise InvalidInput("address", "not-an-address")
        refuse_useless(template)
        self._runs.try_out(template, values, address)
        self._settings.put("mail.trial_to", address)

    def to_remind(self, distribution_id: int, *, days: int = REMIND_AFTER_DAYS) -> int:
        """How many a reminder would go to now."""
        with self._database.read() as session:
            found(session, distribution_id)
            return len(reminding.to_remind(session, distribution_id, days=days, at=now()))

    def reminder_words(self, distribution_id: int) -> Template:
        """As they were sent the last time; else the house's own, under the subject of the first mail."""
        with self._database.read() as session:
            distribution = found(session, distribution_id)
            usual = default_reminder(
                str(distribution.template.get("subject", "")), with_pickup=bool(self._settings.get("merchant.slug"))
            )
            return reminding.reminder_words(distribution, usual)

    def remind(
        self,
        distribution_id: int,
        progress: Progress = unwatched,
        *,
        days: int = REMIND_AFTER_DAYS,
        template: Template | None = None,
    ) -> Reminded:
        """Mail everybody who was mailed `days` ago or earlier and has not opened it; nobody twice within 24 hours.

        Raises InvalidInput, NoEndpoint, MailServerRefused, DistributionRunning, NotFound, JobCancelled.
        """
        if not 0 <= days <= MOST_DAYS:
            raise InvalidInput("days", "out-of-range")
        words = template or self.reminder_words(distribution_id)
        refuse_useless(words)
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            distribution = found(session, distribution_id)
            distribution.template = {**distribution.template, "reminder": asdict(words)}
        done = self._runs.remind(distribution_id, words, progress, days=days)
        self._audit.note("distribution.reminded", subject=distribution.name, sent=done.sent, failed=done.failed)
        return done

    def resend_uncertain(self, distribution_id: int, only: Sequence[int] | None = None) -> int:
        """Put mails that may or may not have arrived back in line, each with its own Message-ID; how many.

        `only` narrows it to some deliveries.
        """
        doubtful = (
            Delivery.distribution_id == distribution_id,
            Delivery.state == "uncertain",
            Delivery.change_to.is_(None),
            Delivery.id.in_(only) if only is not None else true(),
        )
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            distribution = found(session, distribution_id)
            won = session.execute(
                update(Delivery).where(*doubtful).values(state="released", reason=None, said=None, retryable=False)
            )
            count: int = won.rowcount  # type: ignore[attr-defined]
            if count:
                rerouting.wait_again(distribution)
        return count

    def cancel_rest(self, distribution_id: int) -> int:
        """Leave out everything that has not gone out; the cards return to stock. How many there were."""
        with self._database.write(*CHANGED) as session:
            distribution = found(session, distribution_id)
            wanted = select(Delivery).where(
                Delivery.distribution_id == distribution_id,
                Delivery.state.in_(("prepared", "released")) | Delivery.change_to.is_not(None),
            )
            count = recalling.cancel(session, distribution, list(session.scalars(wanted)))
            distribution.state, distribution.finished_at = "cancelled", now()
            self._audit.record(session, "distribution.cancelled", subject=distribution.name, cards=count)
        return count

    def recall(self, delivery_ids: Sequence[int]) -> int:
        """Take deliveries back; how many were. Raises AlreadyClaimed, DistributionRunning; then none is.

        A mailed card returns to stock as soon as the endpoint says that its link is dead (`settle_recalls`); a card
        whose code went out on paper or in a file is voided.
        """
        with self._database.write(*CHANGED) as session:
            by_distribution: dict[int, list[Delivery]] = {}
            for some in chunks(delivery_ids):
                for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(some))):
                    by_distribution.setdefault(delivery.distribution_id, []).append(delivery)
            count = 0
            for distribution_id, deliveries in by_distribution.items():
                distribution = found(session, distribution_id)
                taken = recalling.recall(session, distribution, deliveries)
                count += len(taken)
                people = [self._audit.digest_of(str(delivery.person_id)) for delivery in taken[:NAMED_IN_AUDIT]]
                if taken:
                    self._audit.record(
                        session, "distribution.recalled", subject=distribution.name, cards=len(taken), people=people
                    )
        return count

    def settle_recalls(self) -> int:
        """Return the cards of recalled links to stock once the endpoint confirmed; how many. Call it after a sync.

        Deliveries that waited for the end of their link to go another way are put in line.
        """
        with self._database.read() as session:
            if not recalling.recalled(session) and not rerouting.changing(session):
                return 0
        with self._database.write(*CHANGED) as session:
            rerouting.settle_changes(session)
            return recalling.settle(session)
