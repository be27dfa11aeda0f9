"""A vault full of demo data, made by the same services as everything else, with two months of life behind it."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from app.bootstrap.building import services_over
from app.bootstrap.demo_life import DAYS, Wave, live, name_batches
from app.config import RESOURCES, Config
from app.models.base import now
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.channels import SENT, SendOutcome
from app.services.channels.email import EmailChannel, Mail, MailServer, Post
from app.services.cloud import EmbeddedEndpoint
from app.services.distribution import DistributionSpec
from app.services.vault.vaults import NewVault, OpenVault, Vaults
from app.words import language, tr

DEMO = RESOURCES / "demo"
PASSPHRASE = "kaxia demo vault"  # noqa: S105  # of a throw-away vault; said on the screen
BIRTHDAY_MINOR = 20_000
UNKNOWN_TO_THE_SERVER = ("e1017@", "e1058@", "e1093@")
MAIL_SERVER = {"host": "localhost", "security": "none", "sender": "hr@example.com"}
UNFINISHED = "demo.unfinished"
"""A file that stands in the folder while the demo is made."""
ABANDONED = timedelta(hours=1)
"""A throw-away demo nobody has open and that is older was left by a program that was killed."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Given:
    """One distribution: `people` are the first and the last place in the roster."""

    kind: str
    channel: str
    name: Callable[[], str]
    people: tuple[int, int]
    wave: Wave
    """When it went out and what became of it."""


GIVEN = (
    Given("fixed", "email", lambda: tr("Welcome cards"), (0, 60), Wave(56, opened=0.95, claimed=0.9)),
    Given("exchange", "print", lambda: tr("Mooncakes for the shops"), (0, 60), Wave(47)),
    Given("variable", "file", lambda: tr("Birthdays of the quarter"), (60, 90), Wave(38)),
    Given("fixed", "email", lambda: tr("Mid-Autumn welfare"), (60, 120), Wave(24, opened=0.93, claimed=0.88)),
    Given("supplier", "file", lambda: tr("Thanks of the quarter"), (0, 12), Wave(16)),
    Given("festive", "email", lambda: tr("New Year welfare, first part"), (0, 80), Wave(6, opened=0.7, claimed=0.6)),
)


def sweep(folders: Iterable[Path]) -> None:
    """Remove throw-away demos whose program was killed, and end the endpoints they left running."""
    for folder in folders:
        with suppress(OSError, Timeout):
            if now() - datetime.fromtimestamp(folder.stat().st_mtime, UTC) < ABANDONED:
                continue  # another window may just be making it
            with FileLock(Config(folder).lock, timeout=0):
                EmbeddedEndpoint(Config(folder)).stop()
            shutil.rmtree(folder)


def make_demo(config: Config, say: Say = lambda words: None) -> OpenVault:
    """The open demo vault, made if it is not there yet; what a crash left half made is made anew. Raises AppError."""
    vaults, unfinished = Vaults(config), config.data / UNFINISHED
    if unfinished.exists():
        shutil.rmtree(config.data)
    if vaults.exists:
        return vaults.open(PASSPHRASE)
    config.data.mkdir(parents=True, exist_ok=True)
    if not any(config.data.iterdir()):  # never marks a folder that holds something else
        unfinished.touch()
    vault, _ = vaults.create(NewVault(tr("Moonlight Foods"), PASSPHRASE, purpose="welfare", language=language()))
    services = services_over(config, vault, autostart=False, email=_Nowhere())
    try:
        _fill(services, vault, config.data / "given", say)
    except BaseException:
        vault.close()
        raise
    finally:
        services.cloud.stop_embedded()
    unfinished.unlink(missing_ok=True)
    return vault


def _fill(services: Services, vault: OpenVault, folder: Path, say: Say) -> None:
    products = _stock_up(services, say)
    name_batches(vault.database)
    status = services.cloud.start_embedded()
    say(tr("Endpoint at {url}", url=status.url))
    runs = _give_out(services, products, folder, say)
    say(tr("{count} cards redeemed", count=live(services, vault.database, runs)))
    say(tr("Spread over the last {count} days", count=DAYS))


def _stock_up(services: Services, say: Say) -> dict[str, int]:
    """One product of every kind and one more, with codes; one batch is frozen, one ends soon."""
    specs = {
        "fixed": ProductSpec(tr("Mid-Autumn card"), "fixed", "voucher", face_minor=20_000, valid_days=400),
        "festive": ProductSpec(tr("New Year card"), "fixed", "voucher", face_minor=30_000, valid_days=400),
        "variable": ProductSpec(
            tr("Birthday gift card"),
            "variable",
            "voucher",
            min_minor=10_000,
            max_minor=50_000,
            step_minor=10_000,
            valid_days=400,
        ),
        "exchange": ProductSpec(tr("Mooncake voucher"), "exchange", "voucher", uses=2, valid_days=24),
        "supplier": ProductSpec(tr("Video month pass"), "supplier", "supplier_code"),
    }
    products = {kind: services.catalog.add(spec) for kind, spec in specs.items()}
    for kind, quantity, face in (
        ("fixed", 300, None),
        ("variable", 60, BIRTHDAY_MINOR),
        ("exchange", 150, None),
        ("festive", 200, None),
    ):
        services.batches.generate(BatchSpec(products[kind], quantity, face_minor=face))
        say(tr("{count} cards of {product}", count=quantity, product=specs[kind].name))
    services.batches.freeze(services.batches.generate(BatchSpec(products["fixed"], 50)))
    done = services.supplier_imports.import_file(DEMO / "supplier_codes.csv", products["supplier"])
    say(tr("{count} supplier codes read", count=done.imported))
    return products


def _give_out(services: Services, products: dict[str, int], folder: Path, say: Say) -> dict[int, Wave]:
    """The roster comes in, and everybody gets something; distribution → what becomes of it."""
    roster = services.people.stage(DEMO / "roster.csv")
    stored = services.people.store(services.people.check(roster))
    people = tuple(stored.person_ids.values())
    say(tr("{count} people read", count=len(people)))
    services.settings.put("mail.server", MAIL_SERVER)
    runs = {}
    for given in GIVEN:
        run = services.distribution.prepare(
            DistributionSpec(
                products[given.kind],
                people[slice(*given.people)],
                given.channel,
                given.name(),
                out_folder=folder,
                amount_minor=BIRTHDAY_MINOR if given.kind == "variable" else None,
            )
        )
        services.distribution.deliver(run)
        row = services.distribution.distribution(run)
        say(tr("{name}: {count} cards given out", name=row.name, count=row.sent))
        runs[run] = given.wave
    services.settings.put("mail.server", {})  # whoever tries the demo sets up their own
    return runs


class _Nowhere(EmailChannel):
    """Takes every mail and carries none: nobody of the demo exists."""

    @contextmanager
    def open(self, server: MailServer) -> Iterator[Post]:
        yield _Drain(server, self._trust, timeout_s=self._timeout_s, answer_s=self._answer_s)


class _Drain(Post):
    def send(self, mail: Mail) -> SendOutcome:
        if mail.to_address.startswith(UNKNOWN_TO_THE_SERVER):
            return SendOutcome("failed", "recipient-refused", retryable=True, said="550 5.1.1 no such user here")
        return SENT
