"""Errors a user can be told about, as data. Their words live in `app/messages.py`; anything else is a bug."""

from dataclasses import dataclass
from datetime import datetime

from app.errors.base import AppError
from app.errors.redeeming import (
    CodeMistyped,
    OverCardLimit,
    PaymentRefused,
    PaymentUncertain,
    PinLocked,
    PinWrong,
    RedemptionRefused,
    RedemptionUncertain,
    SlipRefused,
)


class JobCancelled(Exception):
    """Raised by a progress call once the user pressed Cancel."""


# --- vault ---


@dataclass(eq=False)
class WrongPassphrase(AppError):
    """Neither slot opens; `wait_s` is how long until the next try is looked at."""

    wait_s: int = 0


@dataclass(eq=False)
class WrongRecoveryKey(AppError):
    pass


@dataclass(eq=False)
class KeychainSilent(AppError):
    """The vault was to open without a passphrase, and the system's keychain has nothing for it."""


@dataclass(eq=False)
class VaultMissing(AppError):
    path: str


@dataclass(eq=False)
class VaultExists(AppError):
    path: str


@dataclass(eq=False)
class VaultInUse(AppError):
    path: str


@dataclass(eq=False)
class VaultDamaged(AppError):
    path: str


@dataclass(eq=False)
class VaultNewer(AppError):
    """The file was written by a later version of the program."""

    found: str


@dataclass(eq=False)
class KeySlotsDamaged(AppError):
    path: str


@dataclass(eq=False)
class WeakPassphrase(AppError):
    score: int


@dataclass(eq=False)
class DiskFull(AppError):
    path: str


@dataclass(eq=False)
class NotWritable(AppError):
    path: str


@dataclass(eq=False)
class VaultBusy(AppError):
    """Another process holds the write lock of the file."""


@dataclass(eq=False)
class BackupDamaged(AppError):
    """`part` is the member of the archive that does not hold."""

    path: str
    part: str


@dataclass(eq=False)
class BackupOfOtherVault(AppError):
    path: str


# --- general ---


@dataclass(eq=False)
class NotFound(AppError):
    """`what` is a noun of the domain (product, batch, card, person, distribution …)."""

    what: str
    which: str


@dataclass(eq=False)
class InvalidInput(AppError):
    """A field holds something that cannot be used; `reason` is a key of messages.REASONS."""

    field: str
    reason: str


@dataclass(eq=False)
class CountMismatch(AppError):
    """A typed confirmation does not equal the count."""

    typed: str
    expected: int


@dataclass(eq=False)
class ReasonMissing(AppError):
    """An act that goes into the audit log with a reason was asked for without one."""


@dataclass(eq=False)
class ProgramFault(AppError):
    """A bug stopped a command; `kind` is the class of what was raised, `path` the folder of the log."""

    kind: str
    path: str


# --- catalog ---


@dataclass(eq=False)
class RuleOverrideNeeded(AppError):
    """Hard rules of the trade speak against a product; `rules` are keys of messages.RULES."""

    rules: tuple[str, ...]


# --- batches and codes ---


@dataclass(eq=False)
class QuantityOutOfRange(AppError):
    asked: int
    limit: int


@dataclass(eq=False)
class PatternTooWeak(AppError):
    bits: int
    needed: int


@dataclass(eq=False)
class BatchNotGenerating(AppError):
    """Continue and discard are for unfinished batches only."""

    batch_id: int


@dataclass(eq=False)
class BatchUnfinished(AppError):
    serial: str


@dataclass(eq=False)
class BatchVoided(AppError):
    serial: str


@dataclass(eq=False)
class BatchUnreadable(AppError):
    """A sealed block does not open: the file was changed. `block` is -1 for the batch's own key."""

    block: int


@dataclass(eq=False)
class NotEnoughCards(AppError):
    """`product` names what is missing: a product, one face of it, or a batch."""

    have: int
    need: int
    product: str


@dataclass(eq=False)
class CardSpent(AppError):
    """A spent or voided card was to be frozen or voided."""

    serial: str


# --- the recycle bin ---


@dataclass(eq=False)
class InBin(AppError):
    """Something in the recycle bin was to be used; `what` is a noun of the domain."""

    what: str
    which: str


@dataclass(eq=False)
class BatchInUse(AppError):
    """A batch with live cards in the world was to be removed; `balance_minor` is what they hold."""

    serial: str
    cards: int
    balance_minor: int


@dataclass(eq=False)
class ProductInUse(AppError):
    """A product with batches that are neither voided nor removed was to be removed."""

    name: str
    batches: int


# --- files ---


@dataclass(eq=False)
class FileUnreadable(AppError):
    """A file to read rows from holds none; `reason` is a key of messages.REASONS (`file-…`)."""

    path: str
    reason: str


# --- people ---


@dataclass(eq=False)
class ColumnDamaged(AppError):
    """A spreadsheet has turned the last digits of long numbers into zeros; `count` of them in this column."""

    column: str
    count: int


@dataclass(eq=False)
class DeliveriesOpen(AppError):
    """The data of people with cards still underway was to be deleted; `people` of them."""

    people: int


# --- distributions ---


@dataclass(eq=False)
class NoEndpoint(AppError):
    """A way of delivery that needs the phone page was chosen, and there is no endpoint."""


@dataclass(eq=False)
class OverBudget(AppError):
    """The cards of a distribution come to more than its budget; none was taken."""

    total_minor: int
    budget_minor: int


@dataclass(eq=False)
class MailServerRefused(AppError):
    """Mail does not leave; `reason` is a key of messages.REASONS, `said` what the server said itself."""

    reason: str
    said: str = ""


@dataclass(eq=False)
class AlreadyClaimed(AppError):
    """Deliveries to be recalled were opened, claimed or used; `count` of them."""

    count: int


@dataclass(eq=False)
class AlreadyHandedOut(AppError):
    """Deliveries that were to go another way are on paper or in a file; `count` of them."""

    count: int


@dataclass(eq=False)
class ZipPasswordNeeded(AppError):
    """A file that was begun under a password was to be written without one."""

    name: str


@dataclass(eq=False)
class DistributionRunning(AppError):
    """Two runs of one distribution would send everything twice."""

    name: str


# --- endpoint ---


@dataclass(eq=False)
class EndpointUnreachable(AppError):
    """No answer came from `url`. Nothing is lost: what waits goes out next time."""

    url: str


@dataclass(eq=False)
class EndpointMissing(EndpointUnreachable):
    """There is none to ask: this vault was never paired with one."""


@dataclass(eq=False)
class OldEndpointSilent(EndpointUnreachable):
    """The endpoint at `host` is to be left and does not answer: what it did since `since` is not known here. `said` is
    what it said where it could not be started."""

    host: str
    since: datetime | None
    said: str = ""


@dataclass(eq=False)
class LeavingUnconfirmed(AppError):
    """An endpoint is only left unheard by whoever has typed its `host`."""

    host: str


@dataclass(eq=False)
class OldEndpointAnswers(AppError):
    """The endpoint at `host` was said to be gone and answers: it can be left the usual way."""

    host: str


@dataclass(eq=False)
class EndpointRefused(AppError):
    """The endpoint answered with a problem; `reason` is its key."""

    reason: str


@dataclass(eq=False)
class EndpointNotStarted(AppError):
    """The embedded endpoint did not come up; `where` is its log or what it said."""

    where: str


__all__ = [
    "AppError",
    "CodeMistyped",
    "OverCardLimit",
    "PaymentRefused",
    "PaymentUncertain",
    "PinLocked",
    "PinWrong",
    "RedemptionRefused",
    "RedemptionUncertain",
    "SlipRefused",
]
