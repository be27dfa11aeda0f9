"""Sets up a fresh machine and runs or tests Kaxia on it: `python build_scripts/dev.py run` and `… test`.

Standard library only, and written so that an old Python reads it far enough to say what is missing.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = ("app", "server", "dev")
OLDEST_PYTHON = (3, 11)
USAGE = """python build_scripts/dev.py run      open Kaxia on demo data; without a display, walk through it
python build_scripts/dev.py test     run the tests; more arguments go to pytest
python build_scripts/dev.py setup    only set up
python build_scripts/dev.py lock     new requirements/*.txt from requirements/*.in (needs uv)"""

# soname → Debian's package. Qt ends the process when one of the first group is missing, so look before it starts.
QT_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
}
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
TEST_PROGRAMS = {  # a real window and a real phone browser
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "chromium-headless-shell": "chromium-headless-shell",
}


class CannotGoOn(Exception):
    """The machine lacks something we may not install; the message says what to do."""


# --- the Python environment ---


def venv_python(venv: Path = VENV, *, windows: bool = os.name == "nt") -> Path:
    return venv / "Scripts" / "python.exe" if windows else venv / "bin" / "python"


def stamp_of(lock: Path, venv: Path) -> str:
    """Digest of what an installation depends on: the lock and the interpreter it was made for."""
    about = venv / "pyvenv.cfg"
    return hashlib.sha256(lock.read_bytes() + (about.read_bytes() if about.exists() else b"")).hexdigest()


def is_installed(name: str, *, venv: Path = VENV, requirements: Path = ROOT / "requirements") -> bool:
    """Whether a lock, or a larger one that contains it, is in place as it stands now."""
    return any(
        (venv / f"{larger}.stamp").exists()
        and (venv / f"{larger}.stamp").read_text("ascii") == stamp_of(requirements / f"{larger}.txt", venv)
        for larger in LOCKS[LOCKS.index(name) :]
    )


def set_up(name: str) -> None:
    """Environment and libraries of one lock; costs nothing when they are there already."""
    if is_installed(name) and venv_python().exists():
        return
    if not venv_python().exists():
        make_venv()
    lock = ROOT / "requirements" / f"{name}.txt"
    say(f"Installing the libraries of requirements/{name}.txt (once; about a minute) ...")
    pip = [str(venv_python()), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    modern = {**os.environ, "PIP_USE_PEP517": "1"}  # an old pip grumbles about its own old way otherwise
    if subprocess.call([*pip, "--require-hashes", "--prefer-binary", "-r", str(lock)], cwd=ROOT, env=modern) != 0:
        raise CannotGoOn(
            "The libraries could not be installed. Check the network (or your pip mirror) and run this again."
        )
    (VENV / f"{name}.stamp").write_text(stamp_of(lock, VENV), "ascii")


def make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not (may_install() and install([package])):
            raise CannotGoOn(f"Python's venv module is missing. Run: {install_line([package])}")
    say("Making .venv ...")
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        raise CannotGoOn("Python could not make .venv here. Check that this folder can be written to.")


# --- what the system must bring ---


def loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def missing_libraries(*, window: bool) -> list[str]:
    """Debian packages that would bring what Qt lacks here; only Linux can lack any."""
    if not sys.platform.startswith("linux"):
        return []
    libraries = {**QT_LIBRARIES, **(WINDOW_LIBRARIES if window else {})}
    return [package for soname, package in libraries.items() if not loads(soname)]


def ensure_qt(*, window: bool) -> None:
    """Without these Qt ends the process, so there is no going on."""
    missing = missing_libraries(window=window)
    if missing and not (may_install() and install(missing)):
        raise CannotGoOn(f"This system lacks some libraries. Run: {install_line(missing)}")


def ensure_test_programs() -> None:
    """Without these the tests that drive a real window or a phone browser fail, and say so; the others run."""
    if not sys.platform.startswith("linux"):
        return
    missing = [package for program, package in TEST_PROGRAMS.items() if shutil.which(program) is None]
    if missing and not (may_install() and install(missing)):
        say(f"Some tests need more. Run: {install_line(missing)}")


def is_debian(os_release: Path = Path("/etc/os-release")) -> bool:
    if not os_release.exists():
        return False
    words = os_release.read_text("utf-8").replace('"', "").replace("=", " ").split()
    return bool({"debian", "ubuntu"} & set(words))


def may_install() -> bool:
    return is_debian() and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_line(packages: list[str]) -> str:
    if is_debian():
        return "sudo apt-get install -y " + " ".join(packages)
    return "your package manager for what Debian calls " + " ".join(packages)


def install(packages: list[str]) -> bool:
    """By apt-get; the package lists are fetched only when the first try does not know a package."""
    say("Installing " + " ".join(packages) + " ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]

    def call(line: list[str]) -> str | None:
        """What apt-get complained about; None when it did its work."""
        done = subprocess.run(line, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else done.stderr

    if call(command) is None:
        return True
    complaint = call(["apt-get", "update", "-qq"]) or call(command)
    if complaint is not None:
        say(complaint)
    return complaint is None


# --- what is run ---


def has_display(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a window can be shown; Qt ends the process when it is asked to and cannot."""
    asked = environment.get("QT_QPA_PLATFORM")
    if asked:
        return asked not in {"offscreen", "minimal"}
    if not platform.startswith("linux"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def environment_for(*, display: bool) -> dict[str, str]:
    chosen = {**os.environ, "PYTHONUTF8": "1"}
    chosen.pop("PYTHONDONTWRITEBYTECODE", None)  # the many processes of the tests would each compile the program anew
    if not display:
        chosen.setdefault("QT_QPA_PLATFORM", "offscreen")
    return chosen


def run_command(*, display: bool) -> list[str]:
    """The demo in a window, or without a screen one walk through the main job with pictures of it."""
    if display:
        return ["-m", "app", "demo", "--out", str(ROOT / ".kaxia" / "demo"), "--open"]
    return ["-m", "app", "walk", "--out", str(ROOT / ".kaxia" / "walk")]


def test_command(arguments: list[str]) -> list[str]:
    """Three processes, unless the arguments say otherwise or a debugger wants the terminal.

    One that crashes is not begun anew: with whole files to each, xdist would wait for its tests for ever.
    """
    alone = any(item.startswith(("-n", "--pdb", "--trace")) or item == "no:xdist" for item in arguments)
    order = ["--dist", "loadfile", "--no-loadscope-reorder"]  # tests/conftest.py knows the better one
    three = ["-n", "3", *order, "--max-worker-restart", "0"]
    return ["-m", "pytest", *([] if alone else three), *arguments]


def call(arguments: list[str], *, display: bool) -> int:
    """Runs our Python to its end; Ctrl+C reaches it too, so its own tidying up is waited for."""
    process = subprocess.Popen([str(venv_python()), *arguments], cwd=ROOT, env=environment_for(display=display))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def run(arguments: list[str]) -> int:
    display = has_display(os.environ)
    ensure_qt(window=display)
    set_up("server")
    if not display:
        say("No display here: walking through the main job offscreen.")
    return call([*run_command(display=display), *arguments], display=display)


def test(arguments: list[str]) -> int:
    ensure_qt(window=True)
    ensure_test_programs()
    set_up("dev")
    return call(test_command(arguments), display=False)


def lock(arguments: list[str]) -> int:
    """New locks from requirements/*.in; the smaller ones take the versions of the largest."""
    set_up("dev")
    uv = shutil.which("uv")
    if uv is None:
        raise CannotGoOn("Locking needs uv. Run: pip install uv")
    for name in (*reversed(LOCKS), "endpoint"):
        command = [uv, "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes"]
        command += ["--no-emit-index-url", *([] if name == "dev" else ["-c", "requirements/dev.txt"]), *arguments]
        code = subprocess.call([*command, f"requirements/{name}.in", "-o", f"requirements/{name}.txt"], cwd=ROOT)
        if code != 0:
            return code
    return 0


def only_set_up(arguments: list[str]) -> int:
    del arguments
    ensure_qt(window=True)
    ensure_test_programs()
    set_up("dev")
    say(f"Ready: {venv_python()}")
    return 0


def say(line: str) -> None:
    print(line, flush=True)


def too_old(version: tuple[int, ...]) -> str | None:
    """What to say to a Python that is too old."""
    if version[:2] >= OLDEST_PYTHON:
        return None
    found = ".".join(str(part) for part in version[:3])
    return (
        f"Kaxia needs Python 3.11 or newer; this is {found}. Install a newer one and run: python3.11 {sys.argv[0]} ..."
    )


def main(arguments: list[str]) -> int:
    old = too_old(tuple(sys.version_info[:3]))
    if old:
        say(old)
        return 1
    commands = {"run": run, "test": test, "setup": only_set_up, "lock": lock}
    if not arguments or arguments[0] not in commands:
        say(USAGE)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    try:
        return commands[arguments[0]](arguments[1:])
    except CannotGoOn as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
