"""Limits on failures, never on successes: GCRA per address, link and merchant, kept in the database."""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from sync.server.database import Transaction
from sync.server.problems import Refusal


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


def attempt(pepper: bytes, *, address: str = "", link: str = "", merchant: str = "") -> Attempt:
    """Addresses are counted by /32 (v4) and /64 (v6), and only their keyed digest is stored."""
    named = (("a", network(address) if address else "", ADDRESS), ("l", link, LINK), ("m", merchant, MERCHANT))
    return Attempt(tuple((_bucket(pepper, kind, text), limit) for kind, text, limit in named if text))


def refuse_if_exhausted(transaction: Transaction, tried: Attempt, at_ms: int) -> None:
    """Raises Refusal rate-limited; it does not tell which bucket."""
    marks = ", ".join("?" * len(tried.buckets))
    rows = transaction.all(
        f"SELECT bucket, theoretical_ms FROM failure WHERE bucket IN ({marks})",
        *(bucket for bucket, _ in tried.buckets),
    )
    if not rows:
        return
    limits = dict(tried.buckets)
    waits = [int(row[1]) - at_ms - limits[bytes(row[0])].burst * limits[bytes(row[0])].every_ms for row in rows]
    if max(waits) > 0:
        raise Refusal("rate-limited", retry_after_s=round(max(waits) / 1000 + 0.5))


def count_failure(transaction: Transaction, tried: Attempt, at_ms: int) -> None:
    for bucket, limit in tried.buckets:
        row = transaction.one("SELECT theoretical_ms FROM failure WHERE bucket = ?", bucket)
        next_ms = max(int(row[0]) if row else 0, at_ms) + limit.every_ms
        transaction.run(
            "INSERT INTO failure (bucket, theoretical_ms) VALUES (?, ?) "
            "ON CONFLICT (bucket) DO UPDATE SET theoretical_ms = excluded.theoretical_ms",
            *(bucket, next_ms),
        )


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


@lru_cache(4_096)
def _bucket(pepper: bytes, kind: str, text: str) -> bytes:
    return hmac.digest(pepper, f"kx.limit.v1|{kind}|{text}".encode(), hashlib.sha256)[:16]
