"""Where Tab goes: through what is seen, in the order it is laid out, whenever it was made."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLayout, QWidget

WHOLE = (QAbstractSpinBox, QComboBox)
"""Their parts are no stops of their own."""
TAB = Qt.FocusPolicy.TabFocus.value


def go_by_tab(window: QWidget, *, forward: bool) -> bool:
    """To the stop after the one that has the focus, or before it; False where there is no other.

    Qt goes by the order in which widgets were made: to a filter after its list, to what is added later at the end.
    """
    here: QWidget | None = window.focusWidget()
    seen = list(_seen_below(window))
    while here is not None and here not in seen:  # it is being hidden: from where it stood
        here = here.parentWidget()
    way = [part for part in seen if part is here or _is_stop(part)]
    at = way.index(here) if here in way else -1 if forward else len(way)
    if not any(part is not here for part in way):
        return False
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    way[(at + (1 if forward else -1)) % len(way)].setFocus(reason)
    return True


def _is_stop(part: QWidget) -> bool:
    return bool(part.focusPolicy().value & TAB) and part.isEnabled() and part.focusProxy() is None


def _seen_below(widget: QWidget) -> Iterator[QWidget]:
    """What is in sight, from left to right and from top to bottom; what lies over the rest comes last."""
    parts = widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    layout = widget.layout()
    place = {part: at for at, part in enumerate(_laid_out(layout, parts))} if layout is not None else {}
    seen = [part for part in parts if part.isVisible() and not part.isWindow()]
    for part in sorted(seen, key=lambda part: (place.get(part, len(place)), part.y(), part.x())):
        yield part
        if not isinstance(part, WHOLE):
            yield from _seen_below(part)


def _laid_out(layout: QLayout, parts: Sequence[QWidget]) -> Iterator[QWidget]:
    """Those of `parts` that the layout holds, in its order.

    Each is asked for its place, as an item from `itemAt` is not told when Qt deletes it: what is made at its address
    later, and deleted by Qt, takes the program with it.
    """
    below = [one for one in layout.children() if isinstance(one, QLayout)]
    placed = [(layout.indexOf(part), part) for part in parts] + [(layout.indexOf(one), one) for one in below]
    for _, held in sorted((one for one in placed if one[0] >= 0), key=itemgetter(0)):
        if isinstance(held, QLayout):
            yield from _laid_out(held, parts)
        else:
            yield held
