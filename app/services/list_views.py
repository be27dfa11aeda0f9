"""Views of lists under a name: what narrows the list, its order and its columns; kept in the vault."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.errors import InvalidInput, NotFound
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.settings import store, stored
from app.services.texts import one_line
from app.topics import Topic

KEY = "lists.views"
LONGEST = 40
"""Signs of a name: more do not fit on a tab."""
MOST = 30
"""Views of one list."""


@dataclass(frozen=True, slots=True)
class ListView:
    """`question` is what the list's own page makes of its filters, as JSON; `columns` is what its table saves."""

    name: str
    question: dict[str, Any]
    sort: str
    descending: bool
    columns: str


Views = list[ListView]


class ListViewService:
    """Lists are named by their page. The order is that in which the views were made."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database, self._audit = database, audit

    def of(self, list_name: str) -> Views:
        with self._database.read() as session:
            return _read(stored(session, KEY), list_name)

    def add(self, list_name: str, view: ListView) -> Views:
        """Keep a view under a new name. Raises InvalidInput."""
        name = _name(view.name)

        def added(views: Views) -> Views:
            _require_free(views, name)
            if len(views) >= MOST:
                raise InvalidInput("name", "too-many-views")
            return [*views, replace(view, name=name)]

        return self._change(list_name, added)

    def replace(self, list_name: str, view: ListView) -> Views:
        """Keep something else under a name that is there. Raises NotFound."""
        return self._change(list_name, lambda views: _with(views, view.name, view))

    def rename(self, list_name: str, old: str, new: str) -> Views:
        """Raises InvalidInput, NotFound."""
        name = _name(new)

        def renamed(views: Views) -> Views:
            if name != old:
                _require_free(views, name)
            return _with(views, old, replace(_one(views, old), name=name))

        return self._change(list_name, renamed)

    def remove(self, list_name: str, name: str) -> Views:
        """Raises NotFound."""
        return self._change(list_name, lambda views: [view for view in views if view is not _one(views, name)])

    def _change(self, list_name: str, change: Callable[[Views], Views]) -> Views:
        """The names may be those of people: the audit log says that views changed, and no more."""
        with self._database.write(Topic.SETTINGS, Topic.AUDIT) as session:
            kept = stored(session, KEY)
            views = change(_read(kept, list_name))
            store(session, KEY, kept | {list_name: [asdict(view) for view in views]})
            self._audit.record(session, "setting.changed", subject=KEY)
        return views


def _read(kept: dict[str, Any], list_name: str) -> Views:
    return [ListView(**view) for view in kept.get(list_name, ())]


def _name(typed: str) -> str:
    name = one_line("name", typed)
    if len(name) > LONGEST:
        raise InvalidInput("name", "too-long-for-a-tab")
    return name


def _require_free(views: Views, name: str) -> None:
    if any(view.name == name for view in views):
        raise InvalidInput("name", "taken")


def _one(views: Views, name: str) -> ListView:
    for view in views:
        if view.name == name:
            return view
    raise NotFound("view", name)


def _with(views: Views, name: str, other: ListView) -> Views:
    place = views.index(_one(views, name))
    return [*views[:place], other, *views[place + 1 :]]
