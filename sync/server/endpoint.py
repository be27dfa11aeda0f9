"""What every route works with: the store, the secrets, the clock."""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from sync import clock
from sync.phone import RedeemRequest
from sync.protocol import new_op_id, unb64
from sync.server import access, limits
from sync.server.database import Store
from sync.server.floor import Floor
from sync.server.group import LotSteps, LotWork, Waiter
from sync.server.issue import Issue
from sync.server.outcomes import told
from sync.server.problems import Refusal
from sync.server.redemption import Ask, Lot
from sync.server.secret_files import ServerSecrets
from sync.server.transaction import Transaction
from sync.server.uploads import Uploads

Outcome = dict[str, object]


def now_ms() -> int:
    return clock.now_ms()


@dataclass(slots=True)
class Endpoint:
    """One running endpoint. `proxies` is how many hops of X-Forwarded-For are our own."""

    store: Store
    secrets: ServerSecrets
    proxies: int = 0
    floor: Floor = field(default_factory=Floor)
    _listening: "set[asyncio.Future[None]]" = field(default_factory=set)
    _redeem_all: LotWork = field(init=False)

    def __post_init__(self) -> None:
        self._redeem_all = partial(_redeem_all, self.secrets)  # one and the same for all: it says what goes together

    @property
    def issue(self) -> Issue:
        return Issue(self.secrets)

    @property
    def uploads(self) -> Uploads:
        return Uploads(self.secrets)

    def start(self) -> None:
        """To be called on the event loop."""
        loop = asyncio.get_running_loop()

        def heard(merchants: set[str]) -> None:
            if self._listening:
                loop.call_soon_threadsafe(self._tell)

        self.store.start(heard, loop)

    def stop(self) -> None:
        self.store.stop()
        self.floor.stop()

    def _tell(self) -> None:
        for waiter in self._listening:
            if not waiter.done():
                waiter.set_result(None)

    async def news(self, wait_s: float) -> None:
        """Until some feed moved here, or for as long."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening.add(waiter)
        try:
            await asyncio.wait_for(waiter, wait_s)
        except TimeoutError:
            return
        finally:
            self._listening.discard(waiter)

    def attempt(self, *, address: str = "", link: str = "", merchant: str = "") -> limits.Attempt:
        return limits.attempt(self.secrets.pepper, address=address, link=link, merchant=merchant)

    async def redeem(self, request: RedeemRequest, *, address: str, device_class: str) -> Outcome:
        """A redemption by whoever knows the code. Raises Refusal."""
        waiter: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.redeem_soon(request, address=address, device_class=device_class, waiter=waiter)
        return told(await waiter)

    def redeem_soon(self, request: RedeemRequest, *, address: str, device_class: str, waiter: Waiter) -> None:
        """`waiter` hears the outcome, which may be a refusal. Raises Refusal invalid."""
        try:
            verifier = self.secrets.verifier(unb64(request.d))
        except ValueError as error:
            raise Refusal("invalid", pointers=["/d"]) from error
        at = now_ms()
        ask = Ask(
            request.merchant_id.lower(),
            request.op_id,
            verifier,
            amount_minor=request.amount_minor,
            uses=request.uses,
            entry="link" if request.link_id else "code",
            at_ms=at,
            device_class=device_class,
            link_id=request.link_id,
        )
        tried = self.attempt(address=address, merchant=ask.merchant_id)
        self.store.join_lot(self._redeem_all, (tried, ask), ask.merchant_id, waiter=waiter)

    async def tidy(self) -> None:
        at = now_ms()
        await self.store.write(lambda transaction: access.forget_nonces(transaction, at))


def fresh_op_id() -> str:
    return new_op_id()


def _redeem_all(secrets: ServerSecrets, transaction: Transaction, asked: list[tuple[limits.Attempt, Ask]]) -> LotSteps:
    """Redemptions by people who know a code, one after the other; guesses are counted."""
    with transaction.together():
        failures = limits.Failures(transaction, [tried for tried, _ in asked])
        lot = Lot(transaction, [ask for _, ask in asked], secrets)
    yield
    if lot.ask_for_leases():
        yield
    results: list[Outcome | Refusal] = []
    for tried, ask in asked:
        try:
            failures.refuse_if_exhausted(tried, ask.at_ms)
            outcome = lot.redeem(ask)
        except Refusal as refusal:
            results.append(refusal)
            continue
        if outcome.get("refused") == "card-unknown":
            failures.count(tried, ask.at_ms)
        results.append(outcome)
    lot.write()
    failures.write()
    return results
