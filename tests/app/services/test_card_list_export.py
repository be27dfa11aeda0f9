"""Any cards of the list as a file: masked, in their order, known to the audit log; never a second way out for codes."""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from app.errors import InvalidInput, JobCancelled
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.exports import CardListOrder
from app.services.stock import take
from app.services.vault.vaults import OpenVault
from app.services.writers.tables import bare_cell
from app.topics import Topic


def listed(services: Services, out: Path, ids: Sequence[int]) -> list[list[str]]:
    """The lines of the file, without its header."""
    services.exports.export_list(CardListOrder(ids, out.suffix[1:], out, "状态：可用"))
    if out.suffix == ".csv":
        with out.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))[1:]
    sheet = CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()
    return [[str(cell) for cell in row] for row in sheet[1:]]


@pytest.fixture
def handed(services: Services, vault: OpenVault) -> list[int]:
    """Two cards that 曾小贤 and 陈美嘉 hold, and one in stock, of a product whose name begins like a formula."""
    product = services.catalog.add(ProductSpec("=1+1", "fixed", face_minor=20_000))
    services.batches.generate(BatchSpec(product, 3))
    roster = services.people.stage("姓名\t手机\n曾小贤\t13800138000\n陈美嘉\t13900139000")
    services.people.store(services.people.check(roster))
    with vault.database.write(Topic.CARDS) as session:
        take(session, product, services.people.ids())
    return list(services.cards.ids(CardFilter(), descending=False))


@pytest.mark.parametrize("name", ["cards.csv", "cards.xlsx"])
def test_a_list_of_cards_is_masked_and_reads_back(
    services: Services, handed: list[int], tmp_path: Path, name: str
) -> None:
    lines = listed(services, tmp_path / name, handed[::-1])
    rows = services.cards.rows(handed[::-1])
    assert [line[0] for line in lines] == [row.serial for row in rows], "in the order asked for"
    assert [line[1] for line in lines] == ["····" + row.tail for row in rows]
    assert [line[5] for line in lines] == ["", "曾*贤", "陈*嘉"]
    assert [float(line[6]) for line in lines] == [200.0] * 3
    assert {bare_cell(line[2]) for line in lines} == {"=1+1"}
    whole = (tmp_path / name).read_bytes()
    for card_id in handed:
        code = services.cards.reveal(card_id, reason="test").reveal()
        assert code.encode() not in whole
        assert code.replace("-", "").encode() not in whole
    if name.endswith("csv"):
        assert lines[0][2] == "'=1+1"
    entry = services.audit.rows(action="cards.exported")[0]
    assert entry.details["rows"] == 3
    assert entry.details["filter"] == "状态：可用"
    assert entry.details["sha256"] == hashlib.sha256(whole).hexdigest()
    assert "codes.released" not in {row.action for row in services.audit.rows()}


def test_a_cancelled_list_leaves_no_file(services: Services, handed: list[int], tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        services.exports.export_list(CardListOrder(handed, "csv", tmp_path / "cards.csv"), stop)
    assert list(tmp_path.glob("*.csv*")) == []
    assert services.audit.rows(action="cards.exported") == []


@pytest.mark.parametrize("name", ["cards.txt", "cards.pdf", "cards.zip"])
def test_a_list_of_cards_has_no_other_form(services: Services, handed: list[int], tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        listed(services, tmp_path / name, handed)
