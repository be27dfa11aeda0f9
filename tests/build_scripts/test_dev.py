"""The set-up script decides rightly what to install, what to say and what to start."""

import re
from pathlib import Path

import pytest

from build_scripts import dev


@pytest.fixture
def fresh(tmp_path: Path) -> tuple[Path, Path]:
    """A virtual environment's folder and a folder of locks."""
    venv, requirements = tmp_path / ".venv", tmp_path / "requirements"
    venv.mkdir()
    requirements.mkdir()
    (venv / "pyvenv.cfg").write_text("version = 3.11.7\n", "utf-8")
    for name in dev.LOCKS:
        (requirements / f"{name}.txt").write_text(f"{name}==1.0\n", "utf-8")
    return venv, requirements


def test_nothing_is_installed_before_the_first_stamp(fresh: tuple[Path, Path]) -> None:
    venv, requirements = fresh

    assert not dev.is_installed("server", venv=venv, requirements=requirements)


def test_a_stamp_holds_until_the_lock_or_the_interpreter_changes(fresh: tuple[Path, Path]) -> None:
    venv, requirements = fresh
    lock = requirements / "server.txt"
    stamp = venv / "server.stamp"

    stamp.write_text(dev.stamp_of(lock, venv), "ascii")
    assert dev.is_installed("server", venv=venv, requirements=requirements)
    lock.write_text("server==1.1\n", "utf-8")
    assert not dev.is_installed("server", venv=venv, requirements=requirements)

    stamp.write_text(dev.stamp_of(lock, venv), "ascii")
    (venv / "pyvenv.cfg").write_text("version = 3.12.1\n", "utf-8")
    assert not dev.is_installed("server", venv=venv, requirements=requirements)


def test_the_larger_lock_serves_the_smaller_but_not_the_other_way(fresh: tuple[Path, Path]) -> None:
    venv, requirements = fresh
    (venv / "dev.stamp").write_text(dev.stamp_of(requirements / "dev.txt", venv), "ascii")
    assert dev.is_installed("server", venv=venv, requirements=requirements)

    (venv / "dev.stamp").rename(venv / "app.stamp")
    assert not dev.is_installed("dev", venv=venv, requirements=requirements)


def test_the_locks_agree_and_the_larger_ones_contain_the_smaller() -> None:
    pins = {name: _pins((dev.ROOT / "requirements" / f"{name}.txt").read_text("utf-8")) for name in dev.LOCKS}

    assert pins["app"] <= pins["server"] <= pins["dev"]


def test_every_locked_line_has_a_hash_and_none_names_a_host() -> None:
    for name in dev.LOCKS:
        text = (dev.ROOT / "requirements" / f"{name}.txt").read_text("utf-8")

        assert text.count("--hash=sha256:") >= len(_pins(text)) > 20
        assert "://" not in text


def _pins(lock: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9][^\s;]+==[^\s;\\]+", lock, re.MULTILINE | re.IGNORECASE))


@pytest.mark.parametrize(
    ("environment", "platform", "shown"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, "linux", False),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "xcb"}, "linux", True),
        ({}, "win32", True),
        ({}, "darwin", True),
    ],
)
def test_a_window_is_shown_only_where_there_is_a_display(
    environment: dict[str, str], platform: str, shown: bool
) -> None:
    assert dev.has_display(environment, platform) is shown


def test_without_a_display_the_main_job_is_walked_offscreen() -> None:
    assert dev.run_command(display=False)[:3] == ["-m", "app", "walk"]
    assert dev.environment_for(display=False)["QT_QPA_PLATFORM"] == "offscreen"


def test_with_a_display_the_demo_opens() -> None:
    command = dev.run_command(display=True)

    assert command[:3] == ["-m", "app", "demo"]
    assert command[-1] == "--open"


@pytest.mark.parametrize(
    ("arguments", "processes"),
    [([], True), (["tests/app", "-x"], True), (["-n", "0"], False), (["-n4"], False), (["--pdb"], False)],
)
def test_tests_run_in_three_processes_unless_asked_otherwise(arguments: list[str], processes: bool) -> None:
    command = dev.test_command(arguments)

    assert (command[2:4] == ["-n", "3"]) is processes
    assert ("--max-worker-restart" in command) is processes
    assert command[len(command) - len(arguments) :] == arguments


def test_windows_keeps_its_python_elsewhere() -> None:
    assert dev.venv_python(Path("v"), windows=True) == Path("v/Scripts/python.exe")
    assert dev.venv_python(Path("v"), windows=False) == Path("v/bin/python")


@pytest.mark.parametrize(
    ("os_release", "debian"),
    [
        ("ID=debian\nVERSION_ID=12\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\n", False),
        (None, False),
    ],
)
def test_debian_and_its_children_are_known(tmp_path: Path, os_release: str | None, debian: bool) -> None:
    path = tmp_path / "os-release"
    if os_release is not None:
        path.write_text(os_release, "utf-8")

    assert dev.is_debian(path) is debian


def test_a_library_that_is_missing_names_its_debian_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.sys, "platform", "linux")
    monkeypatch.setattr(dev, "loads", lambda soname: soname not in {"libEGL.so.1", "libxcb-cursor.so.0"})

    assert dev.missing_libraries(window=False) == ["libegl1"]
    assert dev.missing_libraries(window=True) == ["libegl1", "libxcb-cursor0"]


def test_what_only_some_tests_need_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev.sys, "platform", "linux")
    monkeypatch.setattr(dev.shutil, "which", lambda program: None if program == "xdotool" else f"/usr/bin/{program}")
    monkeypatch.setattr(dev, "may_install", lambda: False)

    dev.ensure_test_programs()

    assert capsys.readouterr().out.strip().endswith("xdotool")


def test_qt_without_its_libraries_is_never_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.sys, "platform", "linux")
    monkeypatch.setattr(dev, "loads", lambda soname: soname != "libEGL.so.1")
    monkeypatch.setattr(dev, "may_install", lambda: False)

    with pytest.raises(dev.CannotGoOn, match="libegl1"):
        dev.ensure_qt(window=False)


def test_only_linux_lacks_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.sys, "platform", "win32")
    monkeypatch.setattr(dev, "loads", lambda _: False)

    assert dev.missing_libraries(window=True) == []


def test_an_old_python_is_told_in_words() -> None:
    assert "Python 3.11 or newer; this is 3.9.2" in str(dev.too_old((3, 9, 2)))
    assert dev.too_old((3, 11, 0)) is None
    assert dev.too_old((4, 0, 0)) is None
