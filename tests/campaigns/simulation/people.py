"""The people of a history: clerks at their desktops, phones with codes; what they wished, what they were told."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.errors import AppError, RedemptionRefused
from app.models.batch import Batch
from app.models.lease import Lease
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services import Services
from app.services.cards.codes import CodeReader
from app.services.cloud.connection import pairing_of
from app.services.leases.deciding import LEASED
from app.services.outbox import enqueue
from app.services.redemptions import RedemptionResult
from app.services.sealing import Sealer
from app.topics import Topic
from sync.codes import digest
from sync.protocol import b64, new_op_id
from tests.campaigns.simulation.desktop import Desktop
from tests.campaigns.simulation.server import BASE, Answer, Message
from tests.campaigns.simulation.wire import NOT_KEPT, Lost, Wire
from tests.campaigns.simulation.world import Violation

PARTS = (50, 100, 150, 300, None)


@dataclass(frozen=True, slots=True)
class Known:
    """A card whose code is in the world."""

    batch: str
    no: int
    code: str
    d: str
    money: bool


@dataclass(slots=True)
class Wish:
    """What somebody wants of a card. `answer` is the one final word."""

    card: Known
    op_id: str
    amount: int | None
    uses: int | None
    answer: Answer | None = None
    asked: int = 0


@dataclass
class Told:
    """What people were told: an op id → fen and uses it took."""

    redeemed: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    wishes: dict[str, str] = field(default_factory=dict)
    """Wish at a counter → op id it was confirmed under."""
    opened: set[str] = field(default_factory=set)
    recalled: set[str] = field(default_factory=set)
    own_word: dict[str, str] = field(default_factory=dict)
    """What a counter decided by itself: op id → life of its desktop."""
    undoes: dict[str, str] = field(default_factory=dict)
    """A use that was taken back on a counter's own word: op id → the use's."""
    lost: set[str] = field(default_factory=set)
    """Of these, what lay on a disk that is gone."""
    steps: Counter[str] = field(default_factory=Counter)

    def confirm(self, op_id: str, amount: int, uses: int) -> None:
        if self.redeemed.setdefault(op_id, (amount, uses)) != (amount, uses):
            raise Violation(f"I4: {op_id} was confirmed as {self.redeemed[op_id]} and as {(amount, uses)}")

    def lose(self, desktop: Desktop, known: set[str]) -> None:
        """The disk of a desktop is gone, and what the endpoint had not heard of it."""
        life = f"{desktop.name}{desktop.lives}"
        self.lost |= {op_id for op_id, whose in self.own_word.items() if whose == life} - known


class Cards:
    """All codes that were ever made."""

    def __init__(self, merchant_id: str) -> None:
        self._merchant = UUID(merchant_id)
        self._batches: set[bytes] = set()
        self.known: list[Known] = []

    def learn(self, desktop: Desktop) -> None:
        with desktop.database.read() as session:
            made = session.scalars(select(Batch).where(Batch.state != "generating"))
            fresh = [batch for batch in made if batch.uid not in self._batches]
        for batch in fresh:
            self._batches.add(batch.uid)
            reader = CodeReader(desktop.database, Sealer(desktop.keys))
            codes = [code for block in reader.blocks(batch) for code in block.codes()]
            for no, code in enumerate(codes):
                d = b64(digest(self._merchant, code))
                self.known.append(Known(str(UUID(bytes=batch.uid)), no, code, d, batch.face_minor is not None))


def wanted(draw: Random, card: Known) -> tuple[int | None, int | None]:
    """Fen or uses."""
    return (draw.choice(PARTS), None) if card.money else (None, draw.choice((1, 1, 2, None)))


class Phones:
    """Whoever has a code. A wish keeps its op id until it has an answer."""

    def __init__(self, wire: Wire, merchant_id: str, told: Told, draw: Random, *, base: str = BASE) -> None:
        self._wire, self._merchant, self._told, self._draw, self._base = wire, merchant_id, told, draw, base
        self.wishes: list[Wish] = []

    def wish(self, card: Known) -> Wish:
        self.wishes.append(Wish(card, new_op_id(), *wanted(self._draw, card)))
        return self.wishes[-1]

    def ask(self, wish: Wish) -> None:
        """Once, over the wire; an answer that was lost can also be asked for."""
        wish.asked += 1
        message = self._message(wish)
        if wish.asked > 1 and self._draw.random() < 0.3:
            message = Message("GET", f"{self._base}/h5/v1/redeem/{wish.op_id}", {}, b"")
        try:
            answer = self._wire.carry(message)
        except Lost:
            return
        if message.method == "POST" or answer.status != 404:
            self._hear(wish, answer)

    def rush(self, wishes: list[Wish]) -> None:
        """All at once."""
        try:
            answers = self._wire.reach(*(self._message(wish) for wish in wishes))
        except Lost:
            return
        for wish, answer in zip(wishes, answers, strict=True):
            wish.asked += 1
            self._hear(wish, answer)

    def reuse(self, wish: Wish) -> None:
        """The id of an op that has its outcome, for something else."""
        if wish.op_id not in self._wire.outcomes.told:
            return
        other = Wish(wish.card, wish.op_id, (wish.amount or 7) + 1 if wish.card.money else None, wish.uses)
        other.uses = None if wish.card.money else (wish.uses or 7) + 1
        try:
            answer = self._wire.carry(self._message(other))
        except Lost:
            return
        if answer.status != 422:
            raise Violation(f"I4: an op id stood for two wishes: {answer.status} {answer.body!r}")

    def _hear(self, wish: Wish, answer: Answer) -> None:
        said = msgspec.json.decode(answer.body)
        if answer.status == 200:
            wish.answer = answer
            self._told.confirm(wish.op_id, said["redeemed_minor"], said["redeemed_uses"])
        elif said["type"].rpartition("/")[2] not in NOT_KEPT:
            wish.answer = answer
            self._told.refused.add(wish.op_id)

    def _message(self, wish: Wish) -> Message:
        body = {"op_id": wish.op_id, "merchant_id": self._merchant, "d": wish.card.d}
        body |= {} if wish.amount is None else {"amount_minor": wish.amount}  # type: ignore[dict-item]
        body |= {} if wish.uses is None else {"uses": wish.uses}  # type: ignore[dict-item]
        headers = {"Content-Type": "application/json"}
        return Message("POST", f"{self._base}/h5/v1/redeem", headers, msgspec.json.encode(body))


class Till:
    """A clerk at one desktop. A wish whose answer is not known is repeated as it was, unless the desktop shows it."""

    def __init__(self, desktop: Desktop, told: Told, draw: Random) -> None:
        self._desktop, self._told, self._draw = desktop, told, draw
        self.open: dict[str, tuple[Known, str, int | None, int | None]] = {}
        self._count = 0

    def redeem(self, card: Known) -> None:
        self._look_up()
        if card.d not in self.open:
            self._count += 1
            self.open[card.d] = (
                card,
                f"{self._desktop.name}{self._desktop.lives}-{self._count}",
                *wanted(self._draw, card),
            )
        _, place, amount, uses = self.open[card.d]
        done = self._desktop.act(
            lambda services: services.redemptions.redeem(card.code, amount, uses=uses, place=place),
            refused=lambda error: self._refused(card, error),
        )
        if done is not None:
            del self.open[card.d]
            self._told.confirm(done.redemption_id, done.redeemed_minor, done.redeemed_uses)
            self._told.wishes[place] = done.redemption_id
            if done.own_word:
                self._mind(done.redemption_id)

    def reverse(self) -> None:
        with self._desktop.database.read() as session:
            entries = list(
                session.scalars(select(Redemption.id).where(Redemption.kind == "redeemed").order_by(Redemption.id))
            )
        if not entries:
            return
        entry = self._draw.choice(entries)
        done = self._desktop.act(lambda services: services.redemptions.reverse(entry, reason="x"))
        if done is not None:
            self._told.confirm(done.redemption_id, done.redeemed_minor, done.redeemed_uses)
            if done.own_word:
                self._told.own_word[done.redemption_id] = f"{self._desktop.name}{self._desktop.lives}"
                self._told.undoes[done.redemption_id] = entry

    def top_up(self, card: Known) -> None:
        amount = self._draw.choice((1, 60, 200))
        self._pay(card, lambda services, card_id, place: services.redemptions.top_up(
            card_id, amount, reason="x", place=place
        ))  # fmt: skip

    def refund(self, card: Known) -> None:
        amount = self._draw.choice((*PARTS, None)) if card.money else None
        self._pay(card, lambda services, card_id, place: services.redemptions.refund(
            card_id, amount, reason="x", place=place
        ))  # fmt: skip

    def _pay(self, card: Known, act: Callable[[Services, int, str], RedemptionResult]) -> None:
        """Money onto a card or off it. One whose answer was lost nobody repeats: the next sync does."""
        self._count += 1
        place = f"{self._desktop.name}{self._desktop.lives}-{self._count}"

        def on_it(services: Services) -> RedemptionResult | None:
            card_id = services.cards.find_by_code(card.code)
            return None if card_id is None else act(services, card_id, place)

        done = self._desktop.act(on_it)
        if done is not None:
            self._told.confirm(done.redemption_id, done.redeemed_minor, done.redeemed_uses)
            self._told.steps[done.outcome] += 1

    def forget(self) -> None:
        """The desktop is gone, and with it what was open."""
        self.open.clear()

    def again(self) -> None:
        for card, *_ in list(self.open.values()):
            self.redeem(card)

    def _mind(self, op_id: str) -> None:
        """P3: decided without the endpoint means under an own and current lease."""
        self._told.own_word[op_id] = f"{self._desktop.name}{self._desktop.lives}"
        self._told.steps["own word"] += 1
        with self._desktop.database.read() as session:
            entry, who = session.get_one(Redemption, op_id), pairing_of(session)
            lease = session.get_one(Lease, entry.lease_id)
            assert who is not None
            current = lease.state == "open" and lease.first_card_id <= entry.card_id < lease.end_card_id
            if not current or (lease.device_id, lease.incarnation) != (who.device_id, who.incarnation):
                raise Violation(f"I8: {self._desktop.name} decided {op_id} under no lease of its own: {lease.state}")
            if not entry.at <= lease.until:
                raise Violation(f"I8: {self._desktop.name} decided {op_id} under a lease that had run out")

    def _refused(self, card: Known, error: AppError) -> None:
        """A refusal of a wish that had no answer before is the answer; of one that had, it may be its own doing."""
        if isinstance(error, RedemptionRefused) and self._state(self.open[card.d][1]) not in ("waiting", "in_flight"):
            del self.open[card.d]

    def _look_up(self) -> None:
        """What the desktop has heard of open wishes in the meantime."""
        for d, (_, place, _, _) in list(self.open.items()):
            if self._state(place) in ("applied", "withdrawn", "rejected"):
                del self.open[d]

    def _state(self, place: str) -> str:
        with self._desktop.database.read() as session:
            kinds = OutboxOp.type.in_(("redeem@1", LEASED))
            ops = session.scalars(select(OutboxOp).where(kinds).order_by(OutboxOp.id.desc()))
            found = next((op for op in ops if op.body.get("place") == place), None)
        if found is None:
            return ""
        return "applied" if found.type == LEASED else found.state  # what the desktop decided itself is decided


class Links:
    """Claim links as they go over the wire: stored and recalled by desktops, opened and acknowledged by phones."""

    def __init__(self, wire: Wire, told: Told, draw: Random) -> None:
        self._wire, self._told, self._draw = wire, told, draw
        self.made: list[tuple[str, str]] = []
        """Id and token."""

    def put(self, desktop: Desktop, card: Known) -> None:
        link, token = b64(self._draw.randbytes(16)), self._draw.randbytes(24)
        self.made.append((link, b64(token)))
        body = {"link_id": link, "batch_id": card.batch, "card_no": card.no, "ciphertext": "x"}
        body |= {"auth_digest": b64(hashlib.sha256(token).digest())}
        desktop.act(lambda _: self._enqueue(desktop, "link.put@1", link, body, "link"))

    def recall(self, desktop: Desktop) -> None:
        if self.made:
            link, _ = self._draw.choice(self.made)
            desktop.act(lambda _: self._enqueue(desktop, "link.recall@1", link, {"link_id": link}, "ops"))

    def visit(self) -> None:
        if not self.made:
            return
        link, token = self._draw.choice(self.made)
        what = self._draw.choice(("open", "open", "ack"))
        body = msgspec.json.encode({"auth": token})
        try:
            answer = self._wire.carry(
                Message("POST", f"{BASE}/h5/v1/links/{link}/{what}", {"Content-Type": "application/json"}, body)
            )
        except Lost:
            return
        if answer.status == 200:
            self._told.opened.add(link)

    def _enqueue(self, desktop: Desktop, type_: str, link: str, body: dict[str, object], lane: str) -> None:
        with desktop.database.write(Topic.OUTBOX) as session:
            enqueue(session, type_, aggregate=f"delivery:{link}", body=body, lane=lane)


def half_made_discarded(services: Services) -> None:
    """In a copy: its original may go on with it, and two would make different cards of one batch."""
    for row in services.batches.batches(states=("generating",)):
        services.batches.discard(row.id)


def everything_made(services: Services) -> None:
    """What a crash left half made is made to its end."""
    for row in services.batches.batches(states=("generating",)):
        services.batches.resume(row.id)
