"""Where Tab goes: through what is seen, in the order it is laid out, whenever it was made."""

from collections.abc import Iterator

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
    layout = widget.layout()
    place = {part: at for at, part in enumerate(_laid_out(layout))} if layout is not None else {}
    seen = [
        part
        for part in widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if part.isVisible() and not part.isWindow()
    ]
    for part in sorted(seen, key=lambda part: (place.get(part, len(place)), part.y(), part.x())):
        yield part
        if not isinstance(part, WHOLE):
            yield from _seen_below(part)


def _laid_out(layout: QLayout) -> Iterator[QWidget]:
    for at in range(layout.count()):
        item = layout.itemAt(at)
        if item is None:
            continue
        widget, below = item.widget(), item.layout()
        if widget is not None:
            yield widget
        elif below is not None:
            yield from _laid_out(below)
