"""Reminding those whose mail was sent and not opened: the same link, in the same thread, never twice within a day."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.errors import MailServerRefused
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.database import Database
from app.models.distribution import Delivery, Distribution, Reminder
from app.models.people import Person
from app.services.channels import ON_PAPER
from app.services.channels.email import Mail, Post
from app.services.channels.letters import Template
from app.services.distribution.delivering import RunFacts
from app.services.distribution.mailing import BAD_IN_A_ROW, UNWELCOME, PhonePage, mail_of, pace_of
from app.services.distribution.rows import Reminded
from app.services.hidden import removed
from app.services.progress import Progress
from app.topics import Topic
from sync.protocol import new_op_id

REMIND_AFTER_DAYS = 3
AGAIN_AFTER = timedelta(hours=24)
OUT = ("sent", "delivered")
TOLD = ("sending", "sent", "uncertain")
"""States of a reminder that has gone out or may have."""


def to_remind(session: Session, distribution_id: int, *, days: int, at: datetime, only: int | None = None) -> list[int]:
    """Deliveries that were mailed so many days ago, are not opened, and were not reminded of within a day.

    `only` looks at one of them.
    """
    lately = exists().where(
        Reminder.delivery_id == Delivery.id, Reminder.state.in_(TOLD), Reminder.at > at - AGAIN_AFTER
    )
    wanted = (
        select(Delivery.id)
        .join(Person, Person.id == Delivery.person_id)
        .join(Card, Card.id == Delivery.card_id)
        .join(Batch, Batch.id == Card.batch_id)
        .where(
            Delivery.distribution_id == distribution_id,
            Delivery.channel.not_in(ON_PAPER),
            Delivery.state.in_(OUT),
            Delivery.change_to.is_(None),
            Delivery.sent_at <= at - timedelta(days=days),
            Delivery.opened_at.is_(None),
            Delivery.claimed_at.is_(None),
            Person.left_at.is_(None),
            Person.id.not_in(removed("person")),
            Card.state.in_(("assigned", "active")),
            or_(Batch.valid_until.is_(None), Batch.valid_until > at),
            ~lately,
        )
    )
    if only is not None:
        wanted = wanted.where(Delivery.id == only)
    return list(session.scalars(wanted.order_by(Delivery.no)))


def settle_broken(session: Session, distribution_id: int) -> None:
    """A reminder that a crash cut may have gone out: it counts as one, so that nobody gets two."""
    own = select(Delivery.id).where(Delivery.distribution_id == distribution_id)
    session.execute(
        update(Reminder)
        .where(Reminder.delivery_id.in_(own), Reminder.state == "sending")
        .values(state="uncertain", reason="interrupted")
    )


class ReminderRun:
    """One mail after the other: written down, sent, concluded. A kill between two steps doubles nothing."""

    def __init__(self, database: Database, page: PhonePage, *, days: int) -> None:
        self._database, self._page, self._days = database, page, days

    def run(self, facts: RunFacts, template: Template, post: Post, progress: Progress) -> Reminded:
        """Raises MailServerRefused when the server wants a pause, JobCancelled; what was not tried may be later."""
        with self._database.read() as session:
            ids = to_remind(session, facts.distribution.id, days=self._days, at=now())
        counts = {"sent": 0, "failed": 0, "uncertain": 0}
        pace, bad = pace_of(self._database, facts.distribution), 0
        for done, delivery_id in enumerate(ids):
            pace.wait(progress, done, len(ids), stopped=bool)
            begun = self._begin(facts, template, delivery_id)
            if begun is None:
                continue
            reminder_id, mail = begun
            reason, state, said = self._sent(post, mail, reminder_id)
            counts[state] += 1
            bad = bad + 1 if reason in UNWELCOME else 0
            if bad >= BAD_IN_A_ROW:
                raise MailServerRefused("server-wants-pause", said)
        progress(len(ids), len(ids))
        return Reminded(**counts, left=len(ids) - sum(counts.values()))

    def _begin(self, facts: RunFacts, template: Template, delivery_id: int) -> tuple[int, Mail] | None:
        """Write the reminder down before it goes out; None when it is not wanted any more."""
        at = now()
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            if not to_remind(session, facts.distribution.id, days=self._days, at=at, only=delivery_id):
                return None
            delivery = session.get_one(Delivery, delivery_id)
            first = mail_of(session, facts, delivery, template=template, page=self._page)
            domain = delivery.message_id.rpartition("@")[2]
            reminder = Reminder(delivery_id=delivery_id, message_id=f"<{new_op_id()}@{domain}", state="sending", at=at)
            session.add(reminder)
            session.flush()
            return reminder.id, replace(first, message_id=reminder.message_id, answers=delivery.message_id)

    def _sent(self, post: Post, mail: Mail, reminder_id: int) -> tuple[str | None, str, str]:
        """(reason, state, the server's words)."""
        try:
            outcome = post.send(mail)
        except MailServerRefused:
            with self._database.write(Topic.DISTRIBUTIONS) as session:  # there was no line: it was never sent
                session.execute(delete(Reminder).where(Reminder.id == reminder_id))
            raise
        values = {"state": outcome.state, "reason": outcome.reason, "said": outcome.said or None}
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            session.execute(update(Reminder).where(Reminder.id == reminder_id).values(**values))
        return outcome.reason, outcome.state, outcome.said


def reminder_words(distribution: Distribution, usual: Template) -> Template:
    """What was written the last time, else the house's words under the first mail's subject."""
    kept = distribution.template.get("reminder")
    if isinstance(kept, dict):
        return Template(str(kept.get("subject", "")), str(kept.get("body", "")))
    return usual
