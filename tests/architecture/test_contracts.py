"""Every import contract catches the violation it is there for: all planted in one copy, which import-linter reads."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTED = {  # contract → file of the copy, line that breaks it
    "layers": ("app/models/base.py", "import app.services"),
    "sync-layers": ("sync/codes.py", "import sync.server"),
    "sync-alone": ("sync/protocol.py", "import app.topics"),
    "qt-in-views": ("app/services/progress.py", "import PySide6.QtCore"),
    "views-ask-services": ("app/views/widgets/__init__.py", "import sqlalchemy"),
    "models-alone": ("app/models/setting.py", "import requests"),
    "views-layers": ("app/views/widgets/__init__.py", "import app.views.main_window"),
    "server-apart": ("app/services/settings.py", "import sync.server"),
    "one-door-to-the-net": ("app/services/audit.py", "import sync.client"),
    "no-circles": ("app/services/progress.py", "import app.services.audit"),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Contract name → KEPT or BROKEN, with every violation planted at once."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("app", "sync"):
        shutil.copytree(ROOT / package, copy / package, ignore=_only_code)
    _say(copy / "app/views/main_window.py", "")
    for path, line in PLANTED.values():
        _say(copy / path, line)
    _say(copy / "app/services/audit.py", "import app.services.progress")
    lint = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    said = subprocess.run(lint, cwd=copy, capture_output=True, text=True, encoding="utf-8", check=False).stdout
    return dict(re.findall(r"^(.+) (KEPT|BROKEN)", said, re.MULTILINE))


def _only_code(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()]


def _say(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def _contracts() -> dict[str, str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return {contract["id"]: contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


@pytest.mark.parametrize("contract", sorted(_contracts()))
def test_the_contract_catches_its_planted_violation(verdicts: dict[str, str], contract: str) -> None:
    assert contract in PLANTED, "plant a violation of this contract too"
    assert verdicts[_contracts()[contract]] == "BROKEN"


def test_a_file_that_nobody_placed_is_caught(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("app", "sync"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=_only_code)
    _say(tmp_path / "app/utils.py", "")
    lint = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache", "--contract", "layers"]

    said = subprocess.run(lint, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)

    assert said.returncode == 1
    assert "utils" in said.stdout + said.stderr
