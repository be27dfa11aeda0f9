"""Files out and in: exports, a roster, cards to print."""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.services.batches import BatchSpec
from app.services.exports import ExportOrder
from app.services.secret import Secret
from app.services.writers.cards_pdf import CardFace, write_cards_pdf
from build_scripts.benches import Figure, Size, fresh, peak_mb, seconds

ROSTER = 100_000


def files(size: Size) -> list[Figure]:
    """Export of all cards as CSV, and a roster read and checked."""
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        batch = services.batches.generate(BatchSpec(product, size.cards))
        exports = []
        for number in range(size.rounds):
            order = ExportOrder(batch, "csv", Path(name) / f"{number}.csv", False, "", Secret(""), None)
            exports.append(seconds(lambda: services.exports.export(order)))  # noqa: B023
        roster = Path(name) / "roster.csv"
        lines = [f"员工{number},138{number:08d},E{number:06d},市场部" for number in range(ROSTER)]
        roster.write_text("姓名,手机,工号,部门\n" + "\n".join(lines), "gb18030")
        read = [seconds(lambda: services.people.check(services.people.stage(roster))) for _ in range(size.rounds)]
        vault.close()
    return [
        Figure("export as CSV", statistics.median(exports), 1.0, "s", f"{size.cards:,} cards"),
        Figure("roster read and checked", statistics.median(read), 5.0, "s", f"{ROSTER:,} rows, GB18030"),
    ]


def pdf(size: Size) -> list[Figure]:
    """Cards to print; the memory for 10,000 must be that for 500."""
    with tempfile.TemporaryDirectory() as name:
        small = [_pdf(Path(name) / "small.pdf", 500) for _ in range(size.rounds)]
        before = peak_mb()
        large = _pdf(Path(name) / "large.pdf", 10_000)
        grown, written = peak_mb() - before, (Path(name) / "large.pdf").stat().st_size / 2**20
    return [
        Figure("PDF of 500 cards", statistics.median(small), 1.5, "s", "QR codes and Chinese"),
        Figure("PDF of 10,000 cards", large, 10, "s", f"{written:.1f} MB written"),
        Figure("PDF of 10,000 cards, memory", grown, 25, "MB", "growth of the peak over 500 cards"),
    ]


def _pdf(path: Path, cards: int) -> float:
    def faces() -> Iterator[CardFace]:
        for number in range(cards):
            code = f"{number:06d}ABCDEFGHJKMN"
            yield CardFace(
                product="中秋福利卡",
                amount="¥200.00",
                serial=f"SP-20261122-{number:06d}",
                code=code,
                valid="2027-12-31",
                holder="张三",
                qr=f"https://kaxia.example/c/{code}",
            )

    return seconds(
        lambda: write_cards_pdf(path, faces(), merchant="商户", total=cards, title="卡", watermark="商户 2026-11-22")
    )
