"""What the window is told from outside: its pages, its commands, what the search can find."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtWidgets import QWidget

from app.views.theme import Tone

MenuKey = Literal["file", "cards", "distribution", "tools", "help"]
Scope = Literal["", "#", "@"]


@dataclass(frozen=True, slots=True)
class PageSpec:
    """`title` is called whenever it is shown, because the language may change; `build` on the first visit.

    The order of a list of specs is the order of the rail and of Ctrl+1…9; `foot` pages stand below its line. A page
    that has no place in the rail says `under` which entry it belongs.
    """

    key: str
    title: Callable[[], str]
    symbol: str
    build: Callable[[], QWidget]
    shortcut: str = ""
    foot: bool = False
    under: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """An act of the menu bar and the palette."""

    key: str
    title: Callable[[], str]
    call: Callable[[], object]
    menu: MenuKey
    symbol: str = ""
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One answer of the search: what to show, and the page that shows it (`wanted` goes to its `show_wanted`)."""

    title: str
    detail: str
    symbol: str
    page: str
    wanted: object


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """The dot in the top bar: `words` such as "synced 10:32", `offline` for the badge in the status bar."""

    tone: Tone
    words: str
    offline: str = ""


Find = Callable[[Scope, str], Sequence[Found]]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything the window shows once a vault is open. `find` runs on a worker; "" looks everywhere."""

    merchant: str
    pages: Sequence[PageSpec]
    lists: Sequence[PageSpec] = ()
    """Pages that numbers lead to; they have no place in the rail."""
    commands: Sequence[Command] = ()
    find: Find | None = None
    start: str = ""
    ribbon: Callable[[], str] | None = None
