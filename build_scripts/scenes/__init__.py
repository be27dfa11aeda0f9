"""Every scene there is, in the order they are played: those over the same data folder stand together."""

from build_scripts.scenes import gates, giving, house, offline, shell, stock, trade, troubles
from build_scripts.scenes.stage import Scene

SCENES: tuple[Scene, ...] = (
    *gates.SCENES,
    *shell.EMPTY,
    *shell.SCENES,
    *stock.SCENES,
    *giving.SCENES,
    *trade.SCENES,
    *offline.SCENES,
    *house.SCENES,
    *troubles.SCENES,
    *giving.WIZARD,
)
