"""What leaves the program on paper and in files says what a card is good for, also where that is no money."""

from pathlib import Path

import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from app.errors import NotWritable
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionService
from tests.app.services.distribution.parts import Spec


@pytest.fixture
def vouchers(services: Services) -> int:
    product = services.catalog.add(ProductSpec("月饼提货券", "exchange", "voucher", uses=3))
    services.batches.generate(BatchSpec(product, 8))
    return product


def given(distributions: DistributionService, spec: Spec, product: int, channel: str) -> tuple[int, list[Path]]:
    """The distribution and its files."""
    run = distributions.prepare(spec(product_id=product, channel=channel, name="门店月饼"))
    return run, [Path(name) for name in distributions.deliver(run).files]


def words_of(path: Path) -> str:
    document = pypdfium2.PdfDocument(path)
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
    finally:
        document.close()


def test_printed_vouchers_and_their_control_sheet_tell_the_uses(
    distributions: DistributionService, spec: Spec, vouchers: int
) -> None:
    _, files = given(distributions, spec, vouchers, "print")
    cards, control = map(words_of, files)
    assert cards.count("3 次") == 5
    assert control.count("3 次") == 5
    assert "姓名" in control


def test_no_code_lies_on_the_disk_where_the_control_sheet_cannot_be_written(
    distributions: DistributionService, spec: Spec, tmp_path: Path
) -> None:
    run = distributions.prepare(spec(channel="print", name="中秋", out_folder=tmp_path))
    (tmp_path / f"中秋 {run} 核对表.pdf").mkdir()
    with pytest.raises(NotWritable):
        distributions.deliver(run)
    assert distributions.distribution(run).prepared == 5  # may be cancelled: the cards then go to other people
    assert not (tmp_path / f"中秋 {run}.pdf").exists()


def test_the_file_of_vouchers_has_uses_in_place_of_money(
    distributions: DistributionService, spec: Spec, vouchers: int
) -> None:
    _, (path,) = given(distributions, spec, vouchers, "file")
    header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert [row[header.index("次数")] for row in rows] == [3] * 5
    assert not any("金额" in str(title) for title in header)


def test_the_receipt_of_vouchers_adds_up_people_and_no_money(
    distributions: DistributionService, spec: Spec, vouchers: int, tmp_path: Path
) -> None:
    run, _ = given(distributions, spec, vouchers, "file")
    distributions.write_receipt(run, tmp_path / "r.pdf")
    text = words_of(tmp_path / "r.pdf")
    assert "0.00" not in text
    assert "5 张" in text
