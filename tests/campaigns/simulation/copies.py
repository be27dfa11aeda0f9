"""Vaults are copied, put back from older copies, and go on twice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.campaigns.simulation.desktop import Desktop, put_back
from tests.campaigns.simulation.people import half_made_discarded
from tests.campaigns.simulation.putting_back import forget, known_ops

if TYPE_CHECKING:
    from tests.campaigns.simulation.history import History


def back_up(history: History) -> None:
    """A desktop's database, as it is."""
    desktop = history.desktop()
    target = history.folder / f"copy{len(history.copies)}.db"
    desktop.copy(target)
    history.copies.append((target, desktop.name))


def restore(history: History) -> None:
    """From any copy: all desktops have the same vault's keys."""
    if history.copies:
        desktop, (copy, of) = history.desktop(), history.draw.choice(history.copies)
        if history.puts_back:
            desktop = next(one for one in history.desktops if one.name == of)
        history.told.lose(desktop, {row[0] for row in history.template.server.look("SELECT op_id FROM op")})
        desktop.restore(copy)
        history.tills[desktop.name].forget()
        desktop.act(half_made_discarded)
        history.wire.met["restore"] += 1
        forget(history.told, history.wire, history.desktops, known_ops(history), history.gone)


def clone(history: History) -> None:
    """A third desktop from a copy, while its original goes on; or the bare files, copied by hand."""
    if len(history.desktops) > 2:
        return
    original = history.desktop()
    copy = history.folder / "clone.db"
    original.copy(copy)
    if by_hand := history.draw.random() < 0.5:
        history.wire.met["clone by hand"] += 1
        (history.folder / "C").mkdir()
        shutil.copyfile(copy, history.folder / "C" / "vault.db")
    else:
        put_back(copy, history.folder / "C", history.template.keys)
    life = original.life if by_hand else ""
    history.join(
        Desktop("C", history.folder / "C", history.template.keys, history.wire, history.template.clock, life=life)
    )
    history.desktops[-1].act(half_made_discarded)
    history.wire.met["clone"] += 1
