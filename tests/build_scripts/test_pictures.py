"""The script that takes pictures: one scene of the real window, in a process of its own as it is meant to be run."""

import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImage

from app.bootstrap.workspace import FOOT, LISTS, ORDERS
from build_scripts.scenes import SCENES, shell

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1024, 680)


def test_a_dialog_is_painted_over_the_dimmed_window(tmp_path: Path) -> None:
    arguments = ("--scene", "first-run", "restore", "--language", "en", "--size", f"{SIZE[0]}x{SIZE[1]}")
    done = subprocess.run(
        [sys.executable, str(ROOT / "build_scripts" / "pictures.py"), str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
    )
    folder = tmp_path / "light-en-1024x680"
    assert f"{len(list(folder.glob('*.png')))} pictures in {folder}" in done.stdout
    assert done.stderr == ""
    bare, dimmed = QImage(str(folder / "first-run-1-welcome.png")), QImage(str(folder / "restore.png"))
    assert (bare.size().toTuple(), dimmed.size().toTuple()) == (SIZE, SIZE)
    assert dimmed.pixelColor(10, 500).lightness() < bare.pixelColor(10, 500).lightness() - 60
    assert dimmed.pixelColor(512, 240).lightness() > 200, "the dialog itself is not dimmed"


def test_every_page_has_a_scene_and_every_scene_a_name_of_its_own() -> None:
    names = [scene.name for scene in SCENES]
    assert len(names) == len(set(names))
    assert set(shell.PAGES) == {*FOOT, *(key for order in ORDERS.values() for key in order)}
    assert set(LISTS) <= set(names)
