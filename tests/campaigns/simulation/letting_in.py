"""Devices are revoked, and their desktops are let in again as other devices, with whatever waits in them; some are
paired once more without that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import AppError, EndpointRefused
from app.services import Services
from app.services.cloud.rows import PAIR_AGAIN
from tests.campaigns.simulation.desktop import Desktop
from tests.campaigns.simulation.server import BASE

if TYPE_CHECKING:
    from tests.campaigns.simulation.history import History


def revoke(history: History) -> None:
    """Somebody revokes any other device, every other time after a shift; the last owner stays."""
    picked = history.draw.random()
    if history.draw.random() < 0.5:
        history.shift()
        history.wire.down = False

    def act(services: Services) -> None:
        others = [row for row in services.devices.listed() if row.state == "active" and not row.is_this]
        if others:
            services.devices.revoke(others[int(picked * len(others))])
            history.wire.met["device revoked"] += 1

    history.desktop().act(act)


def let_in_again(history: History) -> None:
    """Whoever knows that it was revoked asks for a code; now and then somebody whom nobody revoked, for it did not
    sync."""
    if history.draw.random() < 0.3:
        _pair(history, history.draw.choice(history.desktops))
        history.wire.met["paired once more"] += 1
    for desktop in history.everybody():
        problem = desktop.act(lambda services: services.cloud.status().last_problem)
        if problem in PAIR_AGAIN:
            _pair(history, desktop)


def everybody_is_in(history: History) -> None:
    """In the end, without faults: whoever is still outside comes in."""
    for desktop in history.everybody():
        refusals: list[AppError] = []
        desktop.act(lambda services: services.cloud.sync(), refused=refusals.append)
        if any(isinstance(error, EndpointRefused) and error.reason in PAIR_AGAIN for error in refusals):
            _pair(history, desktop)


def _pair(history: History, desktop: Desktop) -> None:
    """An owner's code comes from whoever looks after the endpoint, a clerk's from an owner that is in."""
    if desktop in history.desktops:
        template = history.template
        template.server.fuse.put_out()  # not while somebody sits before it
        code = template.server.merchant(template.merchant_id, "某某商户", template.clock.ms).code
    else:
        made = [one.act(lambda services: services.devices.invite("clerk", "前台电脑")) for one in history.desktops]
        codes = [invitation.code.reveal() for invitation in made if invitation is not None]
        if not codes:
            return
        code = codes[0]
    desktop.act(lambda services: services.cloud.pair(BASE, code))
    history.wire.met["let in again"] += 1
