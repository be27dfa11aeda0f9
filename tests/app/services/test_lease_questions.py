"""What the counter's lists ask of a long ledger is answered out of an index."""

from app.models.base import now
from app.services import Services
from app.services.vault.vaults import OpenVault
from tests.app.services.test_leases import EVENING
from tests.drivers.asked import asked, plan
from tests.drivers.online import a_batch, a_code


def test_what_was_decided_without_a_line_is_found_whatever_the_ledger_has(online: Services, vault: OpenVault) -> None:
    """Of a hundred leases each asked twice; with half a million entries the list took half a minute."""
    batch = a_batch(online)
    online.cloud.sync()
    online.leases.take(batch, until=now() + EVENING, count=10)
    online.cloud.stop_embedded()
    online.redemptions.redeem(a_code(online, batch), 700)
    with asked(vault.database) as questions:
        (row,) = online.leases.leases()
        standing = online.leases.standing()
    assert (row.uses, row.unsent, standing.uses, standing.minor) == (1, 1, 1, 700)
    about = [one for one in questions if "FROM redemption" in one[0]]
    assert len(about) >= 3
    assert not [found for one in about if "SCAN redemption" in (found := plan(vault.database, one))]
