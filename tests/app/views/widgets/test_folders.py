"""Where files go unless somebody chooses."""

from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths

from app.views.widgets.folders import documents


def test_a_folder_that_is_not_there_is_not_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda _: str(papers))
    assert documents() == Path.home()
    papers.mkdir()
    assert documents() == papers
