"""The installers' scripts carry the version, and nothing is left to be filled in."""

from pathlib import Path

from build_scripts import build


def test_the_installer_scripts_carry_the_version(tmp_path: Path) -> None:
    scripts = build.installer_scripts(tmp_path)
    assert scripts
    for path in scripts:
        text = path.read_text("utf-8")

        assert build.version() in text
        assert "{{version}}" not in text


def test_the_size_counts_a_linked_file_once(tmp_path: Path) -> None:
    (tmp_path / "library.so.1").write_bytes(b"x" * 1000)
    (tmp_path / "library.so").symlink_to("library.so.1")

    assert build.size_of(tmp_path) == 1000
