"""A vault that moves to and fro between two endpoints which both go on answering, over a bad line and with crashes.

People have codes and try them at either endpoint, at any moment, and at other computers they thaw, refund and undo.
What both together have given is what the cards had; and wherever the vault is in the end, everything that anybody was
told is in the ledger there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.errors import AppError, EndpointRefused
from app.services import Services
from tests.campaigns.simulation import checks
from tests.campaigns.simulation.colleague import Colleague
from tests.campaigns.simulation.history import Act, History, _unexpected
from tests.campaigns.simulation.people import Phones
from tests.campaigns.simulation.server import BASE, Answer, Message, Server
from tests.campaigns.simulation.template import Template
from tests.campaigns.simulation.wire import Outcomes, Wire
from tests.campaigns.simulation.world import Clock, Violation

OTHER = "http://127.0.0.1:8001"
BASES = (BASE, OTHER)
SKEWS_MS = (0, 0, 200_000, -1_200_000)
"""How wrong the clock of an endpoint is."""
EMPTY: list[Path] = []
"""Database of an endpoint without merchants; it is made once, and so is what answers over its copies."""
SECOND: list[Server] = []


class Roads(Wire):
    """The line to both: the address of a message says to which, and each has its own word for an op."""

    def __init__(self, servers: dict[str, Server], draw: random.Random, clock: Clock) -> None:
        super().__init__(servers[BASE], draw, 0)
        self._servers, self._clock = servers, clock
        self._skews = {base: draw.choice(SKEWS_MS) for base in servers}
        self._said = {base: Outcomes() for base in servers}
        self.meanwhile: Callable[[], None] | None = None
        """What somebody else does between two messages of a desktop."""

    def carry(self, message: Message) -> Answer:
        if self.meanwhile is not None and self._draw.random() < 0.15:
            others, self.meanwhile = self.meanwhile, None
            others()
            self.meanwhile = others
        return super().carry(message)

    def reach(self, *messages: Message) -> list[Answer]:
        base = messages[0].url[: len(BASE)]
        self.server, self.outcomes = self._servers[base], self._said[base]
        with self._clock.skewed(self._skews[base]):
            return super().reach(*messages)


class TwoEndpoints(History):
    """One desktop, whose vault has all the cards."""

    moves = True

    def __init__(self, template: Template, seed: int, folder: Path) -> None:
        if not SECOND:
            SECOND.append(Server())
            EMPTY.append(template.file.with_name("second.db"))
            SECOND[0].make(EMPTY[0])
            SECOND[0].stop()
        self.servers = {BASE: template.server, OTHER: SECOND[0]}
        super().__init__(template, seed, folder)
        self.servers[OTHER].serve(folder / "other.db", copied_from=EMPTY[0])
        for unused in (self.desktops.pop(), self.clerk.desktop if self.clerk else None):
            if unused is not None:
                unused.close()
        self.clerk, self.puts_back = None, False
        self.colleagues = [Colleague(self, base, server) for base, server in self.servers.items()]
        self.everywhere = [self.phones, Phones(self.wire, template.merchant_id, self.told, self.draw, base=OTHER)]

    def line(self) -> Wire:
        roads = Roads(self.servers, self.draw, self.template.clock)
        roads.meanwhile = self._meanwhile
        return roads

    def acts(self) -> list[Act]:
        return [
            (5, self.generate), (7, self.sync), (3, self.freeze_batch), (3, self.thaw_batch), (1, self.void_batch),
            (3, self.stop_card), (1, self.void_card), (9, self.counter), (3, self.reverse), (9, self.phone),
            (3, self.phone_again), (2, self.rush), (2, self.top_up), (2, self.refund), (1, self.take_lease),
            (4, self.shift), (2, self.give_back), (1, self.outage), (8, self.move), (4, self.colleague),
        ]  # fmt: skip

    def move(self) -> None:
        """To the other endpoint, whatever waits; now and then to the same once more."""
        to = self.draw.choice((*BASES, self._other()))
        self._pair(to)
        self.wire.met["moved" if self._where() == to else "did not move"] += 1

    def colleague(self) -> None:
        self.draw.choice(self.colleagues).act()

    def phone(self) -> None:
        self.phones = self.draw.choice(self.everywhere)
        super().phone()

    def light(self) -> None:
        super().light()
        if self.draw.random() < 0.08:
            self.servers[OTHER].fuse.light(self.draw.randint(1, 20))

    @property
    def tells_anew(self) -> bool:
        return True

    def close(self) -> None:
        super().close()
        self.servers[OTHER].stop()

    # --- the end ---

    def settle(self) -> None:
        """Without faults."""
        self.wire.rate, self.wire.down = 0, False
        assert isinstance(self.wire, Roads), "made here"
        self.wire.meanwhile = None
        for mortal in (*self.servers.values(), self.desktops[0]):
            mortal.fuse.put_out()
        self.wire.bring_late()
        for phones in self.everywhere:
            for wish in phones.wishes:
                if wish.answer is None:
                    phones.ask(wish)
        self.desktops[0].act(lambda services: services.cloud.sync(), refused=self._let_in)
        super().settle()
        self._pair(self._other())  # and what is told at the end of it all is told at the other one, too
        super().settle()

    def check(self) -> None:
        """Raises Violation."""
        here = self.servers[self._where()]
        there = self.servers[self._other()]
        sql = (
            "SELECT r.op_id, b.uid, r.card_no, r.kind, r.amount_minor, r.uses, r.place, b.money FROM redemption r "
            "JOIN batch b ON b.id = r.batch_id"
        )
        ledgers = [server.look(sql) for server in (here, there)]
        _agree(*ledgers)
        checks._sums([*ledgers[0], *(row for row in ledgers[1] if row[0] not in {one[0] for one in ledgers[0]})])
        for server in (here, there):
            feed = server.look("SELECT seq, type, op_id, at, body, hash, receipt FROM feed ORDER BY seq")
            checks._order(feed)
            checks._chain(feed)
            if not (verdict := server.verdict()).ok:
                raise Violation(f"endpoint: {[str(finding) for finding in verdict.findings]}")
        self.gone = {row[0] for row in there.look("SELECT op_id FROM op")}
        self.template = replace(self.template, server=here)
        checks.check(self)

    # --- the parts ---

    def _meanwhile(self) -> None:
        """Somebody has a code and tries it, or sits at another computer, wherever the desktop is with what it does."""
        if self.draw.random() < 0.25:
            self.colleague()
        elif card := self.card():
            phones = self.draw.choice(self.everywhere)
            phones.ask(phones.wish(card))

    def _where(self) -> str:
        return self.desktops[0].act(lambda services: services.cloud.status().url, refused=_unexpected) or BASE

    def _other(self) -> str:
        return OTHER if self._where() == BASE else BASE

    def _pair(self, base: str) -> None:
        server, template = self.servers[base], self.template
        server.fuse.put_out()
        code = server.merchant(template.merchant_id, "某某商户", template.clock.ms).code

        def pair(services: Services) -> None:
            services.cloud.pair(base, code)

        self.desktops[0].act(pair)

    def _let_in(self, error: AppError) -> None:
        if not isinstance(error, EndpointRefused):
            _unexpected(error)
        self._pair(self._where())


def _agree(one: list[Any], other: list[Any]) -> None:
    """I4 over both: an entry takes the same wherever it stands."""
    known = {row[0]: row[1:6] for row in one}
    for op_id, *said in other:
        if op_id in known and list(known[op_id]) != said[:5]:
            raise Violation(f"I4: {op_id} is {known[op_id]} here and {said[:5]} there")
