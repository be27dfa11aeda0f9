"""The master key of a vault and the keys derived from it."""

from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


def derive(key: bytes, info: str, *, salt: bytes = b"", length: int = 32) -> bytes:
    """HKDF-SHA-256 (RFC 5869)."""
    return HKDF(SHA256(), length, salt or None, info.encode()).derive(key)


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """Keys of one open vault. Never logged, never shown: no field takes part in `repr`."""

    vault_id: UUID
    master: bytes = field(repr=False)

    def _derived(self, purpose: str) -> bytes:
        return HKDFExpand(SHA256(), 32, f"kx/vault/{purpose}/{self.vault_id}".encode()).derive(self.master)

    @property
    def file(self) -> bytes:
        """Raw SQLCipher key."""
        return self._derived("file")

    @property
    def wrapping(self) -> bytes:
        """Wraps the data key of each batch."""
        return self._derived("wrapping")

    @property
    def blind(self) -> bytes:
        """HMAC key of the blind index over codes."""
        return self._derived("blind")

    @property
    def audit(self) -> bytes:
        """First MAC key of the audit chain."""
        return self._derived("audit")

    @property
    def header(self) -> bytes:
        """Authenticates the key-slot file."""
        return self._derived("header")

    @property
    def blob(self) -> bytes:
        """Encrypts what an endpoint keeps for this vault."""
        return self._derived("blob")

    @property
    def signing(self) -> Ed25519PrivateKey:
        """Signs the checkpoints of the audit log."""
        return Ed25519PrivateKey.from_private_bytes(self._derived("signing"))
