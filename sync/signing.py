"""Request signatures of devices: one fixed RFC 9421 profile, made and verified here and nowhere else."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.protocol import VERSION

TAG = "kx-sync-v1"
WINDOW_S = 300
"""How far a signature's time may lie from the server's."""
SIGNED_HEADERS = frozenset(
    {"kx-protocol", "kx-device", "kx-incarnation", "content-digest", "signature-input", "signature"}
)
"""By lower-case name; each stands once."""
COVERED = '("@method" "@authority" "@path" "@query" "content-digest" "kx-protocol" "kx-device" "kx-incarnation")'
_INPUT = re.compile(
    r'^kx=(?P<covered>\([^()]*\));created=(?P<created>\d{1,12});nonce="(?P<nonce>[A-Za-z0-9_-]{16,64})"'
    r';keyid="(?P<keyid>[A-Za-z0-9-]{1,64})";alg="ed25519";tag="(?P<tag>[a-z0-9-]{1,32})"$'
)
_SIGNATURE = re.compile(r"^kx=:(?P<raw>[A-Za-z0-9+/=]{86,90}):$")


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a request that are signed."""

    method: str
    authority: str
    path: str
    query: str
    """Without the question mark."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request claims about itself, before anyone believes it."""

    device: str
    incarnation: str
    created: int
    nonce: str
    signature: bytes
    base: bytes


class SignatureRefused(ValueError):
    """The request does not have the one form we sign."""


def message_of(method: str, url: str, body: bytes) -> Message:
    parts = urlsplit(url)
    return Message(method.upper(), parts.netloc.lower(), parts.path, parts.query, body)


def content_digest(body: bytes) -> str:
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


def sign(message: Message, key: Ed25519PrivateKey, *, device: str, incarnation: str, created: int) -> dict[str, str]:
    """Headers that authenticate one request; a fresh nonce each time, so a repeat is signed anew."""
    nonce = secrets.token_urlsafe(18)
    parameters = f'{COVERED};created={created};nonce="{nonce}";keyid="{device}";alg="ed25519";tag="{TAG}"'
    headers = {
        "KX-Protocol": str(VERSION),
        "KX-Device": device,
        "KX-Incarnation": incarnation,
        "Content-Digest": content_digest(message.body),
        "Signature-Input": "kx=" + parameters,
    }
    raw = key.sign(_base(message, headers, parameters))
    return headers | {"Signature": "kx=:" + base64.b64encode(raw).decode() + ":"}


def read(message: Message, headers: Mapping[str, str]) -> Signed:
    """The signature of a request in our one profile; `headers` by lower-case name. Raises SignatureRefused."""
    found = _INPUT.match(headers.get("signature-input", ""))
    signature = _SIGNATURE.match(headers.get("signature", ""))
    if found is None or signature is None:
        raise SignatureRefused("not in the signed form")
    device, incarnation = headers.get("kx-device", ""), headers.get("kx-incarnation", "")
    if found["covered"] != COVERED or found["tag"] != TAG or found["keyid"] != device or not incarnation:
        raise SignatureRefused("other parts are signed than must be")
    if headers.get("kx-protocol") != str(VERSION):
        raise SignatureRefused("another version of the protocol")
    if not hmac.compare_digest(headers.get("content-digest", ""), content_digest(message.body)):
        raise SignatureRefused("the body is not the one that was signed")
    try:
        raw = base64.b64decode(signature["raw"], validate=True)
    except ValueError as error:
        raise SignatureRefused("not base64") from error
    if base64.b64encode(raw).decode() != signature["raw"]:
        raise SignatureRefused("not the one way to write it")
    named = {
        "KX-Protocol": headers["kx-protocol"],
        "KX-Device": device,
        "KX-Incarnation": incarnation,
        "Content-Digest": headers["content-digest"],
    }
    base = _base(message, named, headers["signature-input"].removeprefix("kx="))
    return Signed(device, incarnation, int(found["created"]), found["nonce"], raw, base)


def is_genuine(signed: Signed, public_key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signed.signature, signed.base)
    except (InvalidSignature, ValueError):
        return False
    return True


def enroll_proof(key: Ed25519PrivateKey, pairing_code: str) -> bytes:
    """Shows that who enrols holds the private key."""
    return key.sign(b"kx-enroll\0" + pairing_code.encode())


def proves_enrolment(public_key: bytes, pairing_code: str, proof: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(proof, b"kx-enroll\0" + pairing_code.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _base(message: Message, headers: Mapping[str, str], parameters: str) -> bytes:
    """The signature base of RFC 9421 for our fixed list."""
    lines = (
        ("@method", message.method),
        ("@authority", message.authority),
        ("@path", message.path),
        ("@query", "?" + message.query),
        ("content-digest", headers["Content-Digest"]),
        ("kx-protocol", headers["KX-Protocol"]),
        ("kx-device", headers["KX-Device"]),
        ("kx-incarnation", headers["KX-Incarnation"]),
        ("@signature-params", parameters),
    )
    return "\n".join(f'"{name}": {value}' for name, value in lines).encode()
