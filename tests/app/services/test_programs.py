"""What another process of ours gets to know."""

import pytest

from app.services.programs import environment


def test_passphrases_of_the_shell_are_nothing_for_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAXIA_PASSPHRASE", "MAIL_PASSWORD", "KX_ZIP", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "geheim")
    for name in ("PATH", "LC_ALL", "PYTHONPATH", "KAXIA_ENDPOINT_PEPPER"):
        monkeypatch.setenv(name, "wanted")
    given = environment()
    assert "geheim" not in given.values()
    assert [given[name] for name in ("PATH", "LC_ALL", "PYTHONPATH", "KAXIA_ENDPOINT_PEPPER")] == ["wanted"] * 4
