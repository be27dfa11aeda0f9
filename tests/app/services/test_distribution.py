"""Distributions end to end: one card a person, whatever is interrupted, retried or taken back."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from openpyxl import load_workbook
from sqlalchemy import select, update

from app.errors import (
    AlreadyClaimed,
    InvalidInput,
    JobCancelled,
    MailServerRefused,
    NoEndpoint,
    NotEnoughCards,
    NotFound,
)
from app.models.base import now
from app.models.batch import Card
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.models.redemption import DailyFigure
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.channels.email import EmailChannel
from app.services.channels.file import FileChannel
from app.services.channels.letters import Template
from app.services.channels.printed import PrintChannel
from app.services.distribution import (
    Channels,
    DeliveryFilter,
    DistributionRow,
    DistributionService,
    DistributionSpec,
)
from app.services.progress import Progress
from app.services.sealing import Sealer
from app.services.secret import Secret
from app.services.stock import stock_of
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.mail_peer import MailPeer, mail_peer

SUMS = ("prepared", "sent", "failed", "uncertain", "skipped", "recalled")


class Door:
    """An endpoint that takes every link, or none while it is away."""

    def __init__(self, vault: OpenVault) -> None:
        self._vault = vault
        self.base: str | None = "https://cards.example/"
        self.refused: set[str] = set()

    def public_url(self) -> str | None:
        return self.base

    def push_links(self, distribution_id: int, progress: Progress) -> None:
        self.answer()

    def answer(self) -> None:
        with self._vault.database.write(Topic.OUTBOX) as session:
            for op in session.scalars(select(OutboxOp).where(OutboxOp.state == "waiting")):
                op.state = "rejected" if op.aggregate in self.refused else "applied"


@pytest.fixture
def door(vault: OpenVault) -> Door:
    return Door(vault)


@pytest.fixture
def post_office(tmp_path: Path, services: Services) -> Iterator[tuple[MailPeer, EmailChannel]]:
    with mail_peer(tmp_path) as (peer, setting, trust):
        services.settings.put("mail.server", setting)
        yield peer, EmailChannel(trust, timeout_s=10)


@pytest.fixture
def peer(post_office: tuple[MailPeer, EmailChannel]) -> MailPeer:
    return post_office[0]


@pytest.fixture
def distributions(
    services: Services, vault: OpenVault, door: Door, post_office: tuple[MailPeer, EmailChannel]
) -> DistributionService:
    channels = Channels(FileChannel(), PrintChannel(), post_office[1])
    reader = CodeReader(vault.database, Sealer(vault.keys))
    return DistributionService(
        vault.database, services.audit, reader=reader, cloud=door, settings=services.settings, channels=channels
    )


@pytest.fixture
def product(services: Services) -> int:
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    services.batches.generate(BatchSpec(product, 20))
    return product


@pytest.fixture
def people(vault: OpenVault) -> list[int]:
    return added(vault, [f"员工{n}" for n in range(5)])


def added(vault: OpenVault, names: list[str], **values: Any) -> list[int]:
    with vault.database.write(Topic.PEOPLE) as session:
        rows = [
            Person(
                **{
                    "name": name,
                    "pinyin_key": "",
                    "search": name.lower(),
                    "department": "研发部",
                    "phone": f"1380013{n:04d}",
                    "phone_tail": f"{n:04d}",
                    "email": f"p{n}@firm.example",
                    "employee_no": f"kx{n}",
                    "created_at": now(),
                    "changed_at": now(),
                }
                | values
            )
            for n, name in enumerate(names)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


@pytest.fixture
def spec(product: int, people: list[int], tmp_path: Path) -> Callable[..., DistributionSpec]:
    base = DistributionSpec(product, tuple(people), "file", "中秋 2027", out_folder=tmp_path / "out")
    return lambda **changes: replace(base, **changes)


Spec = Callable[..., DistributionSpec]


def stock(vault: OpenVault, product: int) -> int:
    with vault.database.read() as session:
        return stock_of(session, product)


def figures(vault: OpenVault) -> dict[str, tuple[int, int]]:
    with vault.database.read() as session:
        found: dict[str, tuple[int, int]] = {}
        for figure in session.scalars(select(DailyFigure)):
            count, amount = found.get(figure.metric, (0, 0))
            found[figure.metric] = (count + figure.count, amount + figure.amount_minor)
        return {metric: value for metric, value in found.items() if value != (0, 0)}


def counts(row: DistributionRow) -> dict[str, int]:
    assert sum(getattr(row, name) for name in SUMS) == row.people
    return {name: getattr(row, name) for name in SUMS if getattr(row, name)}


def deliveries(vault: OpenVault, distribution_id: int) -> list[Delivery]:
    with vault.database.read() as session:
        wanted = select(Delivery).where(Delivery.distribution_id == distribution_id).order_by(Delivery.no)
        return list(session.scalars(wanted))


# --- files ---


def test_a_file_holds_a_code_for_everybody(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec
) -> None:
    run = distributions.prepare(spec(note="节日快乐"))
    assert counts(distributions.distribution(run)) == {"prepared": 5}
    done = distributions.deliver(run)
    row = distributions.distribution(run)
    assert (counts(row), row.state, row.total_minor, done.sent) == ({"sent": 5}, "finished", 100000, 5)
    sheet = load_workbook(done.files[0]).active
    lines = list(sheet.iter_rows(min_row=2, values_only=True))
    assert [line[1] for line in lines] == [f"员工{n}" for n in range(5)]
    assert lines[0][3] == "138****0000"
    cards = [delivery.card_id for delivery in deliveries(vault, run)]
    assert [services.cards.find_by_code(str(line[7])) for line in lines] == cards
    assert figures(vault) == dict.fromkeys(("issued", "sent", "delivered"), (5, 100000))


def test_the_same_list_again_gives_nobody_a_second_card(
    distributions: DistributionService, vault: OpenVault, spec: Spec, product: int, people: list[int]
) -> None:
    distributions.deliver(distributions.prepare(spec()))
    left = stock(vault, product)
    again = distributions.prepare(spec())
    assert counts(distributions.distribution(again)) == {"skipped": 5}
    assert {row.reason for row in distributions.deliveries_of(distributions.delivery_ids(again))} == {"already-given"}
    assert distributions.deliver(again).files == ()
    assert stock(vault, product) == left
    assert distributions.already_given(product, people) == set(people)
    assert distributions.preview(spec()).people == 0
    second = distributions.prepare(spec(allow_again=True))
    assert counts(distributions.distribution(second)) == {"prepared": 5}


def test_somebody_listed_twice_gets_one_card_unless_that_is_wished(
    distributions: DistributionService, spec: Spec, people: list[int]
) -> None:
    twice = (people[0], people[0])
    assert counts(distributions.distribution(distributions.prepare(spec(person_ids=twice)))) == {
        "prepared": 1,
        "skipped": 1,
    }
    wished = distributions.prepare(spec(person_ids=twice, allow_again=True))
    assert counts(distributions.distribution(wished)) == {"prepared": 2}


def test_too_few_cards_change_nothing(
    distributions: DistributionService, vault: OpenVault, spec: Spec, product: int
) -> None:
    crowd = tuple(added(vault, [f"新人{n}" for n in range(21)]))
    plan = distributions.preview(spec(person_ids=crowd))
    assert (plan.people, plan.stock, plan.missing, plan.total_minor) == (21, 20, 1, 420000)
    assert (plan.first_names, plan.last_names) == (("新人0", "新人1", "新人2"), ("新人18", "新人19", "新人20"))
    with pytest.raises(NotEnoughCards) as refused:
        distributions.prepare(spec(person_ids=crowd))
    assert (refused.value.have, refused.value.need) == (20, 21)
    assert distributions.distributions() == []
    assert stock(vault, product) == 20


def test_a_cancelled_file_is_written_whole_the_next_time(
    distributions: DistributionService, spec: Spec, tmp_path: Path, vault: OpenVault
) -> None:
    crowd = tuple(added(vault, [f"新人{n}" for n in range(12)]))
    run = distributions.prepare(spec(person_ids=crowd, channel="print"))

    def cancel(done: int, total: int) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        distributions.deliver(run, cancel)
    row = distributions.distribution(run)
    assert (counts(row), row.state) == ({"prepared": 12}, "paused")
    assert list((tmp_path / "out").iterdir()) == []
    done = distributions.deliver(run)
    assert [Path(file).read_bytes()[:5] for file in done.files] == [b"%PDF-"] * 2
    assert counts(distributions.distribution(run)) == {"sent": 12}


def test_a_run_that_was_killed_is_prepared_again(
    distributions: DistributionService, vault: OpenVault, spec: Spec
) -> None:
    run = distributions.prepare(spec())
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).values(state="sending"))
    assert distributions.deliver(run).sent == 5


def test_a_file_can_lie_in_an_encrypted_zip(distributions: DistributionService, spec: Spec) -> None:
    done = distributions.deliver(distributions.prepare(spec()), zip_password=Secret("松柏之茂"))
    content = Path(done.files[0]).read_bytes()
    assert content[:2] == b"PK"
    assert b"xl/worksheets" not in content


def test_a_name_cannot_lead_out_of_the_folder(
    distributions: DistributionService, vault: OpenVault, spec: Spec, tmp_path: Path
) -> None:
    names = ["=cmd|'/c calc'!A1", "../../etc/passwd", "<b>张</b>", "a\u202eb", "'; DROP TABLE person;--"]
    run = distributions.prepare(spec(name="..\\../中秋:\n*?", person_ids=tuple(added(vault, names)), note="@SUM(A1)"))
    done = distributions.deliver(run)
    assert Path(done.files[0]).parent == tmp_path / "out"
    cells = [row[1].value for row in load_workbook(done.files[0]).active.iter_rows(min_row=2)]
    assert cells == names
    assert all(cell.data_type != "f" for row in load_workbook(done.files[0]).active.iter_rows() for cell in row)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"name": " "}, "name"),
        ({"person_ids": ()}, "people"),
        ({"out_folder": None}, "out_folder"),
        ({"gate": "riddle"}, "gate"),
        ({"pace_per_10min": 0}, "pace"),
        ({"channel": "email", "template": Template("", "{link}")}, "subject"),
        ({"channel": "email", "template": Template("x", "{link} {secret}")}, "body"),
        ({"channel": "email", "template": Template("x", "{name}")}, "body"),
    ],
)
def test_what_cannot_be_delivered_is_refused_first(
    distributions: DistributionService, spec: Spec, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        distributions.prepare(spec(**changes))
    assert refused.value.field == field


def test_unknown_people_and_products_are_refused(distributions: DistributionService, spec: Spec) -> None:
    for changes in ({"person_ids": (999,)}, {"product_id": 999}):
        with pytest.raises(NotFound):
            distributions.prepare(spec(**changes))
    with pytest.raises(NotFound):
        distributions.distribution(999)


# --- mail ---


def test_a_mail_carries_a_link_that_opens_to_the_code(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email", note="节日快乐"))
    distributions.deliver(run)
    assert peer.receivers == [f"p{n}@firm.example" for n in range(5)]
    delivery = deliveries(vault, run)[0]
    text = peer.arrived[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"https://cards.example/c/{delivery.link_id}#{delivery.link_secret}" in text
    assert peer.arrived[0]["Message-ID"] == delivery.message_id
    with vault.database.read() as session:
        op = session.scalars(select(OutboxOp).where(OutboxOp.aggregate == f"delivery:{delivery.id}")).one()
    assert (op.type, op.lane, op.body["link_id"]) == ("link.put@1", "link", delivery.link_id)
    merchant = UUID(services.settings.merchant().id)
    payload = opened(op.body, delivery)
    assert payload == picked_up(op.body, delivery, merchant)
    assert services.cards.find_by_code(payload["code"]) == delivery.card_id
    assert payload["code"] not in str(peer.arrived[0])
    assert (payload["holder"], payload["note"], payload["face_minor"]) == ("员工0", "节日快乐", 20000)
    gate = b"kx.gate.v1\0" + str(delivery.link_id).encode() + b"\x000000"
    assert op.body["gate"] == {"kind": "phone_tail", "digest": b64(sha256(gate).digest())}
    assert delivery.pickup_code not in json.dumps(op.body)
    assert figures(vault) == {"issued": (5, 100000), "sent": (5, 100000)}


def b64(data: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(data).rstrip(b"=").decode()


def derived(secret: str, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret.encode())


def unsealed(key: bytes, ciphertext: str, aad: str) -> Any:
    sealed = urlsafe_b64decode(ciphertext + "=" * (-len(ciphertext) % 4))
    return json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], aad.encode()))


def opened(body: dict[str, Any], delivery: Delivery) -> Any:
    """As the phone does it: with what stands in the link alone."""
    secret = str(delivery.link_secret)
    assert body["auth_digest"] == b64(sha256(derived(secret, b"kx/link/auth")).digest())
    aad = f"kx.link.v1|{delivery.link_id}|{body['batch_id']}|{body['expires_at'] or ''}"
    return unsealed(derived(secret, b"kx/link/enc"), body["ciphertext"], aad)


def picked_up(body: dict[str, Any], delivery: Delivery, merchant: UUID) -> Any:
    code = str(delivery.pickup_code)
    assert body["pickup"]["lookup"] == b64(sha256(b"kx.pickup.v1\0" + merchant.bytes + code.encode()).digest())
    aad = f"kx.pickup.v1|{delivery.link_id}|{body['batch_id']}|{body['expires_at'] or ''}"
    return unsealed(derived(code, b"kx/pickup/enc", merchant.bytes), body["pickup"]["ciphertext"], aad)


def test_only_what_failed_is_sent_again(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, product: int
) -> None:
    nobody = added(vault, ["无邮箱"], email=None)
    peer.at_rcpt["p2@firm.example"] = "550 5.1.1 no such user"
    run = distributions.prepare(spec(channel="email", person_ids=(*spec().person_ids, *nobody)))
    assert stock(vault, product) == 15
    done = distributions.deliver(run)
    assert (done.sent, done.failed, done.left) == (4, 2, 0)
    failed = distributions.deliveries_of(distributions.delivery_ids(run, DeliveryFilter(states=("failed",))))
    assert [(row.name, row.reason, row.retryable) for row in failed] == [
        ("员工2", "recipient-refused", True),
        ("无邮箱", "no-email", True),
    ]
    peer.at_rcpt.clear()
    assert distributions.retry_failed(run) == 1
    with vault.database.write(Topic.PEOPLE) as session:
        session.get_one(Person, nobody[0]).email = "found@firm.example"
    assert distributions.retry_failed(run) == 1
    distributions.deliver(run)
    assert sorted(peer.receivers) == sorted([*(f"p{n}@firm.example" for n in range(5)), "found@firm.example"])
    assert counts(distributions.distribution(run)) == {"sent": 6}
    assert figures(vault)["issued"] == figures(vault)["sent"] == (6, 120000)


def test_a_mail_of_which_nothing_is_known_goes_again_only_by_choice(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    peer.hangs_up_for.add("p1@firm.example")
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 4, "uncertain": 1}
    distributions.deliver(run)
    assert len(peer.arrived) == 5
    peer.hangs_up_for.clear()
    assert distributions.resend_uncertain(run) == 1
    distributions.deliver(run)
    twice = [message["Message-ID"] for message in peer.arrived if "p1@" in message["To"]]
    assert len(twice) == 2
    assert len(set(twice)) == 1
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_a_crash_while_sending_leaves_that_mail_uncertain(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).where(Delivery.no == 1).values(state="sending"))
    distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 4, "uncertain": 1}
    assert "p0@firm.example" not in peer.receivers


def test_links_missing_after_a_kill_are_made_at_delivery(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(
            update(Delivery).where(Delivery.no > 2).values(link_id=None, link_secret=None, pickup_code=None)
        )
    distributions.deliver(run)
    assert len(set(peer.receivers)) == len(peer.receivers) == 5


def test_pausing_stops_after_the_mail_at_hand_and_going_on_sends_the_rest(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    peer.on_data = lambda receiver: distributions.pause(run) if receiver == "p1@firm.example" else None
    assert distributions.deliver(run).left == 3
    assert distributions.distribution(run).state == "paused"
    distributions.continue_(run)
    assert peer.receivers == [f"p{n}@firm.example" for n in range(5)]
    assert distributions.distribution(run).state == "finished"


def test_cancelling_the_rest_returns_its_cards(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, product: int
) -> None:
    run = distributions.prepare(spec())
    assert stock(vault, product) == 15
    assert distributions.cancel_rest(run) == 5
    assert stock(vault, product) == 20
    assert counts(distributions.distribution(run)) == {"skipped": 5}
    assert figures(vault) == {}
    mailed = distributions.prepare(spec(channel="email"))
    peer.on_data = lambda receiver: distributions.pause(mailed)
    distributions.deliver(mailed)
    assert distributions.cancel_rest(mailed) == 4
    row = distributions.distribution(mailed)
    assert (counts(row), row.state) == ({"sent": 1, "recalled": 4}, "cancelled")
    assert figures(vault)["issued"] == (1, 20000)


def test_a_server_that_refuses_everything_is_left_alone(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    for n in range(5):
        peer.at_data[f"p{n}@firm.example"] = "451 4.7.1 too many mails"
    run = distributions.prepare(spec(channel="email"))
    with pytest.raises(MailServerRefused):
        distributions.deliver(run)
    row = distributions.distribution(run)
    assert (counts(row), row.state) == ({"prepared": 2, "failed": 3}, "paused")


def test_a_link_the_endpoint_refuses_is_not_mailed(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, door: Door
) -> None:
    run = distributions.prepare(spec(channel="email"))
    first = deliveries(vault, run)[0]
    door.refused.add(f"delivery:{first.id}")
    distributions.deliver(run)
    assert "p0@firm.example" not in peer.receivers
    door.refused.clear()
    assert distributions.retry_failed(run) == 1
    assert deliveries(vault, run)[0].link_id != first.link_id


def test_without_an_endpoint_no_mail_is_prepared(
    distributions: DistributionService, spec: Spec, door: Door, product: int, vault: OpenVault
) -> None:
    door.base = None
    with pytest.raises(NoEndpoint):
        distributions.prepare(spec(channel="email"))
    assert stock(vault, product) == 20


# --- taking back ---


def test_a_mailed_card_returns_to_stock_once_its_link_is_dead(
    distributions: DistributionService, vault: OpenVault, spec: Spec, door: Door, product: int, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    ids = distributions.delivery_ids(run)
    assert distributions.recall(ids[:2]) == 2
    assert stock(vault, product) == 15
    door.answer()
    assert distributions.settle_recalls() == 2
    assert distributions.settle_recalls() == 0
    assert stock(vault, product) == 17
    assert counts(distributions.distribution(run)) == {"sent": 3, "recalled": 2}
    assert figures(vault) == {"issued": (3, 60000), "sent": (3, 60000)}
    again = distributions.prepare(spec(channel="email"))
    assert counts(distributions.distribution(again)) == {"prepared": 2, "skipped": 3}


def test_a_recall_that_came_too_late_leaves_the_card_with_its_holder(
    distributions: DistributionService, vault: OpenVault, spec: Spec, door: Door, product: int, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    first = distributions.delivery_ids(run)[0]
    distributions.recall([first])
    door.refused.add(f"delivery:{first}")
    door.answer()
    distributions.settle_recalls()
    assert stock(vault, product) == 15
    assert counts(distributions.distribution(run)) == {"sent": 5}
    assert figures(vault)["sent"] == (5, 100000)


def test_a_link_that_never_left_gives_its_card_back_at_once(
    distributions: DistributionService, vault: OpenVault, spec: Spec, product: int
) -> None:
    run = distributions.prepare(spec(channel="email"))
    assert distributions.recall(distributions.delivery_ids(run)) == 5
    assert stock(vault, product) == 20
    with vault.database.read() as session:
        assert set(session.scalars(select(OutboxOp.state).where(OutboxOp.lane == "link"))) == {"withdrawn"}


def test_a_card_whose_code_is_in_the_world_is_voided(
    distributions: DistributionService, vault: OpenVault, spec: Spec, product: int
) -> None:
    run = distributions.prepare(spec())
    distributions.deliver(run)
    delivery = deliveries(vault, run)[0]
    assert distributions.recall([delivery.id]) == 1
    assert distributions.recall([delivery.id]) == 0
    with vault.database.read() as session:
        assert session.get_one(Card, delivery.card_id).state == "voided"
        op = session.scalars(select(OutboxOp).where(OutboxOp.type == "card.void@1")).one()
    assert op.body["card_no"] == 0
    assert stock(vault, product) == 15
    assert figures(vault)["delivered"] == (4, 80000)


def test_an_opened_card_cannot_be_taken_back(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).where(Delivery.no == 2).values(opened_at=now()))
    with pytest.raises(AlreadyClaimed) as refused:
        distributions.recall(distributions.delivery_ids(run))
    assert refused.value.count == 1
    assert counts(distributions.distribution(run)) == {"sent": 5}


# --- receipts and lists ---


def test_a_receipt_adds_up_and_is_written(
    distributions: DistributionService, vault: OpenVault, spec: Spec, tmp_path: Path, people: list[int], peer: MailPeer
) -> None:
    peer.at_rcpt["p1@firm.example"] = "550 5.1.1 no such user"
    run = distributions.prepare(spec(channel="email", person_ids=(*people, people[0])))
    distributions.deliver(run)
    distributions.recall([distributions.delivery_ids(run)[4]])
    receipt = distributions.receipt(run)
    assert [line.no for line in receipt.lines] == [1, 2, 3, 4, 5, 6]
    whole, *parts = receipt.totals.values()
    assert whole == (6, 100000)
    assert whole == (sum(count for count, _ in parts), sum(amount for _, amount in parts))
    for ending in ("pdf", "xlsx"):
        path = tmp_path / f"回执.{ending}"
        distributions.write_receipt(run, path)
        assert path.stat().st_size > 1000
    with pytest.raises(InvalidInput):
        distributions.write_receipt(run, tmp_path / "回执.doc")
    assert "13800130000" not in repr(receipt)


def test_deliveries_are_found_by_state_department_and_text(
    distributions: DistributionService, vault: OpenVault, spec: Spec, people: list[int]
) -> None:
    other = added(vault, ["李_四"], department="财务部")
    run = distributions.prepare(spec(person_ids=(*people, *other)))
    assert len(distributions.delivery_ids(run, DeliveryFilter(department="财务部"))) == 1
    assert len(distributions.delivery_ids(run, DeliveryFilter(text="员工"))) == 5
    assert len(distributions.delivery_ids(run, DeliveryFilter(text="_"))) == 1
    assert len(distributions.delivery_ids(run, DeliveryFilter(text="KX0"))) == 2
    assert distributions.delivery_ids(run, DeliveryFilter(states=("sent",))) == []
    row = distributions.deliveries_of(distributions.delivery_ids(run))[0]
    assert (row.name, row.phone_masked, row.card_tail) == ("员工0", "138****0000", "000001")


def test_what_is_scheduled_comes_due(distributions: DistributionService, spec: Spec) -> None:
    at = now()
    run = distributions.prepare(spec(scheduled_at=at))
    assert distributions.due(at) == [run]
    distributions.deliver(run)
    assert distributions.due(at) == []


def test_a_face_that_is_not_in_stock_is_no_stock(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec
) -> None:
    product = services.catalog.add(
        ProductSpec("储值卡", "variable", min_minor=10000, max_minor=50000, step_minor=10000)
    )
    services.batches.generate(BatchSpec(product, 10, face_minor=30000))
    with pytest.raises(NotEnoughCards):
        distributions.prepare(spec(product_id=product, amount_minor=20000))
    run = distributions.prepare(spec(product_id=product, amount_minor=30000))
    assert distributions.distribution(run).total_minor == 150000
