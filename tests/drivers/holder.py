"""Somebody with a claim link: the phone page's part, spoken by hand over HTTP."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.codes import digest

TIMEOUT_S = 20


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def derived(secret: str, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(secret.encode())


@dataclass
class Holder:
    """Knows the link and the last four digits of the own phone, nothing else."""

    link: str
    phone_tail: str

    @property
    def _id(self) -> str:
        return urlsplit(self.link).path.rpartition("/")[2]

    @property
    def _secret(self) -> str:
        return urlsplit(self.link).fragment.partition("&")[0]

    @property
    def _auth(self) -> str:
        return b64url(derived(self._secret, "kx/link/auth"))

    def ask(self, act: str, **more: object) -> requests.Response:
        return self.post(f"links/{self._id}/{act}", {"auth": self._auth, **more})

    def state(self) -> dict[str, Any]:
        return self._good(self.ask("state"))

    def open(self) -> dict[str, Any]:
        """The card, decrypted with what only the link holds."""
        gate = hashlib.sha256(b"kx.gate.v1\0" + self._id.encode() + b"\0" + self.phone_tail.encode()).digest()
        answer = self._good(self.ask("open", gate=b64url(gate)))
        sealed = unb64url(answer["ciphertext"])
        aad = f"kx.link.v1|{self._id}|{answer['batch_id']}|{answer['expires_at'] or ''}".encode()
        plain = AESGCM(derived(self._secret, "kx/link/enc")).decrypt(sealed[:12], sealed[12:], aad)
        found = json.loads(plain)
        assert isinstance(found, dict)
        return found

    def claim(self) -> dict[str, Any]:
        return self._good(self.ask("ack"))

    def redeem(self, card: dict[str, Any], amount_minor: int | None, op_id: str = "") -> requests.Response:
        body = {
            "op_id": op_id or str(uuid4()),
            "merchant_id": card["merchant_id"],
            "d": b64url(digest(UUID(card["merchant_id"]), card["code"])),
            "amount_minor": amount_minor,
            "uses": None,
            "link_id": self._id,
        }
        return self.post("redeem", body)

    def post(self, path: str, body: dict[str, object]) -> requests.Response:
        parts = urlsplit(self.link)
        return requests.post(f"{parts.scheme}://{parts.netloc}/h5/v1/{path}", json=body, timeout=TIMEOUT_S)

    def _good(self, answer: requests.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found
