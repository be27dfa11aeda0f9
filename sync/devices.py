"""Messages about the devices of a merchant: letting one in, and the list of them."""

from typing import Annotated

from msgspec import Meta, Struct

from sync.protocol import LONGEST_NAME, Id

LOWER = frozenset({"distributor", "clerk", "auditor"})
MANAGED: dict[str, frozenset[str]] = {"owner": LOWER | {"owner", "manager"}, "manager": LOWER}
"""Role → the roles of devices it lets in, changes and revokes: nobody hands out more than they have."""
Role = Annotated[str, Meta(pattern="^(owner|manager|distributor|clerk|auditor)$")]


class PairingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Let a device in; `name` is what it will be called, empty for what it calls itself."""

    op_id: Id
    role: Role
    name: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""


class PairingAnswer(Struct, frozen=True):
    """The code is told here and never again."""

    pairing_code: str
    role: str
    name: str
    good_for_s: int


class DeviceCard(Struct, frozen=True):
    id: str
    name: str
    role: str
    state: str
    """active or revoked."""
    enrolled_at: str
    seen_at: str | None
    """To the minute."""
    you: bool
    public_key: str = ""
    """What it signs with: whoever is shown a slip of that device checks it by this. Older endpoints do not tell it."""


class DevicesAnswer(Struct, frozen=True):
    devices: list[DeviceCard]
