"""Builds the program for this system into dist/kaxia, with the script that makes an installer from it.

`python build_scripts/build.py` in the environment that dev.py made; PyInstaller cannot build for another system.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from build_scripts import notices

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "build_scripts" / "packaging"
DIST = ROOT / "dist"
WORK = ROOT / "build"
PROGRAM = DIST / "kaxia" / ("kaxia.exe" if os.name == "nt" else "kaxia")
INSTALLERS = ("kaxia.iss", "make_dmg.sh")


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def build() -> None:
    """One folder with all programs; never stripped: that breaks the libraries of Qt and NumPy."""
    WORK.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"]
    command += ["--distpath", str(DIST), "--workpath", str(WORK), str(PACKAGING / "kaxia.spec")]
    facts = {"KAXIA_ROOT": str(ROOT), "KAXIA_BUILD": str(WORK), "KAXIA_VERSION": version()}
    subprocess.run(command, cwd=ROOT, env=os.environ | facts, check=True)


def installer_scripts(target: Path = DIST) -> list[Path]:
    """The Windows and macOS scripts with the version filled in."""
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name in INSTALLERS:
        path = target / name
        path.write_text((PACKAGING / name).read_text("utf-8").replace("{{version}}", version()), "utf-8")
        written.append(path)
    return written


def size_of(folder: Path) -> int:
    """Bytes on disk, links counted once."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def starts() -> bool:
    """Whether what was built can say its own help, without a display."""
    quiet = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run([str(PROGRAM), "--help"], env=quiet, stdout=subprocess.DEVNULL, check=False).returncode == 0


def main() -> int:
    stale = notices.findings()
    if stale:
        print("\n".join(["resources/notices.json is out of date; run build_scripts/notices.py:", *stale]))
        return 1
    build()
    scripts = ", ".join(path.name for path in installer_scripts())
    good = starts()
    verdict = "starts" if good else "DOES NOT START"
    print(f"{PROGRAM.parent}: {size_of(PROGRAM.parent) / 1e6:,.0f} MB; {verdict}; {scripts}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
