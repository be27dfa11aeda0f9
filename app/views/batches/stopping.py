"""How far a freeze reaches, in words: it is in force here at once, elsewhere perhaps not yet."""

from app.services.leases import Reach
from app.words import ntr, tr


def frozen_words(count: int, reach: Reach) -> str:
    """What the toast says after so many batches were frozen."""
    words = ntr("{count} batch frozen", "{count} batches frozen", count) if count != 1 else tr("Frozen")
    if reach.waiting:
        return tr("{words} on this computer. Waiting: elsewhere it is frozen as soon as there is a line.", words=words)
    if reach.leased:
        return tr("{words}. In force except for leased cards: their computer minds it when it syncs.", words=words)
    return words


def freezing_words(reach: Reach) -> str:
    """What the question says beforehand."""
    words = tr("None of their cards can be redeemed until the batch is thawed.")
    if reach.waiting:
        return tr("{words} There is no line: elsewhere they are frozen as soon as there is one.", words=words)
    if reach.leased:
        return tr("{words} Cards that another computer has leased go on until it syncs.", words=words)
    return words
