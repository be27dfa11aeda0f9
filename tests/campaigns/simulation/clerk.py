"""A clerk's desktop beside the owners': a vault of its own, without cards, that redeems what they made.

It may not make, stop or carry anything. What it redeemed it knows by its own ops and by events as they came.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from app.bootstrap import build_services
from app.config import Config
from app.services.vault.vaults import NewVault, Vaults
from tests.campaigns.simulation.desktop import Desktop
from tests.campaigns.simulation.people import Known, Till
from tests.campaigns.simulation.server import Server
from tests.campaigns.simulation.wire import Wire
from tests.campaigns.simulation.world import Clock, Violation

if TYPE_CHECKING:
    from app.services.vault.keys import VaultKeys
    from tests.campaigns.simulation.history import History

NAME = "K"
CHEAP_KIB = 64


def made(folder: Path, owner: Desktop, *, server: Server, clock: Clock) -> tuple[Path, VaultKeys]:
    """A copy of the vault of one that `owner` has let in, and its keys."""
    vault, _ = Vaults(Config(folder / NAME), memory_kib=CHEAP_KIB).create(
        NewVault("前台", "another quiet passphrase 店")
    )
    build_services(Config(folder / NAME), vault)
    vault.close()
    invitation = owner.act(lambda services: services.devices.invite("clerk", "前台电脑"))
    assert invitation is not None, "there are no faults yet"
    desktop = Desktop(NAME, folder / NAME, vault.keys, Wire(server, Random(0), 0), clock)
    desktop.act(lambda services: services.cloud.pair(invitation.url, invitation.code.reveal()))
    assert desktop.act(lambda services: services.cloud.sync()) is not None
    desktop.copy(folder / f"{NAME}.db")
    desktop.close()
    return folder / f"{NAME}.db", vault.keys


class Clerk:
    """In one history."""

    def __init__(self, history: History) -> None:
        file, keys = history.template.clerk
        folder = history.folder / NAME
        folder.mkdir()
        shutil.copyfile(file, folder / "vault.db")
        self._draw, self._told = history.draw, history.told
        self.desktop = Desktop(NAME, folder, keys, history.wire, history.template.clock)
        self.till = Till(self.desktop, history.told, history.draw)

    def act(self, card: Known | None) -> None:
        what = self._draw.random()
        if what < 0.25:
            self.desktop.act(lambda services: services.cloud.sync())
        elif what < 0.8 and card is not None:
            self.till.redeem(card)
        else:
            self._take_back()

    def _take_back(self) -> None:
        """Any of its last uses: what a person sees in the list."""
        uses = self.desktop.act(lambda services: services.redemptions.last()) or []
        uses = [use for use in uses if use.kind == "redeemed"]
        if not uses:
            return
        use = self._draw.choice(uses)
        done = self.desktop.act(lambda services: services.redemptions.reverse(use.id, reason="x"))
        if done is not None:
            self._told.confirm(done.redemption_id, done.redeemed_minor, done.redeemed_uses)
            self._told.steps["clerk's reversals"] += 1

    def check(self, ledger: set[str]) -> None:
        """What it shows as its last uses is in the ledger. Raises Violation."""
        uses = self.desktop.act(lambda services: services.redemptions.last()) or []
        if odd := {use.id for use in uses} - ledger:
            raise Violation(f"I5: the clerk shows uses that nobody else has: {odd}")
