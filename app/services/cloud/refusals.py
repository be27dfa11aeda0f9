"""What the wire did to us, as a refusal that a user can be told about."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import EndpointRefused, EndpointUnreachable
from sync.client import Refused, Unreachable


@contextmanager
def told(url: str) -> Iterator[None]:
    """Raises EndpointUnreachable, EndpointRefused."""
    try:
        yield
    except Unreachable as error:
        raise EndpointUnreachable(url) from error
    except Refused as refused:
        raise EndpointRefused(refused.key) from refused
