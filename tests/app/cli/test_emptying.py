"""What lay in the recycle bin for 30 days goes with a command, where no window is ever opened."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.bootstrap import build_services
from app.cli.shell import VARIABLE, Shell
from app.config import Config
from app.errors import NotFound
from app.models.base import now
from app.models.removal import Removal
from app.services import Services
from app.services.removals import KEPT_DAYS
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.conftest import PASSPHRASE

LIST = "姓名\t邮箱\n张三\tzhang@firm.example\n"


@pytest.fixture
def shell(config: Config, vault: OpenVault, services: Services, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Over a vault in whose bin somebody lies for a little more than 30 days."""
    stored = services.people.store(services.people.check(services.people.stage(LIST)))
    services.removals.remove("person", list(stored.person_ids.values()))
    with vault.database.write(Topic.PEOPLE) as session:
        session.execute(update(Removal).values(removed_at=now() - timedelta(days=KEPT_DAYS, seconds=1)))
    vault.close()
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    return Shell(config, as_json=True, services_of=build_services)


def is_due(shell: Shell) -> bool:
    with shell.open() as services:
        return services.removals.due(now())


def test_a_command_that_writes_empties_the_bin(shell: Shell) -> None:
    with shell.open() as services:
        services.settings.put("backup.every_hours", 24)
    assert not is_due(shell)
    with shell.open() as services:
        assert services.audit.rows(limit=1)[0].action == "person.purged"


def test_a_command_that_only_reads_writes_nothing(shell: Shell) -> None:
    with shell.open() as services:
        services.catalog.products()
    assert is_due(shell)


def test_a_command_that_was_refused_lets_the_bin_be(shell: Shell) -> None:
    def refused() -> None:
        with shell.open() as services:
            services.settings.put("backup.every_hours", 24)
            services.catalog.product(99)

    with pytest.raises(NotFound):
        refused()
    assert is_due(shell)
