"""What the distribution service takes and gives: frozen rows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from app.models.base import now
from app.services.channels.letters import Template
from app.services.stock import label_of

IN_HAND = ("prepared", "released", "sending")
ON_THE_WAY = ("sent", "delivered", "claimed")

REPAIRS = {
    "no-email": "email",
    "bad-address": "email",
    "recipient-refused": "email",
    "no-phone": "phone",
    "no-employee-no": "employee_no",
    "auth-refused": "settings",
    "mail-refused": "retry",
    "connection-lost": "retry",
    "rate-limited": "retry",
    "server-busy": "retry",
    "link-refused": "retry",
    "card-voided": "retry",
}
"""Reason of a failure → what mends it, a key of vocabulary.DELIVERY_REPAIRS."""


@dataclass(frozen=True, slots=True)
class Gift:
    """A card of a product; of a variable-value product one with this face, its usual one when left out."""

    product_id: int
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is in one of these departments gets this; None is nothing. An empty name is nobody's department."""

    departments: tuple[str, ...]
    gift: Gift | None


@dataclass(frozen=True, slots=True)
class DistributionSpec:
    """A distribution as wished. `person_ids` stand in the order of the list; a person named twice gets a second card
    only with `allow_again`."""

    product_id: int | None
    """What everybody gets whom no rule names; None, with rules only: nothing."""
    person_ids: tuple[int, ...]
    channel: str
    name: str
    note: str = ""
    out_folder: Path | None = None
    """Where file and print put what they write."""
    allow_again: bool = False
    amount_minor: int | None = None
    """The face that goes with `product_id`."""
    rules: tuple[Rule, ...] = ()
    """The first that fits a person decides."""
    budget_minor: int | None = None
    """Nothing is taken when the cards would come to more."""
    roster_hash: str | None = None
    gate: str = "phone_tail"
    """What a link also asks for: phone_tail, employee_no or none."""
    pace: int | None = None
    """Mails that may go out in any `pace_minutes`; all at once when left out."""
    pace_minutes: int = 10
    scheduled_at: datetime | None = None
    template: Template | None = None
    """Words of the mail; the house's own when left out."""
    protected: bool = False
    """The file lies in a ZIP with a password, which is kept nowhere: each run asks for it."""

    @property
    def rest(self) -> Gift | None:
        """For everybody whom no rule names."""
        return None if self.product_id is None else Gift(self.product_id, self.amount_minor)

    @property
    def gifts(self) -> tuple[Gift | None, ...]:
        """Of each rule, then of the rest."""
        return (*(rule.gift for rule in self.rules), self.rest)

    def group_of(self, department: str) -> int:
        """Place in `gifts` of what somebody in this department gets."""
        named = (at for at, rule in enumerate(self.rules) if department in rule.departments)
        return next(named, len(self.rules))


@dataclass(frozen=True, slots=True)
class Group:
    """What a plan does for one rule, or for the rest."""

    listed: int
    """People of the list it speaks of."""
    people: int
    """Who of them would get a card."""
    total_minor: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a plan needs of one product; of a variable-value product, of one face. Stock is of that, too."""

    product_id: int
    product: str
    kind: str
    amount_minor: int | None
    people: int
    total_minor: int
    stock: int

    @property
    def missing(self) -> int:
        """Cards to be made or imported first."""
        return max(0, self.people - self.stock)

    @property
    def label(self) -> str:
        return label_of(self.product, self.amount_minor)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last run of the same products through the same channel, and how this list differs from it."""

    id: int
    name: str
    created_at: datetime
    people: int
    total_minor: int
    joined: int
    """Who gets a card now and did not then."""
    gone: int
    """The other way round."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a spec would do. Nothing was taken; another window may be quicker."""

    people: int
    """Who would get a card."""
    total_minor: int
    groups: tuple[Group, ...]
    """One for each rule, then the rest."""
    shares: tuple[Share, ...]
    """One for each product and face that is given to anybody, or would be."""
    nothing: tuple[int, ...]
    """Ids of people to whom the rules give nothing."""
    skipped: tuple[int, ...]
    """Ids of people who have this benefit already, stand in the list twice or have left."""
    unreachable: tuple[int, ...]
    """Ids of people who lack what the channel needs."""
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    mail_s: float
    """How long one mail takes; 0 where none is sent."""
    earlier: Earlier | None

    @property
    def stock(self) -> int:
        return sum(share.stock for share in self.shares)

    @property
    def missing(self) -> int:
        return sum(share.missing for share in self.shares)

    def takes(self, pace: int | None, pace_minutes: int) -> timedelta:
        """How long it takes at a pace, or without one as fast as mails go."""
        if not self.people or not self.mail_s:
            return timedelta()
        waits, last = divmod(self.people - 1, pace) if pace else (0, self.people - 1)
        return timedelta(minutes=waits * pace_minutes, seconds=(last + 1) * self.mail_s)


@dataclass(frozen=True, slots=True)
class ProductTotal:
    """What a distribution gives of one product: its cards that were neither taken back nor left out."""

    product_id: int
    product: str
    people: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """A distribution with its counts: prepared + sent + failed + uncertain + skipped + recalled = people."""

    id: int
    name: str
    product_id: int
    product: str
    """The names of all its products."""
    products: tuple[ProductTotal, ...]
    """They make `total_minor`."""
    channel: str
    """The one it began with."""
    channels: tuple[str, ...]
    """All that its deliveries travel by."""
    state: str
    note: str
    people: int
    total_minor: int
    """Σ face of the cards that are prepared, sent or with a delivery that failed underway."""
    prepared: int
    sent: int
    failed: int
    uncertain: int
    skipped: int
    recalled: int
    opened: int
    claimed: int
    redeemed: int
    retryable: int
    retrying: int
    """Of those prepared: refused for a passing reason, tried again by themselves."""
    changing: int
    """Whose old link must end before they go another way; they still stand under their old state."""
    turning: int
    """Of those changing: not among `prepared`, so they wait beside them."""
    for_file: int
    """Of those prepared: waiting for channel file."""
    protected: bool
    """Files of this distribution lie in a ZIP with a password."""
    out_folder: str | None
    roster_hash: str | None
    created_at: datetime
    scheduled_at: datetime | None
    finished_at: datetime | None

    @property
    def waits(self) -> int:
        """Who has not got what is meant for them, and will."""
        return self.prepared + self.turning

    @property
    def needs_password(self) -> bool:
        """Whether a protected file waits to be written."""
        return self.protected and self.for_file > 0

    @property
    def is_due(self) -> bool:
        """Whether it should have gone out by now."""
        return self.prepared > 0 and (self.scheduled_at is None or self.scheduled_at <= now())


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries a list shows. Empty fields do not narrow it."""

    states: tuple[str, ...] = ()
    department: str = ""
    reason: str = ""
    text: str = ""
    """Part of a name, of its pinyin, or of an employee number."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One card for one person. `reason` is a key of vocabulary.DELIVERY_REASONS."""

    id: int
    distribution_id: int
    no: int
    person_id: int
    name: str
    department: str
    phone_masked: str
    email_masked: str
    product_id: int | None
    product: str
    """What the person gets, also while there is no card yet; empty: nothing, by the rules."""
    card_id: int | None
    serial: str
    card_tail: str
    """Last six signs of the serial."""
    amount_minor: int | None
    channel: str
    change_to: str | None
    """The channel it takes once its old link has ended."""
    state: str
    reason: str | None
    said: str
    """The mail server's own words about the last try."""
    retryable: bool
    attempts: int
    reminders: int
    """Mails that reminded of it."""
    reminded_at: datetime | None
    prepared_at: datetime
    sent_at: datetime | None
    opened_at: datetime | None
    claimed_at: datetime | None
    delivered_at: datetime | None
    recalled_at: datetime | None
    redeemed_at: datetime | None

    @property
    def repair(self) -> str:
        """What would mend it, a key of vocabulary.DELIVERY_REPAIRS; empty: nothing is to be mended."""
        if self.change_to is not None:
            return ""
        if self.state == "uncertain":
            return "again"
        return REPAIRS.get(self.reason or "", "retry") if self.state == "failed" and self.retryable else ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one run did. `files` are what file and print wrote."""

    sent: int
    failed: int
    uncertain: int
    left: int
    files: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Rerouted:
    """What a change of channel or address did: some go out with the next run, some wait for the end of their link."""

    changed: int
    waiting: int
    unreachable: int
    """Left as they were: the person lacks what the new channel needs."""


@dataclass(frozen=True, slots=True)
class Reminded:
    """What one round of reminders did; `left` were not tried."""

    sent: int
    failed: int
    uncertain: int
    left: int
