"""What earlier versions wrote, made into what is read today: ops that waited in an outbox, events of long ago.

The version of a message stands behind the @ of its type. A step leads from one version to the next; what a version got
later, without a new number, is filled in where it lacks. So whoever acts on a message knows today's form alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]
Step = Callable[[Body], Body]
STEPS: dict[str, Step] = {}
"""Type with its version → how its body becomes the next version's. `@1` is still today's of every type."""
ENTRY: Body = {"reverses": None, "reason": None, "entry": "counter", "place": "", "device_class": "", "lease_id": None}
LATER: Mapping[str, Body] = {
    "redeemed@1": ENTRY,
    "reversed@1": ENTRY,
    "topped_up@1": ENTRY,
    "refunded@1": ENTRY,
    "reverse@1": {"reason": ""},
    "redeem@1": {"amount_minor": None, "uses": None, "place": ""},
    "card.topup@1": {"amount_minor": None, "place": ""},
    "card.refund@1": {"amount_minor": None, "uses": None, "place": ""},
    "batch.create@1": {
        "kind": "fixed",
        "max_uses": None,
        "partial": True,
        "valid_from": None,
        "valid_until": None,
    },
    "merchant.update@1": {"phone": "", "slug": ""},
}
"""What a body means that does not say it."""


def upcast(type_: str, body: Any) -> tuple[str, Any]:
    """Today's type and body; `body` itself stays as it came. What is no body at all comes back as it is."""
    if not isinstance(body, dict):
        return type_, body
    while (step := STEPS.get(type_)) is not None:
        name, _, version = type_.rpartition("@")
        type_, body = f"{name}@{int(version) + 1}", step(body)
    lacks = LATER.get(type_)
    return type_, body if lacks is None else lacks | body
