"""One card a person, whatever is interrupted or asked for twice."""

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from app.errors import (
    DistributionRunning,
    InvalidInput,
    JobCancelled,
    NotEnoughCards,
    NotFound,
)
from app.models.base import now
from app.models.distribution import Delivery
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.channels.letters import Template
from app.services.distribution import (
    DeliveryFilter,
    DistributionService,
)
from app.services.secret import Secret
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Spec, added, counts, deliveries, figures, stock
from tests.app.services.mail_peer import MailPeer


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
    assert figures(vault) == {"issued": (5, 100000), "sent": (5, 0), "delivered": (5, 0)}


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
        ({"pace": 0}, "pace"),
        ({"pace": 5, "pace_minutes": 0}, "pace"),
        ({"product_id": None}, "product"),
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


def test_two_runs_at_once_are_one_too_many(distributions: DistributionService, spec: Spec) -> None:
    run = distributions.prepare(spec(channel="print"))
    refused: list[str] = []

    def barge_in(done: int, total: int) -> None:
        with pytest.raises(DistributionRunning) as refusal:
            distributions.deliver(run)
        refused.append(refusal.value.name)

    distributions.deliver(run, barge_in)
    assert set(refused) == {"中秋 2027"}
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_a_card_voided_meanwhile_goes_to_nobody_and_a_retry_takes_another(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, product: int
) -> None:
    run = distributions.prepare(spec())
    services.cards.void(deliveries(vault, run)[0].card_id or 0, reason="印坏了")
    assert distributions.deliver(run).sent == 4
    assert deliveries(vault, run)[0].reason == "card-voided"
    assert distributions.retry_failed(run) == 1
    second = distributions.deliver(run)
    assert second.files[0].endswith("-2.xlsx")
    assert counts(distributions.distribution(run)) == {"sent": 5}
    assert stock(vault, product) == 14
