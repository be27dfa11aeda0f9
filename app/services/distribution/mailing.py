"""A run by mail: delivery after delivery, in steps a kill may fall between without anybody getting two mails."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.errors import MailServerRefused
from app.models.base import now
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.services.cards.codes import batch_of, batches_of
from app.services.channels import ON_PAPER, SendOutcome
from app.services.channels.email import Mail, Post
from app.services.channels.letters import Letter, Template, written
from app.services.distribution.delivering import RunFacts
from app.services.distribution.linking import PUT, aggregate_of
from app.services.distribution.links import claim_url, pickup_url
from app.services.distribution.preparing import chunks, given_of, tell
from app.services.progress import Progress
from app.topics import Topic
from app.words import last_second, tr, yuan
from sync.codes import format_code

WAITING = ("prepared", "released")
TICK_S = 0.5
BAD_IN_A_ROW = 3
"""After so many mails refused for a reason of the server's own the rest waits: it wants a pause."""
PASSING = ("rate-limited", "connection-lost", "server-busy")
"""Tried again by themselves some minutes later."""
UNWELCOME = (*PASSING, "mail-refused")


@dataclass(frozen=True, slots=True)
class PhonePage:
    """Where the links of this vault lead."""

    base: str
    slug: str


class MailRun:
    """`again_after_s` are the pauses before what a passing reason refused is tried again."""

    def __init__(self, database: Database, page: PhonePage, *, again_after_s: Sequence[float] = ()) -> None:
        self._database, self._page, self._again_after_s = database, page, tuple(again_after_s)

    def run(self, facts: RunFacts, post: Post, progress: Progress) -> None:
        """Send what waits until done, paused or cancelled. Raises MailServerRefused when the server wants a pause."""
        ids = self._waiting(facts.distribution.id)
        total, pace = len(ids), pace_of(self._database, facts.distribution)
        for pause_s in (*self._again_after_s, None):
            ids = self._round(facts, post, ids, pace=pace, progress=progress, total=total, is_last=pause_s is None)
            if pause_s is None or not ids or not self._rest(facts, pause_s, partial(progress, total - len(ids), total)):
                return

    def _round(
        self,
        facts: RunFacts,
        post: Post,
        ids: list[int],
        *,
        pace: "Pace",
        progress: Progress,
        total: int,
        is_last: bool,
    ) -> list[int]:
        """One try of each; those to be tried again, nobody once the run was stopped."""
        stopped = partial(self._is_stopped, facts.distribution.id)
        again: list[int] = []
        bad = 0
        for done, delivery_id in enumerate(ids):
            pace.wait(progress, total - len(ids) + done - len(again), total, stopped=stopped)
            mail = self._claim(facts, delivery_id)
            if mail is None:
                if stopped():
                    return []
                continue
            outcome = self._outcome(post, mail, delivery_id)
            if outcome.reason in PASSING and outcome.state == "failed" and not is_last:
                again.append(delivery_id)
                outcome = replace(outcome, state="released", retryable=False)
            self._conclude(delivery_id, outcome)
            bad = bad + 1 if outcome.reason in UNWELCOME else 0
            if bad >= BAD_IN_A_ROW:
                raise MailServerRefused("server-wants-pause", outcome.said)
        progress(total - len(again), total)
        return again

    def _rest(self, facts: RunFacts, seconds: float, tell: Callable[[], None]) -> bool:
        """Wait before another round; False as soon as the run was stopped. `tell` may raise JobCancelled."""
        until = time.monotonic() + seconds
        while not (stopped := self._is_stopped(facts.distribution.id)) and (left := until - time.monotonic()) > 0:
            threading.Event().wait(min(TICK_S, left))
            tell()
        return not stopped

    def _waiting(self, distribution_id: int) -> list[int]:
        with self._database.read() as session:
            wanted = select(Delivery.id).where(
                Delivery.distribution_id == distribution_id, Delivery.link_id.is_not(None), *_ready_to_go()
            )
            return list(session.scalars(wanted.order_by(Delivery.no)))

    def _claim(self, facts: RunFacts, delivery_id: int) -> Mail | None:
        """Mark one delivery as sending; its mail. None when the run was stopped or the delivery is gone."""
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            if session.get_one(Distribution, facts.distribution.id).state != "sending":
                return None
            won = session.execute(
                update(Delivery)
                .where(Delivery.id == delivery_id, *_ready_to_go())
                .values(state="sending", reason=None, said=None, attempts=Delivery.attempts + 1)
            )
            if won.rowcount != 1:  # type: ignore[attr-defined]
                return None
            delivery = session.get_one(Delivery, delivery_id)
            template = _template(facts.distribution.template)
            return mail_of(session, facts, delivery, template=template, page=self._page)

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
            "said": outcome.said or None,
            "retryable": outcome.retryable,
        }
        if outcome.state == "sent":
            values["sent_at"] = at
        with self._database.write(Topic.DISTRIBUTIONS, Topic.CARDS) as session:
            won = session.execute(
                update(Delivery).where(Delivery.id == delivery_id, Delivery.state == "sending").values(**values)
            )
            if won.rowcount != 1:  # type: ignore[attr-defined]
                return
            if outcome.state == "sent":
                tell(session, "sent", given_of([session.get_one(Delivery, delivery_id)]), at=at)
            trust_openings(session, Delivery.id == delivery_id)

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


def pace_of(database: Database, distribution: Distribution) -> Pace:
    """What went out shortly before counts: a run that goes on after a stop, a kill or a restart does not burst."""
    words = distribution.template
    window = timedelta(minutes=int(words.get("pace_minutes", 10)))
    at = now()
    with database.read() as session:
        recent = select(Delivery.sent_at).where(
            Delivery.distribution_id == distribution.id, Delivery.sent_at > at - window
        )
        ago = [(at - sent_at).total_seconds() for sent_at in session.scalars(recent) if sent_at is not None]
    return Pace(words.get("pace"), window.total_seconds(), ago)


def trust_openings(session: Session, *which: ColumnElement[bool]) -> None:
    """Who has opened or claimed a mail has got it, whatever its line said when it was given up."""
    came = {"reason": None, "said": None, "retryable": False}
    for fact, state, states in (
        (Delivery.claimed_at, "claimed", ("sent", "uncertain", "failed", "released")),
        (Delivery.opened_at, "delivered", ("uncertain", "failed", "released")),
    ):
        seen = update(Delivery).where(*which, fact.is_not(None), Delivery.state.in_(states))
        session.execute(seen.values(state=state, **came))


def _ready_to_go() -> tuple[ColumnElement[bool], ...]:
    """Conditions on a delivery whose mail may go out now."""
    return (Delivery.channel.not_in(ON_PAPER), Delivery.state.in_(WAITING), Delivery.change_to.is_(None))


def _template(stored: Mapping[str, Any]) -> Template:
    return Template(str(stored.get("subject", "")), str(stored.get("body", "")))


def mail_of(session: Session, facts: RunFacts, delivery: Delivery, *, template: Template, page: PhonePage) -> Mail:
    """The mail of one delivery, with these words and its own link."""
    person = session.get_one(Person, delivery.person_id)
    card_id = delivery.card_id or 0
    batch = batch_of(card_id, batches_of(session, [card_id]))
    words = letter(
        template,
        facts,
        person_name=person.name,
        product=facts.products[batch.product_id] if batch else "",
        amount_minor=delivery.amount_minor,
        valid_until=last_second(batch.valid_until) if batch and batch.valid_until else tr("no end"),
        link=claim_url(page.base, delivery.link_id or "", delivery.link_secret or ""),
        pickup_code=format_code(delivery.pickup_code or ""),
        pickup_url=pickup_url(page.base, page.slug),
    )
    return Mail(person.name, person.email or "", delivery.message_id, words)


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
        Delivery.distribution_id == distribution_id,
        Delivery.state == "prepared",
        Delivery.link_id.is_not(None),
        Delivery.change_to.is_(None),
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
