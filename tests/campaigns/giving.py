"""Cards given to people: a run that was cut goes on, nobody gets two, and one whole file or one mail is left."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pypdf
from python_calamine import CalamineWorkbook

from app.services import Services
from app.services.batches import BatchSpec
from app.services.distribution import DistributionSpec
from app.services.vault.vaults import OpenVault
from tests.app.services.mail_peer import mail_peer
from tests.campaigns.cloud import FORGIVING, STARTED, endpoint_is_whole, endpoint_on, nothing_is_open
from tests.campaigns.kill import Job
from tests.campaigns.stock import one_product, store_people

SPARE = 50
CODE_COLUMN = 7
ARRIVED = "arrived.txt"
GIVE = """
from app.services.distribution import DistributionSpec
people, folder = tuple(services.people.ids()), config.data / "out"
run = services.distribution.prepare(DistributionSpec(1, people, "{channel}", "中秋", out_folder=folder))
services.distribution.deliver(run)
"""
SEND = """
run = services.distribution.prepare(DistributionSpec(1, tuple(services.people.ids()), "email", "中秋"))
services.distribution.deliver(run)
"""
WITH_MAIL = (
    """
import json
from app.services.distribution import DistributionSpec
services.settings.put("mail.server", json.loads((config.data / "mail.json").read_text("utf-8")))
"""
    + STARTED
)


def file(people: int) -> Job:
    return _on_paper("file", people, _sheet_is_right)


def printed(people: int) -> Job:
    return _on_paper("print", people, _print_is_right)


def mail(people: int) -> Job:
    return Job(
        partial(_ready_to_mail, people),
        SEND,
        partial(_everybody_has_one_mail, people),
        before=WITH_MAIL,
        scene=_mail_server,
    )


def mail_endpoint(people: int) -> Job:
    """Links are stored there before a mail goes out; without them nothing may."""
    indented = "".join(f"    {line}\n" for line in SEND.strip().splitlines())
    return Job(
        partial(_ready_to_mail, people),
        f"with suppress(*AWAY):\n{indented}",
        partial(_everybody_has_one_mail, people),
        before=WITH_MAIL + FORGIVING,
        scene=_mail_server,
        kills_endpoint=True,
    )


Seen = Callable[[Services, Path, list[int]], None]


def _on_paper(channel: str, people: int, seen: Seen) -> Job:
    check = partial(_everybody_has_one_card, channel, people, seen)
    return Job(partial(_cards_and_people, people), GIVE.format(channel=channel), check)


def _cards_and_people(people: int, services: Services) -> None:
    one_product(services)
    services.batches.generate(BatchSpec(1, people + SPARE))
    store_people(services, people)


def _ready_to_mail(people: int, services: Services) -> None:
    _cards_and_people(people, services)
    with endpoint_on(services):
        services.cloud.sync()


def _everybody_has_one_card(channel: str, people: int, seen: Seen, services: Services, vault: OpenVault) -> None:
    """What has its name after the kill is whole; a run that never began is begun; the list again gives nobody two."""
    folder = vault.database.path.parent / "out"
    for path in folder.glob("[!.]*"):
        _opens(path)
    runs = services.distribution.distributions()
    first = runs[0].id if runs else services.distribution.prepare(_spec(services, channel, folder))
    services.distribution.deliver(first)
    again = services.distribution.prepare(_spec(services, channel, folder))
    assert services.distribution.deliver(again).files == ()
    assert services.distribution.distribution(first).sent == people
    seen(services, folder, _cards_of(services, people))


def _opens(path: Path) -> None:
    """Somebody may print or send it before the run is gone on with."""
    if path.suffix == ".pdf":
        assert pypdf.PdfReader(path, strict=True).pages[-1].extract_text()
    else:
        with path.open("rb") as stream:
            assert CalamineWorkbook.from_filelike(stream).get_sheet_by_index(0).to_python()


def _sheet_is_right(services: Services, folder: Path, cards: list[int]) -> None:
    (sheet,) = folder.iterdir()
    with sheet.open("rb") as stream:
        rows = CalamineWorkbook.from_filelike(stream).get_sheet_by_index(0).to_python()
    assert [services.cards.find_by_code(str(row[CODE_COLUMN])) for row in rows[1:]] == cards


def _print_is_right(services: Services, folder: Path, cards: list[int]) -> None:
    """The cards and the sheet to tick them off on; every card's number stands on both."""
    assert len(list(folder.iterdir())) == 2
    serials = [row.serial for row in services.cards.rows(cards)]
    for path in folder.iterdir():
        text = "".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
        assert [serial for serial in serials if serial[-6:] not in text] == []


def _everybody_has_one_mail(people: int, services: Services, vault: OpenVault) -> None:
    """What was cut on its way may have arrived: it is asked about, never sent twice by itself."""
    folder = vault.database.path.parent
    with endpoint_on(services):
        assert max(_arrived(folder).values(), default=0) <= 1
        runs = services.distribution.distributions()
        first = runs[0].id if runs else services.distribution.prepare(_spec(services, "email"))
        services.distribution.deliver(first)
        row = services.distribution.distribution(first)
        assert (row.sent + row.uncertain, row.uncertain <= 1) == (people, True)
        assert max(_arrived(folder).values()) == 1
        assert len(_arrived(folder)) >= row.sent
        services.distribution.resend_uncertain(first)
        services.distribution.deliver(first)
        again = services.distribution.prepare(_spec(services, "email"))
        services.distribution.deliver(again)
        assert services.distribution.distribution(first).sent == people
        assert len(_arrived(folder)) == people
        assert sum(_arrived(folder).values()) - people in (0, row.uncertain)
        _cards_of(services, people)
        nothing_is_open(services)
    endpoint_is_whole(folder)


def _spec(services: Services, channel: str, folder: Path | None = None) -> DistributionSpec:
    return DistributionSpec(1, tuple(services.people.ids()), channel, "中秋", out_folder=folder)


def _cards_of(services: Services, people: int) -> list[int]:
    """Cards in the order of the first distribution's list: one each, and no other card has left the stock."""
    first = min(row.id for row in services.distribution.distributions())
    rows = services.distribution.deliveries_of(services.distribution.delivery_ids(first))
    cards = [row.card_id for row in rows if row.card_id is not None]
    counts = services.batches.batches()[0].counts
    assert (len(rows), len(set(cards)), counts.assigned + counts.active) == (people, people, people)
    return cards


@contextmanager
def _mail_server(folder: Path) -> Iterator[None]:
    """A mail server that writes down who got a mail; at the end nobody got two different ones."""
    with mail_peer(folder, tls="none") as (peer, setting, _):

        def write_down(receiver: str) -> None:
            with (folder / ARRIVED).open("a") as arrived:
                arrived.write(f"{receiver}\n")

        peer.on_data = write_down
        (folder / "mail.json").write_text(json.dumps(setting), "utf-8")
        yield
        mails = {(receiver, mail["Message-ID"]) for receiver, mail in zip(peer.receivers, peer.arrived, strict=True)}
        assert len(mails) == len(_arrived(folder)), "somebody got two different mails"


def _arrived(folder: Path) -> Counter[str]:
    """Receiver → mails."""
    path = folder / ARRIVED
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()
