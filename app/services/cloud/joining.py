"""Becoming a device of an endpoint: for the first time, of another one than before, or of the same once more."""

import platform
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.errors import EndpointRefused
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.cards.codes import CodeReader
from app.services.cloud import merchant
from app.services.cloud.addresses import LOOPBACK, host_of
from app.services.cloud.connection import Connection, Enrolled, Pairing
from app.services.cloud.embedded import EmbeddedEndpoint
from app.services.cloud.events import CLOSED, TOPICS
from app.services.cloud.leaving import Ask, Departure, leave_leases, note_left, open_again, part_from
from app.services.cloud.moving import MAY_CARRY, Known, announce_all, follow, refuse_ledger, survey
from app.services.cloud.refusals import told
from app.services.cloud.standing import last_sync, place
from app.services.progress import Progress
from app.services.settings import store, stored
from app.topics import Topic
from sync.client import SyncClient
from sync.protocol import Hello


@dataclass(frozen=True, slots=True)
class Joining:
    """`speak` asks the present endpoint something; `push`, `pull` and `sync` are what it may be asked."""

    database: Database
    audit: AuditLog
    reader: CodeReader
    connection: Connection
    embedded: EmbeddedEndpoint
    speak: Callable[[Ask], object]
    push: Ask
    pull: Ask
    sync: Ask

    def join(self, url: str, code: str, *, mode: str, left: bool, progress: Progress) -> None:
        """Enrol and hear what is known there; only then, in one write, become its desktop and queue the rest.

        `left` says that the present endpoint is left unheard. Raises EndpointRefused, EndpointUnreachable; a stop by
        `progress` leaves everything as it was, but for the leases, which are given back.
        """
        before = self.connection.pairing()
        open_again(self.database)
        leaving = self._departure(before, url) if before is not None and not left else None
        if leaving is not None:
            leaving.refuse_while_leased()
        with self.database.read() as session:
            own, (epoch, heard) = str(stored(session, "merchant.id")), place(session)
            taken = set(stored(session, CLOSED))
            bound = own if merchant.is_bound(session) else None
        with told(url):
            enrolled = self.connection.enroll(url, code, device_name=platform.node()[:100], merchant_id=bound)
        if leaving is not None:
            leaving.give_leases_back()
        with told(url):
            anew = enrolled.answer.merchant_id != own or not enrolled.continues(epoch, heard)
            with closing(enrolled.client()) as client:
                known = survey(client, progress=progress) if anew and before is not None else None
        hello = enrolled.answer.hello
        if known is not None:
            refuse_ledger(self.database, known, hello.device.role)
        # one whose feed goes on from here is the same by another name
        closed = leaving.closed() if leaving is not None and anew else nullcontext()
        with closed, self.database.write(*TOPICS, Topic.SETTINGS, Topic.AUDIT) as session:
            if left and before is not None:
                note_left(session, self.audit, before)
            self._take_over(session, enrolled)
            self.connection.keep(session, enrolled, mode=mode, anew=anew)
            if anew:
                leave_leases(session)
            if leaving is not None:
                leaving.forget(session)
            if known is not None:
                follow(session, known, taken)
                self._tell_all(session, hello, known, progress)

    def _tell_all(self, session: Session, hello: Hello, known: Known, progress: Progress) -> None:
        """To an endpoint that has never heard of this vault, or not of what it did elsewhere since."""
        announce_all(
            *(session, self.reader, UUID(str(stored(session, "merchant.id"))), known),
            past_freezes=hello.moves_frozen,
            closes=hello.closes and hello.device.role in MAY_CARRY,
            progress=progress,
        )

    def _take_over(self, session: Session, enrolled: Enrolled) -> None:
        """A vault without cards becomes a desk of whoever let it in. Raises EndpointRefused for any other."""
        if enrolled.answer.merchant_id == str(stored(session, "merchant.id")):
            return
        if merchant.is_bound(session):  # an older endpoint did not ask, or cards were made meanwhile
            raise EndpointRefused("other-merchant")
        merchant.take_over(session, self.audit, enrolled.answer.hello.merchant)

    def _departure(self, before: Pairing, url: str) -> Departure | None:
        """None where nobody answers any more."""
        if before.mode == "embedded" and not self.embedded.is_running():
            return None
        return Departure(self.database, self.audit, before, to=url, ask=self.speak, push=self.push, hear=self.pull)

    def part_from(self, before: Pairing, leave: str | None) -> bool:
        """Whether an endpoint of which something could be heard is left unheard. Raises what `part_from` raises."""
        if before.mode == "embedded" and not self.embedded.is_running() and not self.embedded.database.exists():
            return False  # a restored vault on another machine: there is nobody to hear
        with self.database.read() as session:
            since = last_sync(session)
        hear, greet = self._asking(before, self.sync), self._asking(before, SyncClient.hello)
        return part_from(before, hear=hear, greet=greet, leave=leave, since=since)

    def _asking(self, before: Pairing, ask: Callable[[SyncClient], object]) -> Callable[[], None]:
        def call() -> None:
            if before.mode == "embedded" and not self.embedded.is_running():
                self.run(host_of(before.url) or LOOPBACK)
            self.speak(ask)

        return call

    def run(self, host: str) -> str:
        """The address of the embedded endpoint, with its process listening on `host`. Raises EndpointNotStarted."""
        running = self.embedded.url()
        if running is not None and host_of(running) != host:
            self.embedded.stop()
        with self.database.read() as session:
            port = int(stored(session, "cloud.port") or 0)
        url = self.embedded.start(port, host)
        with self.database.write(Topic.SETTINGS) as session:
            store(session, "cloud.port", int(url.rpartition(":")[2]))
        return url
