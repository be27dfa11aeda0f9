"""The endpoint as the desktop sees it: pair, run the embedded one, push the outbox, pull the feed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select

from app.errors import EndpointMissing, EndpointNotStarted, EndpointRefused, EndpointUnreachable
from app.models.base import now
from app.models.database import Database
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp
from app.services.audit import AuditLog
from app.services.cards.codes import CodeReader
from app.services.cloud import device_keys, events, merchant, queue
from app.services.cloud.addresses import checked_host, checked_url
from app.services.cloud.comparing import compare, explain
from app.services.cloud.connection import Connection
from app.services.cloud.embedded import EmbeddedEndpoint
from app.services.cloud.joining import Joining
from app.services.cloud.leaving import open_again
from app.services.cloud.lives import spoken
from app.services.cloud.pushing import Pusher
from app.services.cloud.recovering import Recovery
from app.services.cloud.refusals import told
from app.services.cloud.restored import Restored
from app.services.cloud.rows import PAIR_AGAIN, CloudStatus, EntryDifference, QueueRow, SyncOutcome
from app.services.cloud.standing import place, status_of
from app.services.progress import Progress, unwatched
from app.services.settings import SettingService, store, stored
from app.services.vault.keys import VaultKeys
from app.topics import Topic
from sync import points
from sync.client import Refused, SyncClient, Unreachable
from sync.protocol import EventsPage, b64, feed_hash, feed_row, unb64

T = TypeVar("T")
PAGE = 1_000
MODES = ("embedded", "cloud")


class CloudService:
    """`autostart`: start the embedded endpoint when it is needed and was not stopped; the window does, a script not."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        keys: VaultKeys,
        recovery: Recovery,
        *,
        reader: CodeReader,
        settings: SettingService,
        embedded: EmbeddedEndpoint,
        autostart: bool = False,
    ) -> None:
        self._database = database
        self._audit = audit
        self._reader = reader
        self._recovery = recovery
        self._settings = settings
        self._embedded = embedded
        self._autostart, self._was_stopped = autostart, False
        self._connection = Connection(database, audit, keys)
        self._joining = Joining(
            *(database, audit, reader, self._connection, embedded),
            speak=self._speak,
            push=lambda client: self._pusher(client).push(unwatched),
            pull=lambda client: self._pull(client, unwatched),
            sync=self._sync,
        )
        self._restored = Restored(database, audit, reader)
        self._one_at_a_time = threading.RLock()

    # --- pairing ---

    def pair(self, url: str, code: str, *, leave: str | None = None, progress: Progress = unwatched) -> CloudStatus:
        """Pair with an endpoint in the cloud; what this vault knows and it does not is queued for it.

        What an earlier endpoint still has to say is heard first. Where that one is gone for ever, `leave` is its host
        as the user has typed it. Raises EndpointUnreachable, OldEndpointSilent, OldEndpointAnswers, LeavingUnconfirmed,
        EndpointRefused, EndpointNotStarted, InvalidInput.
        """
        url = checked_url(url)
        with self._one_at_a_time:
            before = self._connection.pairing()
            left = before is not None and before.url != url and self._joining.part_from(before, leave)
            own = url == self._embedded.url()  # paired again after a revocation
            self._joining.join(url, code.strip(), mode="embedded" if own else "cloud", left=left, progress=progress)
            if not own:
                self._embedded.stop()
        return self.status()

    def start_embedded(
        self, lan_address: str | None = None, *, leave: str | None = None, progress: Progress = unwatched
    ) -> CloudStatus:
        """Start the endpoint on this machine, or move it to another address, and pair with it by itself.

        A cloud endpoint is left as in `pair`. Raises what that raises.
        """
        host = checked_host(str(self._settings.get("cloud.lan_address") if lan_address is None else lan_address))
        with self._one_at_a_time:
            before = self._connection.pairing()
            left = before is not None and before.mode == "cloud" and self._joining.part_from(before, leave)
            url = self._joining.run(host)
            self._was_stopped = False
            if lan_address is not None:
                self._settings.put("cloud.lan_address", lan_address.strip())
            self._pair_embedded(url, left=left, progress=progress)
        return self.status()

    def stop_embedded(self) -> CloudStatus:
        with self._one_at_a_time:
            self._was_stopped = True
            self._embedded.stop()
        return self.status()

    # --- looking ---

    def status(self) -> CloudStatus:
        with self._database.read() as session:
            return status_of(session, runs=self._embedded.is_running)

    def settle_twin(self) -> None:
        """Only this vault lives now: say no more that there are two."""
        self._connection.settle_twin()

    def public_url(self) -> str | None:
        """Base address of the phone page."""
        pairing = self._connection.pairing()
        return pairing.url if pairing else None

    def queue(self, *, states: tuple[str, ...] = ("waiting", "in_flight", "rejected")) -> list[QueueRow]:
        """What waits or was refused, oldest first."""
        with self._database.read() as session:
            return queue.listed(session, states)

    def retry(self, queue_id: int) -> None:
        """Send a refused op again. Raises NotFound."""
        with self._database.write(Topic.OUTBOX, Topic.AUDIT) as session:
            queue.retry(session, self._audit, queue_id)

    def open_here(self, queue_id: int) -> None:
        """Let the endpoint decide again about a batch that another one decided about, which is gone for good; the op
        is a thaw that was refused for that. Raises NotFound."""
        with self._database.write(Topic.OUTBOX, Topic.AUDIT) as session:
            queue.open_here(session, self._audit, queue_id)

    def withdraw(self, queue_id: int) -> None:
        """Let a refused op be; what waited behind it goes on. Raises NotFound."""
        with self._database.write(*events.TOPICS, Topic.AUDIT) as session:
            queue.withdraw(session, self._audit, queue_id)

    # --- sync ---

    def sync(self, progress: Progress = unwatched) -> SyncOutcome:
        """Push what waits, pull what happened, compare.

        Raises EndpointUnreachable, EndpointRefused, EndpointNotStarted.
        """
        with self._one_at_a_time:
            try:
                outcome = self._speak(lambda client: self._sync(client, progress))
            except EndpointMissing:
                raise
            except (EndpointUnreachable, EndpointRefused, EndpointNotStarted) as error:
                reason = getattr(error, "reason", "")
                self._note(problem=reason if reason in PAIR_AGAIN else error.code)
                raise
            self._note(problem="")
            return outcome

    def lift_recovery(self, reason: str) -> None:
        """Let an endpoint that was put back redeem again before every desktop was heard. Raises ReasonMissing,
        EndpointUnreachable, EndpointRefused."""
        self.ask(lambda client: self._restored.lift(client, reason.strip()))

    def push_links(self, distribution_id: int, progress: Progress) -> None:
        """Push the links of a distribution and the batches they need. Raises EndpointUnreachable, EndpointRefused."""
        with self._database.read() as session:
            wanted = select(Delivery.id).where(Delivery.distribution_id == distribution_id)
            aggregates = frozenset(f"delivery:{number}" for number in session.scalars(wanted))
            batches = session.scalars(select(OutboxOp.aggregate).where(OutboxOp.aggregate.startswith("batch:")))
            aggregates |= frozenset(batches)
        with self._one_at_a_time:
            self._speak(lambda client: self._pusher(client).push(progress, aggregates=aggregates))

    def push_now(self, aggregates: frozenset[str]) -> None:
        """Push what waits about some things, and hear what came of it. Raises EndpointUnreachable, EndpointRefused."""

        def push(client: SyncClient) -> None:
            self._pusher(client).push(unwatched, aggregates=aggregates)
            self._pull(client, unwatched)

        with self._one_at_a_time:
            self._speak(push)

    def ask(self, question: Callable[[SyncClient], T]) -> T:
        """One question to the endpoint, for the counter. Raises EndpointUnreachable, EndpointRefused."""
        return self._speak(question)

    def explain(self, serial: str) -> list[EntryDifference]:
        """The entries in which a batch differs from the endpoint's. Raises EndpointUnreachable, EndpointRefused."""
        return self._speak(lambda client: explain(self._database, client, serial, at_seq=self._cursor()[1]))

    def pull(self, progress: Progress = unwatched) -> int:
        """Only hear what happened; how many events. A sync that is still uploading holds nobody up."""
        return self._speak(lambda client: self._pull(client, progress))[0]

    # --- the parts ---

    def _sync(self, client: SyncClient, progress: Progress = unwatched) -> SyncOutcome:
        hello, pusher = self._restored.greet(client), self._pusher(client)
        self._restored.catch_up(client, hello, pusher, progress)
        merchant.agree(self._database, self._audit, hello)
        open_again(self._database)
        pusher.push(progress)
        self._restored.finish(client, hello)
        if hello.recovery is not None:  # what waited for that
            pusher.push(progress)
        pulled, returned = self._pull(client, progress)
        device_keys.hear(self._database, client)
        head = self._cursor()[1]
        differences, status = compare(self._database, client, at_seq=head), self.status()
        return SyncOutcome(pusher.pushed, pulled, status.rejected, head, status.pending, differences, returned)

    def _pusher(self, client: SyncClient) -> Pusher:
        merchant_id = UUID(self._settings.merchant().id)
        blobs = self._recovery.blobs
        return Pusher(self._database, self._reader, client, merchant_id=merchant_id, blobs=blobs)

    def _pull(self, client: SyncClient, progress: Progress) -> tuple[int, int]:
        """How many events were heard, and how many batches came back."""
        pulled = returned = 0
        self._hear_kept()
        while True:
            after = str(self._settings.get("cloud.cursor"))
            page = client.events(after, limit=PAGE)
            if page.events:
                returned += self._recovery.bring_back(client, page)
                self._take_in(page, after, client.base_url)
            pulled += len(page.events)
            progress(pulled, pulled + page.head - (page.events[-1].seq if page.events else page.head))
            if not page.has_more:
                return pulled, returned

    def _hear_kept(self) -> None:
        with self._database.read() as session:
            if not events.knows_more(session):
                return
        after: int | None = -1
        while after is not None:
            with self._database.write(*events.TOPICS) as session:
                after = events.apply_kept(session, self._cursor()[0], after=after)

    def _take_in(self, page: EventsPage, after: str, url: str) -> None:
        """T3: a page of events and the cursor behind it, together. The chain is checked before anything is believed."""
        with self._database.write(*events.TOPICS) as session:
            if str(stored(session, "cloud.url")) != url:
                raise EndpointUnreachable(url)  # the vault moved to another endpoint meanwhile
            if str(stored(session, "cloud.cursor")) != after:
                return  # somebody else took this page in
            before = unb64(str(stored(session, "cloud.feed_hash") or "")) or b"\0" * 32
            for event in page.events:
                row = feed_row(event.type, event.op_id, event.at, bytes(event.body), event.receipt)
                before = feed_hash(before, event.seq, row)
                if event.hash != b64(before):
                    raise EndpointRefused("feed-broken")
            self._restored.check(session, page)
            events.apply(session, page)
            store(session, "cloud.cursor", page.next)
            store(session, "cloud.feed_hash", page.events[-1].hash)
            points.passed("desk.t3.commit")
        points.passed("desk.t3.committed")

    def _speak(self, question: Callable[[SyncClient], T]) -> T:
        """Ask as this device. Raises EndpointMissing, EndpointUnreachable, EndpointRefused, EndpointNotStarted."""

        def call() -> T:
            with self._client() as client, told(client.base_url):
                return question(client)

        return spoken(self._connection, call)

    @contextmanager
    def _client(self) -> Iterator[SyncClient]:
        self._be_ready()
        client = self._connection.client()
        if client is None:
            raise EndpointMissing("")
        try:
            yield client
        finally:
            client.close()

    def _be_ready(self) -> None:
        """The window starts the embedded endpoint by itself; a script says so."""
        pairing = self._connection.pairing()
        if pairing is not None and pairing.mode == "cloud":
            return
        if self._embedded.is_running():
            url = self._embedded.url()
            if pairing is not None and url is not None and url != pairing.url:
                self._connection.move_address(url)
            return
        if self._autostart and not self._was_stopped:
            with self._one_at_a_time:
                pairing = self._connection.pairing()
                if pairing is None or pairing.mode != "cloud":  # else the vault moved there meanwhile, and stays there
                    self.start_embedded()

    def _pair_embedded(self, url: str, *, left: bool, progress: Progress) -> None:
        """Pair unless this vault is known there already."""
        pairing = self._connection.pairing()
        if pairing is not None and pairing.mode == "embedded":
            if pairing.url != url:
                self._connection.move_address(url)
            client = self._connection.client()
            assert client is not None, "paired"
            try:
                client.hello()
                return
            except Refused as refused:
                if refused.key == "restore-detected":
                    return  # the first sync sees to it
                if refused.key != "bad-signature":
                    raise EndpointRefused(refused.key) from refused
                # a new database there: pair anew
            except Unreachable as error:
                raise EndpointUnreachable(url) from error
            finally:
                client.close()
        own = self._settings.merchant()
        code = self._embedded.pairing_code(own.id, own.name)
        self._joining.join(url, code, mode="embedded", left=left, progress=progress)

    def _cursor(self) -> tuple[str, int]:
        with self._database.read() as session:
            return place(session)

    def _note(self, *, problem: str) -> None:
        with self._database.write(Topic.CLOUD) as session:
            store(session, "cloud.last_problem", problem)
            if not problem:
                store(session, "cloud.last_sync", now().astimezone(UTC).isoformat())


__all__ = ["CloudService", "CloudStatus", "EmbeddedEndpoint", "EntryDifference", "QueueRow", "SyncOutcome"]
