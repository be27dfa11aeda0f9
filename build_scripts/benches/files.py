"""Files out and in: a batch handed out in each format, a roster, cards to print."""

import statistics
import tempfile
from pathlib import Path

from app.services import Services
from app.services.batches import BatchSpec
from app.services.exports import ExportOrder
from app.services.secret import Secret
from build_scripts.benches import PASSPHRASE, Figure, Size, fresh, peak_mb, reset_peak, seconds

ROSTER = 100_000
FEW, MANY = 500, 10_000


def export(size: Size) -> list[Figure]:
    """Plain codes of a whole batch, released on the way."""
    took: dict[str, list[float]] = {"csv": [], "zip": []}
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name:
            vault, services, product = fresh(Path(name) / "vault")
            for kind, times in took.items():
                batch = services.batches.generate(BatchSpec(product, size.cards))
                times.append(_handed_out(services, batch, Path(name) / f"cards.{kind}"))
            vault.close()
    context = f"{size.cards:,} plain codes"
    return [
        Figure("export as CSV", statistics.median(took["csv"]), "s", 1, context),
        Figure("export as ZIP with password", statistics.median(took["zip"]), "s", None, context),
    ]


def roster(size: Size) -> list[Figure]:
    rows = size.part(ROSTER)
    with tempfile.TemporaryDirectory() as name:
        vault, services, _ = fresh(Path(name) / "vault")
        path = Path(name) / "roster.csv"
        lines = [f"员工{number},138{number:08d},E{number:06d},市场部" for number in range(rows)]
        path.write_text("姓名,手机,工号,部门\n" + "\n".join(lines), "gb18030")
        read = [seconds(lambda: services.people.check(services.people.stage(path))) for _ in range(size.rounds)]
        vault.close()
    return [Figure("roster read and checked", statistics.median(read), "s", 5, f"{rows:,} rows, GB18030")]


def pdf(size: Size) -> list[Figure]:
    """Cards to print, plain with QR codes; the memory for many must be that for few."""
    few, many = size.part(FEW), size.part(MANY)
    times = []
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        for number in range(size.rounds):
            batch = services.batches.generate(BatchSpec(product, few))
            times.append(_handed_out(services, batch, Path(name) / f"few{number}.pdf"))
        batch, large = services.batches.generate(BatchSpec(product, many)), Path(name) / "many.pdf"
        before = reset_peak()
        took = _handed_out(services, batch, large)
        grown, written = peak_mb() - before, large.stat().st_size / 2**20
        vault.close()
    return [
        Figure(f"PDF of {few:,} cards", statistics.median(times), "s", 1.5, "QR codes and Chinese"),
        Figure(f"PDF of {many:,} cards", took, "s", 10, f"{written:.1f} MB written"),
        Figure(f"PDF of {many:,} cards, memory", grown, "MB", 25, "growth of the peak over the smaller ones"),
    ]


def _handed_out(services: Services, batch: int, path: Path) -> float:
    order = ExportOrder(batch, path.suffix[1:], path, True, "bench", Secret(PASSPHRASE), None)
    return seconds(lambda: services.exports.export(order))
