"""The endpoint as a real process, once on SQLite and once on a real PostgreSQL; and a phone with a real browser."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.drivers.endpoint import Desktop, Served, new_merchant, paired, running
from tests.drivers.postgres import new_database, postgres
from tests.sync.server.browser import Desk, Phone, launch, phone_of, running_endpoint


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="kaxia-pg-"))
    try:
        with postgres(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One endpoint for a module's tests, each of which makes its own merchant."""
    folder = tmp_path_factory.mktemp("endpoint")
    if request.param == "sqlite":
        database = str(folder / "endpoint.db")
    else:
        database = new_database(request.getfixturevalue("postgres_url"), f"kaxia_{uuid4().hex[:12]}")
    with running(database, folder / "secrets.json") as url:
        yield Served(database, url, folder / "secrets.json")


@pytest.fixture
def desktop(served: Served) -> Iterator[Desktop]:
    made = paired(served.url, new_merchant(served.database))
    yield made
    made.client.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_endpoint(tmp_path_factory.mktemp("endpoint")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = launch(playwright)
        yield made
        made.close()


@pytest.fixture
def phone(browser: Browser, desk: Desk) -> Iterator[Phone]:
    with phone_of(browser, desk.base) as made:
        yield made
        assert made.complaints == []
