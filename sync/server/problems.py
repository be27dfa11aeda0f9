"""Refusals of the endpoint: RFC 9457 problems with a stable key, never a traceback, never a code."""

from typing import Any

from sync.protocol import PROBLEM, Problem

KINDS: dict[str, tuple[int, str]] = {
    "bad-signature": (401, "The signature does not fit the request."),
    "clock-skew": (401, "The device's clock is too far off."),
    "replayed-nonce": (401, "This request was seen before."),
    "device-revoked": (403, "This device was revoked."),
    "forbidden": (403, "This device's role may not do that."),
    "pairing-refused": (403, "The pairing code is unknown, used or too old."),
    "gate-required": (403, "One more detail is needed."),
    "gate-wrong": (403, "The detail does not fit."),
    "not-found": (404, "There is nothing here."),
    "card-unknown": (404, "This code is not known."),
    "link-unknown": (404, "This link is not known."),
    "batch-unknown": (404, "This batch is not known."),
    "device-unknown": (404, "This device is not known."),
    "redemption-unknown": (404, "This redemption is not known."),
    "lease-unknown": (404, "This lease is not known."),
    "conflict-unknown": (404, "This conflict is not known, or it is settled."),
    "method-not-allowed": (405, "This address does not take that method."),
    "stale-version": (409, "Something newer is stored."),
    "batch-frozen": (409, "This batch is frozen."),
    "batch-closed": (409, "Another endpoint decides about this batch, or its ledger has not come here yet."),
    "batch-sealed": (409, "This batch is sealed."),
    "batch-incomplete": (409, "The upload is not complete."),
    "root-mismatch": (409, "The uploaded records are not those that were announced."),
    "not-sealed": (409, "This batch is not sealed."),
    "lease-taken": (409, "Another device decides about some of these cards."),
    "lease-ended": (409, "This lease has ended."),
    "lease-of-another": (403, "This lease belongs to another device."),
    "card-leased": (409, "A counter without a line decides about this card."),
    "card-frozen": (409, "This card is frozen."),
    "card-spent": (409, "This card is used up."),
    "card-voided": (409, "This card was voided."),
    "card-expired": (409, "This card has expired."),
    "card-not-yet": (409, "This card is not valid yet."),
    "insufficient-balance": (409, "The balance is too low."),
    "no-money": (409, "This card does not hold money."),
    "no-partial": (409, "This card is redeemed as a whole."),
    "already-reversed": (409, "This redemption was reversed already."),
    "link-claimed": (409, "The card was claimed already."),
    "link-recalled": (410, "This card was taken back."),
    "link-expired": (410, "This link has expired."),
    "restore-detected": (409, "A later life of this device has spoken. One of the two was copied or restored."),
    "other-merchant": (409, "The pairing code belongs to another merchant."),
    "pairing-told": (409, "This pairing code was told once. Ask for a new one under a new id."),
    "device-gone": (409, "That device was revoked."),
    "last-owner": (409, "The last owner stays."),
    "feed-reset": (410, "The feed begins anew."),
    "held-back": (409, "What stands before it was refused."),
    "too-large": (413, "The request is too large."),
    "op-id-reused": (422, "This id was used for something else."),
    "op-unknown": (422, "This kind of op is not known."),
    "invalid": (422, "The request is not well formed."),
    "upgrade-required": (426, "A newer version is needed."),
    "rate-limited": (429, "Too many attempts. Wait a moment."),
    "receipt-wrong": (409, "This receipt was not made here, or says something else."),
    "not-recovering": (409, "Nothing is waited for."),
    "internal": (500, "Something went wrong here."),
    "read-only": (503, "Nothing can be stored at the moment. Ask again with the same id."),
    "recovering": (
        503,
        "The endpoint was put back from a backup and first hears what it missed. Ask again later with the same id.",
    ),
}
RETRYABLE = frozenset({"rate-limited", "internal", "read-only", "clock-skew", "held-back", "recovering"})


class Refusal(Exception):
    """A problem on its way to whoever asked."""

    def __init__(self, key: str, **more: Any) -> None:
        super().__init__(key)
        self.key = key
        self.more = more


def in_words(error: OSError) -> str:
    """What the system refused, and for which file."""
    why = error.strerror or str(error)
    return f"{error.filename}: {why.lower()}" if error.filename else why


def problem(key: str, *, trace: str = "", **more: Any) -> Problem:
    status, title = KINDS[key]
    return Problem(type=PROBLEM + key, title=title, status=status, retryable=key in RETRYABLE, trace=trace, **more)
