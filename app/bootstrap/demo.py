"""A vault full of demo data, made by the same services as everything else, with a month of life behind it."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from app.bootstrap.building import services_over
from app.config import RESOURCES, Config
from app.models.base import now
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.redemption import DailyFigure, Redemption
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionSpec
from app.services.recount import recounted
from app.services.vault.vaults import NewVault, OpenVault, Vaults
from app.topics import Topic
from app.words import language, tr, zone

DEMO = RESOURCES / "demo"
PASSPHRASE = "kaxia demo vault"  # noqa: S105  # of a throw-away vault; said on the screen
DAYS = 30
REDEEMED = 46
SEED = 20261124
Say = Callable[[str], None]


def make_demo(config: Config, say: Say = lambda words: None) -> OpenVault:
    """The open demo vault, made if it is not there yet. Raises AppError."""
    vaults = Vaults(config)
    if vaults.exists:
        return vaults.open(PASSPHRASE)
    vault, _ = vaults.create(NewVault(tr("Moonlight Foods"), PASSPHRASE, purpose="welfare", language=language()))
    try:
        services = services_over(config, vault, autostart=False)
        products = _stock_up(services, say)
        runs = _give_out(services, products, config.data / "given", say)
        _redeem(services, runs, say)
        _spread(vault.database)
        say(tr("Spread over the last {count} days", count=DAYS))
    except BaseException:
        vault.close()
        raise
    return vault


def _stock_up(services: Services, say: Say) -> dict[str, int]:
    """One product of every kind, with its codes."""
    specs = {
        "fixed": ProductSpec(tr("Mid-Autumn card"), "fixed", "voucher", face_minor=20_000, valid_days=400),
        "variable": ProductSpec(
            tr("Birthday gift card"),
            "variable",
            "voucher",
            min_minor=10_000,
            max_minor=50_000,
            step_minor=10_000,
            valid_days=400,
        ),
        "exchange": ProductSpec(tr("Mooncake voucher"), "exchange", "voucher", uses=2, valid_days=200),
        "supplier": ProductSpec(tr("Video month pass"), "supplier", "supplier_code"),
    }
    products = {kind: services.catalog.add(spec) for kind, spec in specs.items()}
    for kind, quantity, face in (("fixed", 300, None), ("variable", 60, 20_000), ("exchange", 150, None)):
        services.batches.generate(BatchSpec(products[kind], quantity, "STANDARD", face_minor=face))
        say(tr("{count} cards of {product}", count=quantity, product=specs[kind].name))
    done = services.supplier_imports.import_file(DEMO / "supplier_codes.csv", products["supplier"])
    say(tr("{count} supplier codes read", count=done.imported))
    return products


def _give_out(services: Services, products: dict[str, int], folder: Path, say: Say) -> list[int]:
    """The roster comes in, and everybody gets something."""
    roster = services.people.stage(DEMO / "roster.csv")
    stored = services.people.store(services.people.check(roster))
    people = tuple(stored.person_ids.values())
    say(tr("{count} people read", count=len(people)))
    runs = []
    for kind, channel, name, some in (
        ("fixed", "file", tr("Mid-Autumn welfare"), people),
        ("exchange", "print", tr("Mooncakes for the shops"), people[:60]),
        ("supplier", "file", tr("Thanks of the quarter"), people[:12]),
    ):
        spec = DistributionSpec(products[kind], some, channel, name, out_folder=folder)
        run = services.distribution.prepare(spec)
        services.distribution.deliver(run)
        row = services.distribution.distribution(run)
        say(tr("{name}: {count} cards given out", name=name, count=row.sent))
        runs.append(run)
    return runs


def _redeem(services: Services, runs: list[int], say: Say) -> None:
    """The endpoint on this machine decides, as it would in the cloud."""
    status = services.cloud.start_embedded()
    services.cloud.sync()
    say(tr("Endpoint at {url}", url=status.url))
    dice = random.Random(SEED)
    cards = [card for card in services.cards.ids(CardFilter(states=("assigned", "active"))) if card]
    kinds = {row.id: row.kind for row in services.cards.rows(cards)}
    usable = [card for card in cards if kinds.get(card) in ("fixed", "exchange")]
    for card in dice.sample(usable, min(REDEEMED, len(usable))):
        code = services.cards.reveal(card, reason=tr("Demo")).reveal()
        part = dice.choice((None, None, 5_000, 8_800)) if kinds[card] == "fixed" else None
        services.redemptions.redeem(code, part, place=tr("Main shop"))
    services.cloud.sync()
    services.cloud.stop_embedded()
    say(tr("{count} cards redeemed", count=min(REDEEMED, len(usable))))


def _spread(database: Database) -> None:
    """Move what just happened back over a month, and count the figures anew from it."""
    dice = random.Random(SEED)
    at = now()
    with database.write(Topic.DISTRIBUTIONS, Topic.REDEMPTIONS) as session:
        for number in list(session.scalars(select(Distribution.id))):
            sent = at - timedelta(days=DAYS - 2 * number, hours=dice.randrange(4))
            made = {"created_at": sent, "finished_at": sent + timedelta(minutes=3)}
            session.execute(update(Distribution).where(Distribution.id == number).values(made))
            of_it = update(Delivery).where(Delivery.distribution_id == number, Delivery.sent_at.is_not(None))
            session.execute(of_it.values(sent_at=sent, delivered_at=sent))
        entries = list(session.scalars(select(Redemption.id).order_by(Redemption.seq)))
        times = sorted(_shop_hour(at - timedelta(days=dice.triangular(0, DAYS - 6, 8)), dice) for _ in entries)
        for entry, when in zip(entries, times, strict=True):
            session.execute(update(Redemption).where(Redemption.id == entry).values(at=min(when, at)))
        session.execute(delete(DailyFigure))
        rows = [
            {**key._asdict(), "count": count, "amount_minor": minor}
            for key, (count, minor) in recounted(session).items()
        ]
        session.execute(insert(DailyFigure), rows)


def _shop_hour(day: datetime, dice: random.Random) -> datetime:
    """An instant of that day while shops are open, more often around noon and in the evening."""
    hour = dice.choice((10, 11, 11, 12, 12, 13, 15, 17, 18, 18, 19, 19, 20))
    local = day.astimezone(zone()).replace(hour=hour, minute=dice.randrange(60))
    return local.astimezone(UTC)
