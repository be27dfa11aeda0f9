"""What a crash leaves of a file that was being written goes at the next start, and nothing else does."""

from pathlib import Path

from app.bootstrap import build_services
from app.config import Config
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.exports import ExportOrder
from app.services.secret import Secret
from app.services.unfinished import Unfinished
from app.services.vault.vaults import SCRATCH, OpenVault, Vaults
from app.services.writers import atomically, making
from tests.app.conftest import PASSPHRASE


def cut(vault: OpenVault, path: Path) -> tuple[Path, Path]:
    """A writer that never came to its end: its half of the file and its folder of parts."""
    Unfinished(vault.database)._change([str(path)], [])
    half, parts = path.with_name(making(path) + "a.csv"), path.with_name(making(path) + "b")
    half.write_text("7K3Q-XYZ2")
    parts.mkdir()
    (parts / "sheet1.xml").write_text("7K3Q-XYZ2")
    return half, parts


def test_what_a_crash_left_goes_when_the_vault_is_opened_again(vault: OpenVault, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    half, parts = cut(vault, out / "codes.csv")
    other = out / (making(out / "other.csv") + "c.csv")
    other.write_text("of another program")
    build_services(Config(tmp_path), vault)
    assert (half.exists(), parts.exists(), other.exists()) == (False, False, True)
    other.rename(half)
    build_services(Config(tmp_path), vault)
    assert half.exists(), "it was done with the first time"


def test_a_drive_that_is_away_is_looked_at_when_it_is_back(vault: OpenVault, tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    half, _ = cut(vault, drive / "codes.csv")
    drive.rename(tmp_path / "away")
    Unfinished(vault.database).sweep()
    (tmp_path / "away").rename(drive)
    assert half.exists()
    Unfinished(vault.database).sweep()
    assert not half.exists()


def test_a_file_is_noted_while_it_is_written_and_not_afterwards(services: Services, tmp_path: Path) -> None:
    batch = services.batches.generate(BatchSpec(services.catalog.add(ProductSpec("卡", "fixed", face_minor=100)), 5))
    noted: list[list[str]] = []
    order = ExportOrder(batch, "csv", tmp_path / "a.csv", plain=False, reason="", passphrase=Secret(PASSPHRASE))
    services.exports.export(order, lambda *_: noted.append(services.settings.get("files.unfinished")))
    assert noted == [[str(tmp_path / "a.csv")]]
    assert services.settings.get("files.unfinished") == []


def test_a_part_of_a_part_goes_by_the_name_of_the_whole(tmp_path: Path) -> None:
    """A workbook is written to what already stands beside the export, with parts of its own."""
    whole = tmp_path / "codes.xlsx"
    with atomically(whole) as beside, atomically(beside) as inner:
        assert making(inner) == making(beside) == making(whole)
        inner.write_text("new")
        assert len(list(tmp_path.iterdir())) == 2, "the inner one leaves the outer one alone"
    assert whole.read_text() == "new"
    assert list(tmp_path.iterdir()) == [whole]


def test_scratch_folders_of_the_vault_go_when_it_is_opened(vault: OpenVault, vaults: Vaults) -> None:
    folder = vault.database.path.parent
    vault.close()
    (folder / f"{SCRATCH}x").mkdir()
    (folder / f"{SCRATCH}x" / "vault.db").write_bytes(b"sealed")
    vaults.open(PASSPHRASE).close()
    assert not list(folder.glob(f"{SCRATCH}*"))
