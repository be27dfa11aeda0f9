"""Is the endpoint well, and what does it speak?"""

from typing import Any

from litestar import get
from msgspec import Struct

from sync.server import feed
from sync.server.routes.desktop import Asked, endpoint_of


class Health(Struct, frozen=True):
    status: str
    epoch: str


@get("/healthz")
async def health(request: Asked) -> Health:
    """Answers once the database can be read."""
    return Health("ok", await endpoint_of(request).store.read(feed.epoch))


@get("/openapi.json", include_in_schema=False)
async def description(request: Asked) -> dict[str, Any]:
    """Every route and message, written from their types."""
    return request.app.openapi_schema.to_schema()


ROUTES = (health, description)
