"""A run by mail: delivery after delivery, in steps a kill may fall between without anybody getting two mails."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.errors import MailServerRefused
from app.models.base import now
from app.models.batch import Batch
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.services.cards.codes import batch_of, batches_of
from app.services.channels import SendOutcome
from app.services.channels.email import Mail, Post
from app.services.channels.letters import Letter, Template, written
from app.services.distribution.delivering import RunFacts
from app.services.distribution.linking import PUT, aggregate_of
from app.services.distribution.links import claim_url, pickup_url
from app.services.distribution.preparing import chunks, tell
from app.services.progress import Progress
from app.topics import Topic
from app.words import last_second, tr, yuan
from sync.codes import format_code

TICK_S = 0.5
BAD_IN_A_ROW = 3
"""After so many mails refused for a passing reason the rest waits: the server wants a pause."""
PASSING = ("rate-limited", "connection-lost", "server-busy")


@dataclass(frozen=True, slots=True)
class PhonePage:
    """Where the links of this vault lead."""

    base: str
    slug: str


class MailRun:
    def __init__(self, database: Database, page: PhonePage) -> None:
        self._database, self._page = database, page

    def run(self, facts: RunFacts, post: Post, progress: Progress) -> None:
        """Send what waits until done, paused or cancelled. Raises MailServerRefused when the server wants a pause."""
        distribution_id = facts.distribution.id
        ids = self._waiting(distribution_id)
        pace = self._pace(facts.distribution)
        bad = 0
        for done, delivery_id in enumerate(ids):
            pace.wait(progress, done, len(ids), stopped=partial(self._is_stopped, distribution_id))
            mail = self._claim(facts, delivery_id)
            if mail is None:
                if self._is_stopped(distribution_id):
                    return
                continue
            outcome = self._outcome(post, mail, delivery_id)
            self._conclude(delivery_id, outcome)
            bad = bad + 1 if outcome.reason in PASSING else 0
            if bad >= BAD_IN_A_ROW:
                raise MailServerRefused("server-wants-pause")
        progress(len(ids), len(ids))

    def _pace(self, distribution: Distribution) -> "Pace":
        """What went out shortly before counts: a run that goes on after a stop, a kill or a restart does not burst."""
        words = distribution.template
        window = timedelta(minutes=int(words.get("pace_minutes", 10)))
        at = now()
        with self._database.read() as session:
            recent = select(Delivery.sent_at).where(
                Delivery.distribution_id == distribution.id, Delivery.sent_at > at - window
            )
            ago = [(at - sent_at).total_seconds() for sent_at in session.scalars(recent) if sent_at is not None]
        return Pace(words.get("pace"), window.total_seconds(), ago)

    def _waiting(self, distribution_id: int) -> list[int]:
        with self._database.read() as session:
            wanted = select(Delivery.id).where(
                Delivery.distribution_id == distribution_id,
                Delivery.state.in_(("prepared", "released")),
                Delivery.link_id.is_not(None),
            )
            return list(session.scalars(wanted.order_by(Delivery.no)))

    def _claim(self, facts: RunFacts, delivery_id: int) -> Mail | None:
        """Mark one delivery as sending; its mail. None when the run was stopped or the delivery is gone."""
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            if session.get_one(Distribution, facts.distribution.id).state != "sending":
                return None
            won = session.execute(
                update(Delivery)
                .where(Delivery.id == delivery_id, Delivery.state.in_(("prepared", "released")))
                .values(state="sending", reason=None, attempts=Delivery.attempts + 1)
            )
            if won.rowcount != 1:  # type: ignore[attr-defined]
                return None
            delivery = session.get_one(Delivery, delivery_id)
            person = session.get_one(Person, delivery.person_id)
            card_id = delivery.card_id or 0
            batch = batch_of(card_id, batches_of(session, [card_id]))
        return Mail(person.name, person.email or "", delivery.message_id, self._letter(facts, delivery, person, batch))

    def _letter(self, facts: RunFacts, delivery: Delivery, person: Person, batch: Batch | None) -> Letter:
        words = facts.distribution.template
        return letter(
            Template(str(words.get("subject", "")), str(words.get("body", ""))),
            facts,
            person_name=person.name,
            product=facts.products[batch.product_id] if batch else "",
            amount_minor=delivery.amount_minor,
            valid_until=last_second(batch.valid_until) if batch and batch.valid_until else tr("no end"),
            link=claim_url(self._page.base, delivery.link_id or "", delivery.link_secret or ""),
            pickup_code=format_code(delivery.pickup_code or ""),
            pickup_url=pickup_url(self._page.base, self._page.slug),
        )

    def _outcome(self, post: Post, mail: Mail, delivery_id: int) -> SendOutcome:
        try:
            return post.send(mail)
        except MailServerRefused:
            with self._database.write(Topic.DISTRIBUTIONS) as session:
                session.execute(update(Delivery).where(Delivery.id == delivery_id).values(state="released"))
            raise

    def _conclude(self, delivery_id: int, outcome: SendOutcome) -> None:
        at = now()
        values: dict[str, object] = {
            "state": outcome.state,
            "reason": outcome.reason,
            "retryable": outcome.retryable,
        }
        if outcome.state == "sent":
            values["sent_at"] = at
        with self._database.write(Topic.DISTRIBUTIONS, Topic.CARDS) as session:
            won = session.execute(
                update(Delivery).where(Delivery.id == delivery_id, Delivery.state == "sending").values(**values)
            )
            if outcome.state == "sent" and won.rowcount == 1:  # type: ignore[attr-defined]
                delivery = session.get_one(Delivery, delivery_id)
                distribution = session.get_one(Distribution, delivery.distribution_id)
                tell(session, distribution, "sent", [(delivery.product_id, None)], at=at)

    def _is_stopped(self, distribution_id: int) -> bool:
        with self._database.read() as session:
            return session.get_one(Distribution, distribution_id).state != "sending"


class Pace:
    """At most so many mails in any such span; nothing given is as fast as it goes. `ago`: seconds since the last."""

    def __init__(self, per_window: int | None, window_s: float, ago: Iterable[float] = ()) -> None:
        self._per_window, self._window_s = per_window, window_s
        at = time.monotonic()
        self._sent: deque[float] = deque(sorted(at - max(0.0, seconds) for seconds in ago))

    def wait(self, progress: Progress, done: int, total: int, *, stopped: Callable[[], bool]) -> None:
        """Wait for the next turn, or until `stopped`; `progress` is asked all the while, so a cancel is heard."""
        progress(done, total)
        if self._per_window is None:
            return
        while len(self._sent) >= self._per_window:
            if time.monotonic() - self._sent[0] >= self._window_s:
                self._sent.popleft()
                continue
            if stopped():
                return
            threading.Event().wait(TICK_S)
            progress(done, total)
        self._sent.append(time.monotonic())


def letter(
    template: Template,
    facts: RunFacts,
    *,
    person_name: str,
    product: str,
    amount_minor: int | None,
    valid_until: str,
    link: str,
    pickup_code: str,
    pickup_url: str,
) -> Letter:
    """The words for one person."""
    return written(
        template,
        {
            "name": person_name,
            "product": product,
            "amount": yuan(amount_minor) if amount_minor is not None else "",
            "merchant": facts.merchant,
            "link": link,
            "valid_until": valid_until,
            "note": facts.distribution.note,
            "pickup_code": pickup_code,
            "pickup_url": pickup_url,
        },
    )


def release(session: Session, distribution_id: int) -> None:
    """After the links were pushed: what lies at the endpoint may be sent, what it refused has failed."""
    wanted = select(Delivery.id).where(
        Delivery.distribution_id == distribution_id, Delivery.state == "prepared", Delivery.link_id.is_not(None)
    )
    ids = list(session.scalars(wanted))
    for some in chunks(ids):
        refused = _refused(session, some)
        for group, values in (
            ([one for one in some if one not in refused], {"state": "released"}),
            (sorted(refused), {"state": "failed", "reason": "link-refused", "retryable": True}),
        ):
            if group:
                session.execute(update(Delivery).where(Delivery.id.in_(group)).values(**values))


def _refused(session: Session, ids: Sequence[int]) -> set[int]:
    aggregates = [aggregate_of(delivery_id) for delivery_id in ids]
    wanted = select(OutboxOp.aggregate).where(
        OutboxOp.aggregate.in_(aggregates), OutboxOp.type == PUT, OutboxOp.state == "rejected"
    )
    return {int(aggregate.partition(":")[2]) for aggregate in session.scalars(wanted)}
