"""Limits on failures, never on successes: GCRA per address, link and merchant, kept in the database."""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sync.server.problems import Refusal
from sync.server.transaction import Transaction, once


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` failures at once, then one each `every_ms`."""

    burst: int
    every_ms: int


ADDRESS = Limit(60, 5_000)
LINK = Limit(10, 30_000)
MERCHANT = Limit(2_000, 100)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The buckets one attempt would count against: keyed digest → limit."""

    buckets: tuple[tuple[bytes, Limit], ...]


@lru_cache(4_096)
def attempt(pepper: bytes, *, address: str = "", link: str = "", merchant: str = "") -> Attempt:
    """Addresses are counted by /32 (v4) and /64 (v6), and only their keyed digest is stored."""
    named = (("a", network(address) if address else "", ADDRESS), ("l", link, LINK), ("m", merchant, MERCHANT))
    return Attempt(tuple((_bucket(pepper, kind, text), limit) for kind, text, limit in named if text))


class Failures:
    """What was counted against the buckets of some attempts, read once and written once."""

    def __init__(self, transaction: Transaction, attempts: Iterable[Attempt]) -> None:
        self._transaction = transaction
        buckets = list({bucket for tried in attempts for bucket, _ in tried.buckets})
        sql = "SELECT bucket, theoretical_ms FROM failure WHERE bucket IN (…)"
        rows = transaction.ask_among(sql, buckets)
        self._next_ms = once(lambda: {bytes(row[0]): int(row[1]) for row in rows()})
        self._counted: dict[bytes, tuple[int, int]] = {}
        """Bucket → when it was first counted here, and what the counts add."""

    def refuse_if_exhausted(self, tried: Attempt, at_ms: int) -> None:
        """Raises Refusal rate-limited; it does not tell which bucket."""
        counted = self._next_ms()
        if not counted:
            return
        waits = [
            counted[bucket] - at_ms - limit.burst * limit.every_ms
            for bucket, limit in tried.buckets
            if bucket in counted
        ]
        if waits and max(waits) > 0:
            raise Refusal("rate-limited", retry_after_s=round(max(waits) / 1000 + 0.5))

    def count(self, tried: Attempt, at_ms: int) -> None:
        for bucket, limit in tried.buckets:
            next_ms = self._next_ms()
            next_ms[bucket] = max(next_ms.get(bucket, 0), at_ms) + limit.every_ms
            first_ms, added = self._counted.get(bucket, (at_ms, 0))
            self._counted[bucket] = (first_ms, added + limit.every_ms)

    def write(self) -> None:
        """Added to what is there by now: on PostgreSQL others count in the same buckets at the same time."""
        if self._counted:
            self._transaction.run_each(
                "INSERT INTO failure (bucket, theoretical_ms) VALUES (?, ?) ON CONFLICT (bucket) DO UPDATE "
                "SET theoretical_ms = CASE WHEN failure.theoretical_ms > ? THEN failure.theoretical_ms ELSE ? END + ?",
                [
                    (bucket, first_ms + added, first_ms, first_ms, added)
                    for bucket, (first_ms, added) in sorted(self._counted.items())
                ],
            )


def refuse_if_exhausted(transaction: Transaction, tried: Attempt, at_ms: int) -> None:
    """Raises Refusal rate-limited."""
    Failures(transaction, [tried]).refuse_if_exhausted(tried, at_ms)


def count_failure(transaction: Transaction, tried: Attempt, at_ms: int) -> None:
    failures = Failures(transaction, [tried])
    failures.count(tried, at_ms)
    failures.write()


@lru_cache(4_096)
def network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((parsed, 64), strict=False))


def _bucket(pepper: bytes, kind: str, text: str) -> bytes:
    return hmac.digest(pepper, f"kx.limit.v1|{kind}|{text}".encode(), hashlib.sha256)[:16]
