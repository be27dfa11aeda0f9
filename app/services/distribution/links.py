"""Claim links and pick-up codes: the secrets of one delivery and what the endpoint may know of them.

The endpoint gets digests and a ciphertext; the key stands in the fragment of the link, which no server ever sees.
"""

import hashlib
import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.codes import ALPHABET, new_pickup_code

ID_BYTES = 16
SECRET_SYMBOLS = 26
"""130 bits in the alphabet of the codes, so that a key can be read to somebody over the telephone."""
KEY_BYTES = 32
NONCE_BYTES = 12
TAIL = 4
GATES = ("phone_tail", "employee_no", "none")


@dataclass(frozen=True, slots=True)
class LinkSecrets:
    """What is drawn once for a delivery and kept in the vault."""

    link_id: str
    secret: str
    """k, the fragment of the claim link."""
    pickup_code: str

    @classmethod
    def draw(cls) -> "LinkSecrets":
        secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_SYMBOLS))
        return cls(b64url(os.urandom(ID_BYTES)), secret, new_pickup_code())


@dataclass(frozen=True, slots=True)
class Gate:
    """What the receiver must also know: the last digits of the phone, or the employee number."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """The card a link leads to."""

    merchant_id: UUID
    batch_id: UUID
    card_no: int
    """Position in the batch."""
    expires_at: datetime | None


def link_body(drawn: LinkSecrets, target: LinkTarget, *, payload: dict[str, Any], gate: Gate | None) -> dict[str, Any]:
    """The body of the PUT of one link, without its op id."""
    expires_at = wire_time(target.expires_at)
    plain = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    bound = f"{drawn.link_id}|{target.batch_id}|{expires_at or ''}"
    key = _derived(drawn.secret.encode(), b"kx/link/enc")
    merchant = target.merchant_id.bytes
    pickup_key = _derived(drawn.pickup_code.encode(), b"kx/pickup/enc", salt=merchant)
    return {
        "batch_id": str(target.batch_id),
        "card_no": target.card_no,
        "auth_digest": b64url(hashlib.sha256(_auth(drawn.secret)).digest()),
        "ciphertext": _sealed(key, plain, f"kx.link.v1|{bound}"),
        "expires_at": expires_at,
        "gate": {"kind": gate.kind, "digest": gate_digest(drawn.link_id, gate.value)} if gate else None,
        "pickup": {
            "lookup": b64url(hashlib.sha256(b"kx.pickup.v1\0" + merchant + drawn.pickup_code.encode()).digest()),
            "ciphertext": _sealed(pickup_key, plain, f"kx.pickup.v1|{bound}"),
        },
    }


def claim_url(base: str, link_id: str, secret: str) -> str:
    """The address a person opens. `base` is the address of the phone page."""
    return f"{base.rstrip('/')}/c/{link_id}#{secret}"


def pickup_url(base: str, slug: str) -> str:
    """Where a pick-up code is typed in; empty while the merchant has no page of their own."""
    return f"{base.rstrip('/')}/p/{slug}" if slug else ""


def gate_of(kind: str, *, phone: str | None, employee_no: str | None) -> Gate | None:
    """The gate of one person; None where none is wished. Raises ValueError for a person who lacks its value."""
    if kind == "none":
        return None
    digits = "".join(sign for sign in phone or "" if sign.isdigit())
    value = digits[-TAIL:] if kind == "phone_tail" else (employee_no or "").strip().upper()
    if not value or (kind == "phone_tail" and len(value) < TAIL):
        raise ValueError(f"this person has no value for the gate {kind}")
    return Gate(kind, value)


def auth_token(secret: str) -> str:
    """T: what whoever holds the link shows the endpoint."""
    return b64url(_auth(secret))


def gate_digest(link_id: str, value: str) -> str:
    return b64url(hashlib.sha256(b"kx.gate.v1\0" + link_id.encode() + b"\0" + value.encode()).digest())


def b64url(data: bytes) -> str:
    """URL-safe base 64 without padding, as everything on the wire."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def wire_time(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant else None


def _auth(secret: str) -> bytes:
    return _derived(secret.encode(), b"kx/link/auth")


def _derived(secret: bytes, info: bytes, *, salt: bytes = b"") -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt or None, info).derive(secret)


def _sealed(key: bytes, plain: bytes, aad: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return b64url(nonce + AESGCM(key).encrypt(nonce, plain, aad.encode()))
