"""One history: random acts of random people over a bad line, until everybody has heard everything."""

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from sqlalchemy import select

from app.models import base
from app.models.batch import Batch
from app.services import Services
from app.services.batches import BatchSpec
from app.services.leases import WAYS, LeaseRow
from tests.campaigns.simulation import checks, copies, letting_in
from tests.campaigns.simulation.clerk import Clerk
from tests.campaigns.simulation.desktop import Desktop
from tests.campaigns.simulation.people import (
    Cards,
    Known,
    Links,
    Phones,
    Till,
    Told,
    everything_made,
)
from tests.campaigns.simulation.putting_back import copy_endpoint, lift_if_nobody_comes, put_endpoint_back
from tests.campaigns.simulation.template import MONEY, VOUCHER, Template
from tests.campaigns.simulation.wire import Wire
from tests.campaigns.simulation.world import BEGAN_MS, Violation, drawn_from
from tests.drivers.trade import Trade

Act = tuple[int, Callable[[], None]]
"""How often somebody does it, and what."""
MOST_BATCHES = 3
ROUNDS = 6
LATER_MS = 3_600_000
"""Each history begins so long after what all of them begin with was made."""
THOROUGH = 4
"""One history in so many is looked at by the verifiers of both ends, too, which take longer than our own books."""
PUTS_BACK = 3
"""In one history of so many the endpoint is put back from copies."""
PAUSES_MS = (1, 1_000, 30_000, 600_000)
"""Between two acts; the longest is longer than a signature is good for."""
LEASES_MS = (600_000, 3_600_000, 36_000_000)
"""How long a lease is taken for; the shortest runs out within most histories."""
RATES, STORM = (0, 10, 10, 25, 40), 85
"""How many of a hundred messages meet a fault: in a history as a rule, and now and then."""
TOLD = ("own word", "conflicts", "held back", "topped_up", "refunded", "clerk's reversals", "by a colleague")
SKEWS_MS = (0, 0, 0, 0, 600_000, -7_200_000)


class History:
    """`seed` alone says what happens in it. `moves`: the vault goes from one endpoint to another."""

    moves = False

    def __init__(self, template: Template, seed: int, folder: Path) -> None:
        self.draw = Random(seed)
        self.template = template
        self.folder = folder
        self.told = Told()
        self.thorough = seed % THOROUGH == 0
        self.puts_back = seed % PUTS_BACK == PUTS_BACK - 1
        self.endpoint_copies: list[Path] = []
        self.gone: set[str] = set()
        """Ops that the endpoint knew and lost, when it was put back."""
        self.trace: list[str] = []
        self.copies: list[tuple[Path, str]] = []
        template.clock.ms = BEGAN_MS + LATER_MS
        template.server.serve(folder / "endpoint.db", copied_from=template.file)
        self.wire = self.line()
        self.usual = self.draw.choice(RATES)
        self.cards = Cards(template.merchant_id)
        self.phones = Phones(self.wire, template.merchant_id, self.told, self.draw)
        self.links = Links(self.wire, self.told, self.draw)
        self.desktops: list[Desktop] = []
        self.tills: dict[str, Till] = {}
        for name, file in template.folders.items():
            (folder / name).mkdir()
            shutil.copyfile(file, folder / name / "vault.db")
            self.join(Desktop(name, folder / name, template.keys, self.wire, template.clock))
        self.desktops[-1].skew_ms = self.draw.choice(SKEWS_MS)
        self.clerk = Clerk(self)

    def line(self) -> Wire:
        return Wire(self.template.server, self.draw, 0)

    def acts(self) -> list[Act]:
        acts: list[Act] = [
            (5, self.generate), (9, self.sync), (3, self.freeze_batch), (3, self.thaw_batch), (1, self.void_batch),
            (3, self.stop_card), (1, self.void_card), (9, self.counter), (3, self.reverse), (9, self.phone),
            (4, self.phone_again), (2, self.rush), (2, self.reuse), (2, self.back_up), (2, self.restore),
            (3, self.top_up), (3, self.refund),
            (2, self.take_lease), (5, self.shift), (2, self.give_back), (1, self.reclaim), (1, self.settle_conflict),
            (6, self.serve), (1, self.clone), (2, self.link), (2, self.visit), (1, self.recall), (1, self.outage),
            (1, self.revoke), (2, self.let_in_again),
        ]  # fmt: skip
        if self.puts_back:
            acts += [(3, self.back_up_endpoint), (3, self.put_endpoint_back)]
        return acts

    def run(self) -> None:
        """Raises Violation."""
        acts = self.acts()
        weights = [weight for weight, _ in acts]
        self.generate()
        self.sync()
        self.wire.rate = self.usual
        for _ in range(self.draw.randint(8, 22)):
            self.light()
            self.template.clock.tick(self.draw.choice(PAUSES_MS))
            act = self.draw.choices(acts, weights)[0][1]
            self.trace.append(act.__name__)
            self.told.steps[act.__name__] += 1
            act()
            self.wire.down = act.__name__ == "outage"
            self.wire.rate = STORM if self.usual and self.draw.random() < 0.15 else self.usual
        self.settle()
        self.check()

    def check(self) -> None:
        """Raises Violation."""
        checks.check(self)

    def close(self) -> None:
        for desktop in self.everybody():
            desktop.close()
        self.template.server.stop()

    # --- what people do ---

    def generate(self) -> None:
        desktop = self.desktop()
        if len(self._local(desktop)) < MOST_BATCHES:
            spec = BatchSpec(self.draw.choice((MONEY, MONEY, VOUCHER)), self.draw.randint(1, 5), "STANDARD")
            made = desktop.act(lambda services: services.batches.generate(spec))
            self.cards.learn(desktop)
            if made is not None:  # what is still in stock nobody tops up or refunds
                desktop.act(lambda _: Trade(desktop.database).release(made, at=base.now()))

    def sync(self) -> None:
        self.desktop().act(lambda services: services.cloud.sync())

    def freeze_batch(self) -> None:
        self._on_batch(lambda services, batch: services.batches.freeze(batch.id))

    def thaw_batch(self) -> None:
        self._on_batch(lambda services, batch: services.batches.thaw(batch.id))

    def void_batch(self) -> None:
        self._on_batch(lambda services, batch: services.batches.void(batch.id, confirm=str(batch.quantity)))

    def stop_card(self) -> None:
        no, freezes = self.draw.randrange(5), self.draw.random() < 0.5
        self._on_batch(
            lambda services, batch: (services.cards.freeze if freezes else services.cards.thaw)(
                batch.first_card_id + no % batch.quantity
            )
        )

    def void_card(self) -> None:
        no = self.draw.randrange(5)
        self._on_batch(
            lambda services, batch: services.cards.void(batch.first_card_id + no % batch.quantity, reason="x")
        )

    def counter(self) -> None:
        if card := self.card():
            self.tills[self.desktop().name].redeem(card)

    def take_lease(self) -> None:
        until_ms, first, count = self.draw.choice(LEASES_MS), self.draw.randint(1, 2), self.draw.choice((None, 1, 2))

        def take(services: Services, batch: Batch) -> None:
            until = base.now() + timedelta(milliseconds=until_ms)
            services.leases.take(batch.id, until=until, first_no=first, count=count)

        self._on_batch(take)

    def shift(self) -> None:
        """A lease, and then customers, with a line or without one."""
        desktop, until_ms = self.desktop(), self.draw.choice(LEASES_MS)
        down, customers = self.draw.random() < 0.6, self.draw.randint(1, 4)
        local = self._local(desktop)
        if not local:
            return
        batch = self.draw.choice(local)

        def take(services: Services) -> None:
            services.leases.take(batch.id, until=base.now() + timedelta(milliseconds=until_ms))

        desktop.act(take)
        self.wire.down = down
        cards = [card for card in self.cards.known if card.batch == str(UUID(bytes=batch.uid))]
        for _ in range(customers if cards else 0):
            self.template.clock.tick(self.draw.choice(PAUSES_MS))
            self.tills[desktop.name].redeem(self.draw.choice(cards))
            if self.draw.random() < 0.2:
                self.tills[desktop.name].reverse()

    def give_back(self) -> None:
        self._on_lease(lambda services, lease: services.leases.give_back(lease.id), mine=True)

    def reclaim(self) -> None:
        self._on_lease(lambda services, lease: services.leases.reclaim(lease.id, reason="x"), mine=False)

    def settle_conflict(self) -> None:
        way = self.draw.choice(WAYS)

        def settle(services: Services) -> None:
            if found := services.leases.conflicts():
                services.leases.settle(found[0].id, way=way, note="x")

        self.desktop().act(settle)

    def reverse(self) -> None:
        self.tills[self.desktop().name].reverse()

    def top_up(self) -> None:
        if card := self.card():
            self.tills[self.desktop().name].top_up(card)

    def refund(self) -> None:
        if card := self.leased_card() or self.card():
            self.tills[self.desktop().name].refund(card)

    def phone(self) -> None:
        if card := self.card():
            self.phones.ask(self.phones.wish(card))

    def phone_again(self) -> None:
        """Somebody taps once more, whether or not there was an answer."""
        if self.phones.wishes:
            self.phones.ask(self.draw.choice(self.phones.wishes))

    def rush(self) -> None:
        if card := self.card():
            self.phones.rush([self.phones.wish(self.draw.choice((card, self.card() or card))) for _ in range(3)])

    def reuse(self) -> None:
        if self.phones.wishes:
            self.phones.reuse(self.draw.choice(self.phones.wishes))

    def link(self) -> None:
        if card := self.card():
            self.links.put(self.desktop(), card)

    def visit(self) -> None:
        self.links.visit()

    def recall(self) -> None:
        self.links.recall(self.desktop())

    # --- what befalls them ---

    def light(self) -> None:
        """Perhaps a process will die in the midst of the next act."""
        if self.draw.random() < 0.12:
            self.draw.choice(self.everybody()).fuse.light(self.draw.randint(1, 14))
        if self.draw.random() < 0.08:
            self.template.server.fuse.light(self.draw.randint(1, 20))

    def back_up(self) -> None:
        copies.back_up(self)

    def restore(self) -> None:
        copies.restore(self)

    def clone(self) -> None:
        copies.clone(self)

    def serve(self) -> None:
        """What a clerk does, whose vault has no cards."""
        if self.clerk is not None:
            self.clerk.act(self.card())

    def back_up_endpoint(self) -> None:
        copy_endpoint(self)

    def put_endpoint_back(self) -> None:
        put_endpoint_back(self)

    def revoke(self) -> None:
        letting_in.revoke(self)

    def let_in_again(self) -> None:
        letting_in.let_in_again(self)

    def outage(self) -> None:
        """Nobody reaches the endpoint during the next act."""
        self.wire.met["outage"] += 1

    # --- the end ---

    def settle(self) -> None:
        """All faults are off; everybody asks and syncs until nothing waits."""
        self.wire.rate, self.wire.down = 0, False
        self.template.server.fuse.put_out()
        for desktop in self.everybody():
            desktop.fuse.put_out()
        self.wire.bring_late()
        letting_in.everybody_is_in(self)
        if self.puts_back:
            for desktop in self.desktops:
                desktop.act(lambda services: services.cloud.sync(), refused=_unexpected)
            lift_if_nobody_comes(self)
        for wish in self.phones.wishes:
            if wish.answer is None:
                self.phones.ask(wish)
        for desktop in self.desktops:
            desktop.act(everything_made, refused=_unexpected)
            self.tills[desktop.name].again()
        if self.clerk is not None:
            self.clerk.till.again()
        for _ in range(ROUNDS):
            done = [
                desktop.act(lambda services: services.cloud.sync(), refused=_unexpected) for desktop in self.everybody()
            ]
            heads = {-1 if one is None or one.pushed else one.head for one in done}
            if len(heads) == 1 and -1 not in heads:
                break  # nobody said anything in this round, and whoever was first in it has heard as much as the last
        self.last = dict(zip((desktop.name for desktop in self.everybody()), done, strict=True))

    @property
    def tells_anew(self) -> bool:
        """Whether what stands was told to an endpoint once more."""
        return self.wire.met["endpoint put back"] > 0

    # --- the parts ---

    def desktop(self) -> Desktop:
        return self.draw.choice(self.desktops)

    def everybody(self) -> list[Desktop]:
        return [*self.desktops, *([self.clerk.desktop] if self.clerk else [])]

    def card(self) -> Known | None:
        return self.draw.choice(self.cards.known) if self.cards.known else None

    def leased_card(self) -> Known | None:
        """One that a counter decides about alone, every other time that there is one."""
        spans = self.template.server.look(
            "SELECT b.uid, l.first_no, l.end_no FROM lease l JOIN batch b ON b.id = l.batch_id WHERE l.state = 'open'"
        )
        held = [
            card
            for card in self.cards.known
            if any(card.batch == uid and first <= card.no < end for uid, first, end in spans)
        ]
        return self.draw.choice(held) if held and self.draw.random() < 0.5 else None

    def join(self, desktop: Desktop) -> None:
        self.desktops.append(desktop)
        self.tills[desktop.name] = Till(desktop, self.told, self.draw)

    def _local(self, desktop: Desktop) -> list[Batch]:
        with desktop.database.read() as session:
            return list(session.scalars(select(Batch).order_by(Batch.id)))

    def _on_lease(self, act: Callable[[Services, LeaseRow], object], *, mine: bool) -> None:
        picked = self.draw.random()

        def on_one(services: Services) -> None:
            if found := [lease for lease in services.leases.leases() if lease.mine == mine or not mine]:
                act(services, found[int(picked * len(found))])

        self.desktop().act(on_one)

    def _on_batch(self, act: Callable[..., None]) -> None:
        desktop = self.desktop()
        if local := self._local(desktop):
            batch = self.draw.choice(local)
            desktop.act(lambda services: act(services, batch))


def _unexpected(error: Exception) -> None:
    raise Violation(f"I6: a sync without faults failed: {error!r}") from error


def run(template: Template, seed: int, folder: Path, *, of: type[History] = History) -> Counter[str]:
    """What was done and what befell it. Raises Violation, with the acts in its notes."""
    folder.mkdir()
    draw = Random(f"{seed} urandom")
    with drawn_from(draw):
        history = of(template, seed, folder)
        try:
            history.run()
        except Exception as error:
            error.add_note(f"seed {seed}: {', '.join(history.trace)}")
            raise
        finally:
            history.close()
            shutil.rmtree(folder)
    told = Counter({name: history.told.steps[name] for name in TOLD})
    faults = Counter({f"fault: {name}": times for name, times in history.wire.met.items()})
    return Counter({"steps": history.told.steps.total()}) + told + faults
