"""The pepper and the signing key of the endpoint: from the environment or a file, never from the database."""

import hmac
import json
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from sync import points
from sync.durable import settle
from sync.protocol import b64, unb64
from sync.server.problems import in_words

PEPPER_VARIABLE, SIGNING_VARIABLE = "KAXIA_ENDPOINT_PEPPER", "KAXIA_ENDPOINT_SIGNING_KEY"
BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class ServerSecrets:
    """`pepper` keys the verifiers of codes; `signing` signs checkpoints, and keys the receipts."""

    pepper: bytes
    signing: Ed25519PrivateKey
    _keyed: HMAC = field(init=False, compare=False)
    """Copied for each code: the key goes in once, which is three times as fast."""
    _answering: HMAC = field(init=False, compare=False)
    """The same for receipts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keyed", HMAC(self.pepper, SHA256()))
        own = hmac.digest(self.signing.private_bytes_raw(), b"kx.receipts.v1", "sha256")
        object.__setattr__(self, "_answering", HMAC(own, SHA256()))

    def verifier(self, d: bytes) -> bytes:
        """HMAC-SHA-256 of `d` under the pepper: what is stored of a code."""
        keyed = self._keyed.copy()
        keyed.update(d)
        return keyed.finalize()

    def receipt(self, statement: bytes) -> bytes:
        """Our word on one entry of the ledger; see sync/receipts.py."""
        keyed = self._answering.copy()
        keyed.update(statement)
        return keyed.finalize()

    def is_ours(self, receipt: bytes, statement: bytes) -> bool:
        return hmac.compare_digest(self.receipt(statement), receipt)

    @property
    def public_key(self) -> str:
        """What our signatures are checked with, as it is told."""
        return b64(self.signing.public_key().public_bytes_raw())

    @property
    def pepper_id(self) -> str:
        """Names the pepper without telling it: a database remembers by which one its verifiers were made."""
        return hmac.digest(self.pepper, b"kx.pepper.v1", "sha256")[:8].hex()


def load_or_make(path: Path, known_pepper: str = "") -> ServerSecrets:
    """Both variables, else the file; the file is made on first start, readable by its owner alone.

    `known_pepper` is the id of the pepper that the database was made with, if it was. Raises ValueError with a sentence
    when the secrets cannot be used as they are.
    """
    found, source = _from_environment(), f"{PEPPER_VARIABLE} and {SIGNING_VARIABLE}"
    if found is None:
        if known_pepper and not path.exists():
            raise ValueError(f"{path} is missing. Put it back from its backup; without it no code can be checked.")
        found, source = _from_file(path), str(path)
    if known_pepper and found.pepper_id != known_pepper:
        raise ValueError(f"{source}: these are not the secrets this database was made with. Put the right ones back.")
    return found


def is_in_environment() -> bool:
    return bool(os.environ.get(PEPPER_VARIABLE) or os.environ.get(SIGNING_VARIABLE))


def _from_environment() -> ServerSecrets | None:
    pepper, signing = os.environ.get(PEPPER_VARIABLE, ""), os.environ.get(SIGNING_VARIABLE, "")
    if not pepper and not signing:
        return None
    try:
        return _secrets(pepper, signing)
    except ValueError as error:
        raise ValueError(
            f"{PEPPER_VARIABLE} and {SIGNING_VARIABLE} go together: {BYTES} bytes each, as base64url without padding."
        ) from error


def _from_file(path: Path) -> ServerSecrets:
    try:
        if not path.exists():
            _make(path)
        said = path.read_text("utf-8")
    except OSError as error:
        raise ValueError(f"No secrets here: {in_words(error)}. Choose another file with --secrets.") from error
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by others. Run: chmod 600 {path}")
    try:
        kept = json.loads(said)
        return _secrets(kept["pepper"], kept["signing_key"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged. Put it back from its backup; without it no code can be checked."
        ) from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"pepper": b64(secrets.token_bytes(BYTES)), "signing_key": b64(secrets.token_bytes(BYTES))}
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        points.passed("endpoint.secrets")
        _name(Path(beside), path)
    finally:
        Path(beside).unlink(missing_ok=True)


def _name(beside: Path, path: Path) -> None:
    """Give the whole file its name, unless another process was quicker: then its secrets count."""
    try:
        os.link(beside, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        beside.replace(path)
    settle(path.parent)  # no card may be stored by a pepper that a power cut could take away


def _secrets(pepper: str, signing: str) -> ServerSecrets:
    raw, key = unb64(pepper), unb64(signing)
    if len(raw) != BYTES or len(key) != BYTES:
        raise ValueError("a key has the wrong length")
    return ServerSecrets(raw, Ed25519PrivateKey.from_private_bytes(key))
