"""What every route works with: the store, the secrets, the clock."""

import asyncio
import time
from dataclasses import dataclass, field

from sync.protocol import RedeemRequest, new_op_id, unb64
from sync.server import access, limits
from sync.server.database import Store, Transaction
from sync.server.issue import Issue
from sync.server.problems import Refusal
from sync.server.redemption import Ask, redeem, told
from sync.server.secret_files import ServerSecrets

Outcome = dict[str, object]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Endpoint:
    """One running endpoint. `proxies` is how many hops of X-Forwarded-For are our own."""

    store: Store
    secrets: ServerSecrets
    proxies: int = 0
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    """Notified when a feed moved, for those who wait."""

    @property
    def issue(self) -> Issue:
        return Issue(self.secrets)

    def start(self) -> None:
        """To be called on the event loop."""
        loop = asyncio.get_running_loop()

        def heard(merchants: set[str]) -> None:
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self._notify()))

        self.store.start(heard)

    async def _notify(self) -> None:
        async with self.moved:
            self.moved.notify_all()

    def attempt(self, *, address: str = "", link: str = "", merchant: str = "") -> limits.Attempt:
        return limits.attempt(self.secrets.pepper, address=address, link=link, merchant=merchant)

    async def redeem(self, request: RedeemRequest, *, address: str, device_class: str) -> Outcome:
        """A redemption by whoever knows the code. Raises Refusal."""
        try:
            verifier = self.issue.verifier(unb64(request.d))
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

        def work(transaction: Transaction) -> Outcome:
            limits.refuse_if_exhausted(transaction, tried, at)
            outcome = redeem(transaction, ask)
            if outcome.get("refused") == "card-unknown":
                limits.count_failure(transaction, tried, at)
            return outcome

        return told(await self.store.write(work, ask.merchant_id))

    async def tidy(self) -> None:
        at = now_ms()
        await self.store.write(lambda transaction: access.forget_nonces(transaction, at))


def fresh_op_id() -> str:
    return new_op_id()
