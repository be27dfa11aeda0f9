"""A file that was begun under a password is never written without one; planned ones wait and say so."""

from datetime import timedelta
from pathlib import Path

import pytest
import pyzipper
from sqlalchemy import update

from app.errors import JobCancelled, ZipPasswordNeeded
from app.messages import sentence
from app.models.base import now
from app.models.distribution import Distribution
from app.services.distribution import DistributionService
from app.services.secret import Secret
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Spec, added, counts

PASSWORD = Secret("松柏之茂-7K3Q")


def test_going_on_after_a_restart_asks_for_a_password_again(
    distributions: DistributionService, vault: OpenVault, spec: Spec, tmp_path: Path
) -> None:
    crowd = tuple(added(vault, [f"新人{n}" for n in range(12)]))
    run = distributions.prepare(spec(person_ids=crowd, protected=True))

    def cancel(done: int, total: int) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        distributions.deliver(run, cancel, zip_password=PASSWORD)
    with pytest.raises(ZipPasswordNeeded) as refused:
        distributions.deliver(run)
    assert "中秋 2027" in sentence(refused.value)
    assert list((tmp_path / "out").iterdir()) == []
    row = distributions.distribution(run)
    assert (counts(row), row.protected, row.state) == ({"prepared": 12}, True, "paused")
    (file,) = distributions.deliver(run, zip_password=Secret("another one")).files
    with pyzipper.AESZipFile(file) as bundle:
        bundle.setpassword(b"another one")
        assert bundle.read(bundle.namelist()[0])[:2] == b"PK"
    assert "松柏" not in repr(row)


def test_a_password_given_late_protects_from_then_on(
    distributions: DistributionService, vault: OpenVault, spec: Spec
) -> None:
    run = distributions.prepare(spec())
    assert not distributions.distribution(run).protected
    distributions.deliver(run, zip_password=PASSWORD)
    assert distributions.distribution(run).protected
    with vault.database.read() as session:
        assert "松柏" not in str(session.get_one(Distribution, run).template)


def test_mail_of_a_protected_run_goes_and_its_file_waits(
    distributions: DistributionService, spec: Spec, tmp_path: Path
) -> None:
    run = distributions.prepare(spec(protected=True))
    distributions.change_channel(distributions.delivery_ids(run)[:2], "email")
    with pytest.raises(ZipPasswordNeeded):
        distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 2, "prepared": 3}
    assert list((tmp_path / "out").glob("*")) == []
    assert distributions.deliver(run, zip_password=PASSWORD).sent == 3


def test_a_planned_file_that_needs_a_password_is_not_started_by_itself(
    distributions: DistributionService, spec: Spec
) -> None:
    soon = now() - timedelta(minutes=1)
    locked = distributions.prepare(spec(protected=True, scheduled_at=soon))
    free = distributions.prepare(spec(scheduled_at=soon, allow_again=True))
    later = distributions.prepare(spec(protected=True, scheduled_at=now() + timedelta(days=1), allow_again=True))
    assert distributions.due(now()) == [free]
    assert distributions.locked(now()) == [locked]
    assert later not in distributions.due(now() + timedelta(days=2))
    distributions.deliver(locked, zip_password=PASSWORD)
    assert distributions.locked(now()) == []


def test_what_a_crash_cut_is_paused_when_the_vault_is_opened(
    distributions: DistributionService, vault: OpenVault, spec: Spec
) -> None:
    planned = distributions.prepare(spec(scheduled_at=now() + timedelta(days=1)))
    cut = distributions.prepare(spec(allow_again=True))
    begun = distributions.prepare(spec(allow_again=True))
    done = distributions.prepare(spec(allow_again=True))
    distributions.deliver(done)
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Distribution).where(Distribution.id == cut).values(state="sending"))
    assert distributions.wake() == 2
    states = {row.id: row.state for row in distributions.distributions()}
    assert states == {planned: "prepared", cut: "paused", begun: "paused", done: "finished"}
    assert distributions.wake() == 0
