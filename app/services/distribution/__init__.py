"""Distributions: prepare a list, deliver it, and account for every card."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NoEndpoint
from app.models.base import now
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.people import Person
from app.services.audit import AuditLog
from app.services.cards.codes import CodeReader
from app.services.channels.letters import Template
from app.services.distribution import listing, receipts
from app.services.distribution.following import CHANGED, FollowUps
from app.services.distribution.listing import found
from app.services.distribution.planning import plan
from app.services.distribution.preparing import (
    already_given,
    checked_gifts,
    checked_template,
    people_of,
    product_of,
    write_deliveries,
)
from app.services.distribution.rows import (
    Delivered,
    DeliveryFilter,
    DeliveryRow,
    DistributionRow,
    DistributionSpec,
    Gift,
    Plan,
    ProductTotal,
    Reminded,
    Rerouted,
    Rule,
    Share,
)
from app.services.distribution.runs import Channels, CloudDoor, Runs, pause_cut
from app.services.hidden import removed
from app.services.progress import Progress, unwatched
from app.services.secret import Secret
from app.services.settings import SettingService
from app.services.stock import next_valid_until
from app.services.unfinished import Unfinished
from app.services.writers.receipts import ReceiptOut
from app.topics import Topic
from sync.protocol import new_op_id


class DistributionService(FollowUps):
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
        runs = Runs(database, audit, reader=reader, cloud=cloud, settings=settings, channels=channels)
        super().__init__(database, audit, cloud=cloud, settings=settings, runs=runs)

    # --- before ---

    def everybody(self) -> list[int]:
        """Ids of all people who have not left, by name."""
        with self._database.read() as session:
            wanted = select(Person.id).where(Person.left_at.is_(None), Person.id.not_in(removed("person")))
            return list(session.scalars(wanted.order_by(Person.pinyin_key, Person.id)))

    def already_given(self, product_id: int, person_ids: Sequence[int]) -> set[int]:
        """Who of these has a card of this product, not voided, from a delivery that was not taken back."""
        with self._database.read() as session:
            return already_given(session, product_id, person_ids)

    def departments(self, person_ids: Sequence[int]) -> dict[str, int]:
        """Department → how many of these people are in it, the largest first; without one: an empty name."""
        with self._database.read() as session:
            people = people_of(session, person_ids)
        return dict(Counter(people[one].department for one in person_ids if one in people).most_common())

    def valid_until(self, gift: Gift) -> datetime | None:
        """Until when the card is good that somebody with this gift would get now."""
        with self._database.read() as session:
            return next_valid_until(session, product_of(session, gift.product_id), gift.amount_minor)

    def preview(self, spec: DistributionSpec, *, compare: bool = False) -> Plan:
        """What `prepare` would do; `compare` also finds the last run like it. Raises InvalidInput, NotFound."""
        checked_template(spec)
        self.settle_recalls()
        with self._database.read() as session:
            return plan(session, spec, compare=compare)

    def prepare(self, spec: DistributionSpec, progress: Progress = unwatched) -> int:
        """Take the cards and write down who gets which; the distribution's id. Nothing leaves the vault.

        Raises NotEnoughCards, OverBudget, NoEndpoint, InvalidInput, NotFound; then nothing was taken.
        """
        template = checked_template(spec, with_pickup=bool(self._settings.get("merchant.slug")))
        if spec.channel == "email" and self._cloud.public_url() is None:
            raise NoEndpoint
        self.settle_recalls()
        domain = _domain(self._settings)
        with self._database.write(*CHANGED) as session:
            distribution = self._begin(session, spec, template)
            receivers = write_deliveries(session, distribution, spec, domain=domain)
            self._audit.record(
                session, "distribution.prepared", subject=spec.name.strip(), channel=spec.channel, cards=receivers
            )
            distribution_id = distribution.id
        self._runs.make_links(distribution_id, progress)
        return distribution_id

    # --- the run ---

    def deliver(
        self, distribution_id: int, progress: Progress = unwatched, *, zip_password: Secret | None = None
    ) -> Delivered:
        """Hand everything that waits to its channel; also what a pause, a cancel or a crash left waiting.

        Raises MailServerRefused, NoEndpoint, EndpointUnreachable, NotWritable, DiskFull, ZipPasswordNeeded,
        DistributionRunning, NotFound, JobCancelled; the rest then waits for the next call. `zip_password` wraps the
        file of channel `file`; one that was once begun under a password is never written without.
        """
        return self._runs.deliver(distribution_id, progress, zip_password=zip_password)

    def continue_(self, distribution_id: int, progress: Progress = unwatched) -> Delivered:
        """Go on after a pause."""
        return self.deliver(distribution_id, progress)

    def pause(self, distribution_id: int) -> None:
        """A running delivery stops after the mail it is at."""
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            distribution = found(session, distribution_id)
            if distribution.state in ("prepared", "sending"):
                distribution.state = "paused"

    def due(self, at: datetime) -> list[int]:
        """Distributions whose time has come, that nobody started, and that need nobody to type a password."""
        with self._database.read() as session:
            return [distribution_id for distribution_id, locked in listing.come(session, at) if not locked]

    def locked(self, at: datetime) -> list[int]:
        """Distributions whose time has come and whose file waits for a password."""
        with self._database.read() as session:
            return [distribution_id for distribution_id, locked in listing.come(session, at) if locked]

    def wake(self) -> int:
        """After the vault was opened: what a crash or a quit cut off is paused, to be gone on with; how many."""
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            return pause_cut(session)

    # --- looking ---

    def distributions(self) -> list[DistributionRow]:
        """Newest first."""
        with self._database.read() as session:
            return listing.distribution_rows(session)

    def distribution(self, distribution_id: int) -> DistributionRow:
        with self._database.read() as session:
            found(session, distribution_id)
            return listing.distribution_rows(session, distribution_id)[0]

    def delivery_ids(
        self,
        distribution_id: int,
        wanted: DeliveryFilter | None = None,
        *,
        sort: str = "no",
        descending: bool = False,
    ) -> list[int]:
        """In the order of the list, or of a column of `listing.DELIVERY_SORTS`."""
        with self._database.read() as session:
            chosen = wanted or DeliveryFilter()
            return listing.delivery_ids(session, distribution_id, chosen, sort=sort, descending=descending)

    def reasons(self, distribution_id: int) -> list[str]:
        """Keys of the reasons that stand in a distribution."""
        wanted = select(Delivery.reason).where(
            Delivery.distribution_id == distribution_id, Delivery.reason.is_not(None)
        )
        with self._database.read() as session:
            return sorted(session.scalars(wanted.distinct()))

    def deliveries_of(self, ids: Sequence[int]) -> list[DeliveryRow]:
        """In the order of `ids`."""
        with self._database.read() as session:
            return listing.delivery_rows(session, ids)

    def receipt(self, distribution_id: int) -> ReceiptOut:
        """What Finance gets: every line, and totals that add up."""
        merchant = self._settings.merchant().name
        with self._database.read() as session:
            distribution = found(session, distribution_id)
            rows = listing.delivery_rows(session, listing.delivery_ids(session, distribution_id, DeliveryFilter()))
        return receipts.receipt_of(distribution, rows, merchant=merchant)

    def write_receipt(self, distribution_id: int, path: Path) -> None:
        """As PDF or XLSX, by the ending of the name. Raises InvalidInput, NotWritable, DiskFull."""
        receipt = self.receipt(distribution_id)
        with Unfinished(self._database).noted(path):
            receipts.write(path, receipt)
        self._audit.note("receipts.exported", subject=receipt.title, lines=len(receipt.lines))

    # --- the parts ---

    def _begin(self, session: Session, spec: DistributionSpec, template: Template) -> Distribution:
        checked_gifts(session, spec)
        distribution = Distribution(
            uid=UUID(new_op_id()).bytes,
            name=spec.name.strip(),
            product_id=next(gift.product_id for gift in (spec.rest, *spec.gifts) if gift),
            channel=spec.channel,
            note=spec.note.strip(),
            template=asdict(template)
            | {"gate": spec.gate, "pace": spec.pace, "pace_minutes": spec.pace_minutes, "runs": 0}
            | {"allow_again": spec.allow_again, "rules": [asdict(rule) for rule in spec.rules]}
            | {"protected": spec.protected},
            roster_hash=spec.roster_hash,
            out_folder=str(spec.out_folder) if spec.out_folder else None,
            created_at=now(),
            scheduled_at=spec.scheduled_at,
        )
        session.add(distribution)
        session.flush()
        return distribution


def _domain(settings: SettingService) -> str:
    """Right side of the Message-IDs: the sender's own domain, as mail filters expect it."""
    sender = str(settings.get("mail.server").get("sender") or "")
    return sender.rpartition("@")[2].strip() or "localhost.localdomain"


__all__ = [
    "Channels",
    "CloudDoor",
    "Delivered",
    "DeliveryFilter",
    "DeliveryRow",
    "DistributionRow",
    "DistributionService",
    "DistributionSpec",
    "Gift",
    "Plan",
    "ProductTotal",
    "Reminded",
    "Rerouted",
    "Rule",
    "Share",
]
