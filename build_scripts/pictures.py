"""Pictures of every screen over demo data: `python build_scripts/pictures.py OUT [--scene NAME …]`.

For eyes, not for a machine: look for cut words, boxes instead of signs, things without style, dead space. The demo is
made once for each language and copied for a run, so a scene may change whatever it likes.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # no keychain of whoever looks

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app.bootstrap.demo import PASSPHRASE, make_demo
from app.config import Config
from app.services.vault.vaults import NewVault, OpenVault, Vaults
from app.views.theme import application, theme
from app.words import LANGUAGES, language, set_language, tr
from build_scripts.scenes import SCENES
from build_scripts.scenes.stage import Folder, Scene, Stage

SCREEN = {"name": "screen", "x": 0, "y": 0, "width": 2560, "height": 1600, "dpr": 1, "logicalDpi": 96}
"""Every window fits on it."""


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the pictures; they lie in one folder for each look")
    parser.add_argument("--scene", nargs="+", default=[], choices=[scene.name for scene in SCENES], metavar="NAME")
    parser.add_argument("--look", choices=("light", "dark"), default="light")
    parser.add_argument("--language", choices=list(LANGUAGES), default="zh_CN")
    parser.add_argument("--size", default="1440x900", help="of the window, 1440x900 or 1024x680 for instance")
    parser.add_argument("--list", action="store_true", help="only name the scenes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    asked = parsed(arguments)
    if asked.list:
        print("\n".join(scene.name for scene in SCENES))
        return 0
    wanted = [scene for scene in SCENES if not asked.scene or scene.name in asked.scene]
    width, _, height = asked.size.partition("x")
    out: Path = asked.out.resolve() / f"{asked.look}-{asked.language}-{asked.size}"
    out.mkdir(parents=True, exist_ok=True)
    application = _application()
    set_language(asked.language)
    theme().choose(asked.look)
    taken = 0
    with tempfile.TemporaryDirectory(prefix="kaxia-pictures-") as scratch:
        for number, (place, scenes) in enumerate(groupby(wanted, key=lambda scene: (scene.folder, scene.shut))):
            config = Config(Path(scratch) / str(number))
            _fill(config, place[0], asked.out.resolve() / f"demo-{asked.language}")
            stage = Stage(application, config, out=out, size=(int(width), int(height)))
            taken += _played(stage, list(scenes))
    print(f"{taken} pictures in {out}")
    return 0


def _played(stage: Stage, scenes: Sequence[Scene]) -> int:
    """Scenes over one data folder; how many pictures came of it."""
    try:
        if scenes[0].folder != "nothing" and not scenes[0].shut:
            stage.enter(_opened(stage.config))
        for scene in scenes:
            began, before = time.perf_counter(), len(stage.pictures)
            stage.play(scene)
            print(
                f"{scene.name:<16} {len(stage.pictures) - before:>3} {time.perf_counter() - began:6.1f} s", flush=True
            )
    finally:
        stage.leave()
    return len(stage.pictures)


def _fill(config: Config, folder: Folder, demo: Path) -> None:
    """Put into a data folder what the scenes begin with."""
    config.data.mkdir(parents=True)
    if folder == "new":
        Vaults(config).create(NewVault(tr("Moonlight Foods"), PASSPHRASE, purpose="welfare", language=language()))[
            0
        ].close()
    elif folder == "demo":
        if not Config(demo).key_slots.exists():
            make_demo(Config(demo), print).close()
        shutil.copytree(demo, config.data, dirs_exist_ok=True)


def _opened(config: Config) -> OpenVault:
    return Vaults(config).open(PASSPHRASE)


def _application() -> QApplication:
    """On a screen of our own where there is no other."""
    qInstallMessageHandler(_pass_on)
    if os.environ["QT_QPA_PLATFORM"] == "offscreen":
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({"screens": [SCREEN]}, file)
        os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={file.name}"
    return application("kaxia")


def _pass_on(_: QtMsgType, where: QMessageLogContext, words: str) -> None:
    """What Qt has to say, but for what no window can do that is never seen."""
    if not words.startswith("This plugin does not support"):
        print(f"Qt: {words} {where.file or ''}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
