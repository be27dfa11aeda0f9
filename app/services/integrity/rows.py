"""What an inspection gives: findings, each a sentence, and how much was looked at."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.vocabulary import Words, word

FINDINGS: Words = {
    "file": "The vault file is damaged: {detail}",
    "audit": "The audit log was changed: {detail}",
    "balance": "Card {where}: the balance does not follow from the ledger ({detail})",
    "uses": "Card {where}: the remaining uses do not follow from the ledger ({detail})",
    "below-zero": "Card {where}: balance or uses lie below zero or above what it can hold ({detail})",
    "adjusted": "Card {where}: its top-ups and refunds do not follow from the ledger ({detail})",
    "state": "Card {where}: the state does not agree with what is left ({detail})",
    "stray-entry": "The ledger has an entry for a card that never began: {where}",
    "two-deliveries": "Card {where} stands in {detail} deliveries at once",
    "delivery-card": "Delivery {where} names a card that is not out: {detail}",
    "delivery-product": "Delivery {where} names a card of another product than was decided: {detail}",
    "nobody": "Card {where} is assigned to nobody",
    "figure": "A figure of {where} does not add up: {detail}",
    "outbox": "An op of the outbox stands in an impossible state: {where} ({detail})",
    "batch-count": "Batch {where}: the number of stored codes is wrong ({detail})",
    "block": "Batch {where}: block {detail} does not open",
    "code-unindexed": "Batch {where}: codes cannot be found by search ({detail})",
    "code-elsewhere": "Batch {where}: codes lead to another card ({detail})",
    "index-count": "The search index has a wrong number of codes ({detail})",
}
"""Finding → the sentence about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is a key of FINDINGS; `where` names the thing, `detail` says what was found and what was expected."""

    code: str
    where: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return word(FINDINGS, self.code).format(where=self.where, detail=self.detail)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`checked` says how many things of a kind were looked at. `findings` names at most FEW of a kind."""

    ok: bool
    findings: tuple[Finding, ...]
    checked: Mapping[str, int]


FEW = 50
"""Findings of one kind that are told one by one: a damaged table would name a million."""
