"""What narrows a list, as JSON keeps it, and back: for views that were saved, perhaps by an older version."""

from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Asked = TypeVar("Asked")


def as_kept(asked: Any) -> dict[str, Any]:
    """The fields of a filter that narrow anything; instants as text, tuples as lists."""
    usual = type(asked)()
    values = {one.name: getattr(asked, one.name) for one in fields(asked)}
    return {name: _plain(value) for name, value in values.items() if value != getattr(usual, name)}


def asked_again(kind: type[Asked], kept: dict[str, Any]) -> Asked:
    """The filter of that kind; what it does not know any more narrows nothing."""
    hints = get_type_hints(kind)
    return kind(**{name: _typed(hints[name], value) for name, value in kept.items() if name in hints})


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _typed(hint: Any, value: Any) -> Any:
    if isinstance(value, str) and datetime in get_args(hint):
        return datetime.fromisoformat(value)
    return tuple(value) if get_origin(hint) is tuple else value
